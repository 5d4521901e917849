"""A day of EEG through the generated C, a float64 twin beside it, and the NumPy reference on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeeeg_bench.errors import BenchError
from edgeeeg_bench.soak.day import Day, Errors, summarize
from edgeeeg_bench.soak.eeg import LSB, Counts, hour_counts, synthetic
from edgeeeg_bench.soak.network import soak_network
from edgeeeg_bench.soak.side_by_side import RATE, side_by_side
from edgeeeg_bench.soak.stretch import Stretch, check_stretches
from edgeeeg_bench.soak.twin import Float64Twin
from edgeeeg_export.contract import Subject
from edgeeeg_export.loading import load_model
from edgeeeg_export.pipeline import compile_model
from edgeeeg_export.targets import c
from edgeeeg_export.targets.c_layout import StreamLayout, lay_out_stream
from edgeeeg_export.targets.native import NativeModel
from edgeeeg_export.tensor import Array

CALIBRATION_SECONDS = 120.0
PROBABILITY, SPIKES = 0, slice(1, None)  # columns of the outputs


@dataclass(frozen=True, slots=True)
class SoakPlan:
    """How long, and where the NumPy reference looks.

    Parameters
    ----------
    hours, hour_seconds : the length of the stream; an hour of another length than 3600 s is for tests.
    stretch_every, stretch_seconds : the reference runs this long, this often, in s.
    seed : of weights and EEG.

    Raises
    ------
    BenchError
        For stretches that overlap or do not fit an hour.
    """

    hours: int = 24
    hour_seconds: int = 3600
    stretch_every: int = 900
    stretch_seconds: int = 30
    seed: int = 0

    def __post_init__(self) -> None:
        if self.hours < 1 or not 0 < self.stretch_seconds <= self.stretch_every <= self.hour_seconds:
            raise BenchError(
                f"soak: {self.stretch_seconds} s every {self.stretch_every} s do not fit {self.hours} hours "
                f"of {self.hour_seconds} s: give at least one hour, and stretches that fit into it"
            )

    @property
    def stretches(self) -> tuple[tuple[int, int], ...]:
        """First and last second (exclusive) of each stretch of an hour."""
        starts = range(0, self.hour_seconds - self.stretch_seconds + 1, self.stretch_every)
        return tuple((start, start + self.stretch_seconds) for start in starts)


def run_soak(
    plan: SoakPlan,
    excerpts: Sequence[Counts],
    build: Path,
    on_progress: Callable[[int], None] = lambda hours: None,
) -> tuple[Subject, Day]:
    """Carry C and twin through the whole stream without a reset, and hold C to the reference on the way.

    Parameters
    ----------
    excerpts : real EEG that fills a third of each hour, (n_times, 3) counts; none for synthetic EEG alone.
    build : folder for the generated sources and libraries.
    on_progress : called with the hours done.

    Raises
    ------
    BenchError
        If a state is not finite any more.
    """
    network = soak_network(synthetic(CALIBRATION_SECONDS, plan.seed), plan.seed)
    subject = compile_model(load_model(network), name="soak", lsb=LSB).subject
    layout = lay_out_stream(subject.step, LSB, sliding=False)
    program = subject.program
    folder = program.write(build / "c")
    native = NativeModel(folder, build, program.n_outputs, program.hop, program.saved_bytes)
    twin = Float64Twin(
        c.emit(subject.step, LSB, sliding=False), build / "twin", sum(field.size for field in layout.states)
    )
    names = tuple(state.name for state in subject.step.all_states())
    sizes = [field.size for field in layout.states]
    hours: list[Errors] = []
    stretches: list[Stretch] = []
    for hour in range(plan.hours):
        counts = hour_counts(hour, plan.hour_seconds, plan.seed, excerpts)
        outputs, saved, errors = _pass_hour(native, twin, layout, sizes, counts)
        hours.append(errors)
        stretches += check_stretches(
            subject, layout, plan.stretches, counts, outputs, saved, hour * plan.hour_seconds
        )
        on_progress(hour + 1)
    return subject, summarize(hours, names, stretches, RATE // program.hop)


def _pass_hour(
    native: NativeModel, twin: Float64Twin, layout: StreamLayout, sizes: Sequence[int], counts: Counts
) -> tuple[Array, list[bytes], Errors]:
    """Outputs of C, its saved state at every second from the start on, and its distance from the twin."""
    outputs, saved = [], [native.save()]
    distances, flips, states = [], [], []
    edges = np.cumsum([0, *sizes])[:-1]
    for second in side_by_side(native, twin, layout, counts):
        mine, theirs = second.outputs, second.twin_outputs
        outputs.append(mine)
        saved.append(second.saved)
        distances.append(np.abs(mine[:, PROBABILITY] - theirs[:, PROBABILITY]))
        flips.append((mine[:, SPIKES] != theirs[:, SPIKES]).sum(axis=1))
        states.append(np.maximum.reduceat(np.abs(second.state - second.twin_state), edges))
    return (
        np.concatenate(outputs),
        saved,
        Errors(np.concatenate(distances), np.concatenate(flips), np.stack(states)),
    )
