"""One program of integers over one recording: NumPy, C on the host and C on emulated boards."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from edgeeeg_bench.errors import BenchError
from edgeeeg_bench.soak.eeg import LSB, Counts, synthetic
from edgeeeg_bench.soak.network import SoakNetwork, soak_network
from edgeeeg_bridge.board_run import run_emulated
from edgeeeg_export import reference
from edgeeeg_export.contract import Subject, run_on_host, stack_outputs
from edgeeeg_export.loading import load_model
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.pipeline import compile_model
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.quantize.format import Format, Storage
from edgeeeg_export.targets import c
from edgeeeg_export.tensor import Array

CALIBRATION_SECONDS = 120.0
HOP = 64
"""Samples of a step: a quarter of a second, so that the link does not take longer than the cores."""
STEPS_OF_A_CALL = 4096
"""Of the NumPy reference, whose memory this bounds."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One target's outputs of all steps: how many differ from NumPy's, and the first of them."""

    steps: int
    differing: int
    first_difference: int | None
    sha256: str


@dataclass(frozen=True, slots=True)
class BoardSoak:
    """What every target made of one recording.

    Parameters
    ----------
    model_hash : of the program.
    samples : of each channel.
    targets : by name, NumPy among them.
    error_by_quarter : median |integers − float32| of the outputs in each quarter of the recording.
    """

    model_hash: str
    samples: int
    targets: Mapping[str, Outcome]
    error_by_quarter: tuple[float, ...]

    @property
    def bit_identical(self) -> bool:
        """Whether every target has an output for every step, and all have the same bits."""
        return len({(one.steps, one.sha256) for one in self.targets.values()}) == 1

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"bit_identical": self.bit_identical}


class Probability(nn.Module):
    """The network without its spikes, which would fill the link."""

    def __init__(self, network: SoakNetwork) -> None:
        super().__init__()
        self.network, self.n_chans, self.sfreq = network, network.n_chans, network.sfreq

    def forward(self, x: Tensor) -> Tensor:
        """Probabilities (batch, n_times / 8, 1) of x in µV."""
        probabilities: Tensor = self.network(x)[0]
        return probabilities


def integer_subject(states: Storage, seed: int = 0) -> Subject:
    """Conv, LIF, Mamba and GRU with int8 activations, calibrated on two minutes of another seed's EEG.

    Parameters
    ----------
    states : what those of the recurrences are stored in that have a form in integers.
    """
    loaded = load_model(Probability(soak_network(synthetic(CALIBRATION_SECONDS, seed + 1), seed)).eval())
    plain = compile_model(loaded, name="soak", lsb=LSB, hop=HOP).subject
    eeg = synthetic(CALIBRATION_SECONDS, seed + 2).to_int16(LSB, allow_clipping=True)[0]
    eeg = eeg[: len(eeg) // plain.hop * plain.hop]
    ranges = calibrate(stream(plain.lowered.captured, plain.hop), plain.samples(eeg), "percentile")
    inputs = {spec.name: Format("int16", spec.count) for spec in plain.inputs}
    formats = assign(ranges, inputs, "int8", states)
    return compile_model(loaded, name="soak", lsb=LSB, hop=HOP, formats=formats).subject


def soak_boards(
    subject: Subject,
    counts: Counts,
    boards: Sequence[str],
    build: Path,
) -> BoardSoak:
    """Carry one stream through every target without a reset.

    Parameters
    ----------
    counts : (n_times, n_chans), whole steps.
    build : folder for the generated sources, libraries and firmware.
    """
    outputs = reference.run_stream(subject.step, subject.samples(counts), STEPS_OF_A_CALL)
    truth = stack_outputs(subject.step, outputs)
    targets = {"numpy": _outcome(truth, truth)}
    targets["c_host"] = _outcome(truth, run_on_host(subject.program, counts))
    folder = subject.program.write(build / "c")

    def play(board: str) -> Outcome:
        return _outcome(truth, run_emulated(folder, build / board.replace(":", "-"), board, counts).outputs)

    with ThreadPoolExecutor(os.cpu_count()) as side_by_side:  # an emulator is a process of its own
        targets |= zip(boards, side_by_side.map(play, boards), strict=True)
    errors = np.array_split(np.abs(truth - _floats(subject, counts)), 4)
    medians = tuple(float(np.median(quarter)) for quarter in errors)
    return BoardSoak(subject.step.hash, len(counts), targets, medians)


def _floats(subject: Subject, counts: Counts) -> Array:
    """Outputs of the float32 program beside one of integers, in C on the host."""
    if subject.twin is None:
        raise BenchError("the soak of boards compares integers with floats: give a program of integers")
    return run_on_host(c.emit(subject.twin.step, LSB), counts)


def _outcome(truth: Array, outputs: Array) -> Outcome:
    ours, theirs = (np.ascontiguousarray(values).view(np.uint32) for values in (truth, outputs))
    steps = min(len(ours), len(theirs))
    differing = np.flatnonzero((ours[:steps] != theirs[:steps]).any(axis=1))
    first = int(differing[0]) if len(differing) else None
    return Outcome(len(theirs), len(differing), first, hashlib.sha256(theirs.tobytes()).hexdigest())
