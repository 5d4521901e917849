"""One layer as a program of its own, on the host and on the emulated board."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeeeg_bench.counters import plugin_args, read_counts
from edgeeeg_bench.profile import ModelProfile, model_profile, model_symbols
from edgeeeg_bridge.board_run import run_emulated
from edgeeeg_export.boards import find_board
from edgeeeg_export.contract import Subject
from edgeeeg_export.loading import load_model
from edgeeeg_export.pipeline import compile_model
from edgeeeg_export.targets.c import CProgram
from edgeeeg_export.targets.native import NativeModel

if TYPE_CHECKING:
    from torch import nn

BOARD = "qemu:mps2-an386"
SFREQ = 256.0
"""Rate of the layers in Hz, where a row says no other."""
HOP = 32
"""Samples of a step where the layer leaves the choice."""
LSB = 0.25
"""µV a count: EEG on an offset of 4 mV stays within int16, which it leaves at 0.125 µV."""
NAME = "layer"
"""Symbol prefix of the programs."""


def compiled(layer: nn.Module, sfreq: float = SFREQ, hop: int = HOP, n_times: int | None = None) -> Subject:
    """One channel through one layer: its graphs and its C.

    Parameters
    ----------
    layer : nn.Module
    sfreq : Hz.
    hop : samples of a step.
    n_times : samples to trace it with, eight steps by default.
    """
    loaded = load_model(layer, n_chans=1, n_times=n_times or 8 * hop)
    return compile_model(loaded, name=NAME, sfreq=sfreq, hop=hop, lsb=LSB).subject


def on_host(program: CProgram, counts: NDArray[np.int16], scratch: Path) -> NDArray[np.float32]:
    """All outputs of a filter's C, (n_times,), for counts (n_times,); builds under `scratch`."""
    folder = program.write(scratch / "c")
    model = NativeModel(folder, scratch, program.n_outputs, program.hop, program.saved_bytes)
    return model.push(counts[:, None]).ravel()


def on_board(subject: Subject, seconds: float, scratch: Path) -> ModelProfile:
    """Instructions of each function while whole steps of seeded noise run on the board."""
    (spec,) = subject.inputs
    n_times = round(seconds * spec.sfreq) // subject.hop * subject.hop
    noise = np.random.default_rng(0).integers(-2000, 2000, (n_times, 1)).astype(np.int16)
    found = scratch / "counts.tsv"
    run = run_emulated(
        subject.program.write(scratch / "c"),
        scratch,
        BOARD,
        noise,
        lambda elf: plugin_args(elf, found, scratch),
    )
    symbols = model_symbols(sorted((scratch / "model").glob("*.o")))
    return model_profile(read_counts(found), symbols, len(run.outputs), find_board(BOARD).core)
