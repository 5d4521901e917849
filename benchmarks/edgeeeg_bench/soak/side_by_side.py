"""C in float32 and its float64 twin through the same samples, second by second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeeeg_bench.errors import BenchError
from edgeeeg_bench.soak.eeg import SFREQ, Counts
from edgeeeg_bench.soak.saved_state import state_floats
from edgeeeg_bench.soak.twin import Float64Twin
from edgeeeg_export.targets.c_layout import StreamLayout
from edgeeeg_export.targets.native import NativeModel
from edgeeeg_export.tensor import Array

RATE = int(SFREQ)  # samples of a second; a whole number, so that a second is a whole number of hops


@dataclass(frozen=True, slots=True, eq=False)
class Second:
    """What one second of samples made of both.

    Parameters
    ----------
    outputs, twin_outputs : (n_steps, n_outputs), float32 of C and float64 of the twin.
    saved : C's state behind it, as the board would save it.
    state, twin_state : its numbers and the twin's, (n_states,).
    """

    outputs: Array
    twin_outputs: NDArray[np.float64]
    saved: bytes
    state: Array
    twin_state: NDArray[np.float64]


def side_by_side(
    native: NativeModel, twin: Float64Twin, layout: StreamLayout, counts: Counts
) -> Iterator[Second]:
    """Push counts (n_times, n_chans), whole seconds at 256 Hz, into both.

    Raises
    ------
    BenchError
        If a state is not finite any more.
    """
    for start in range(0, len(counts), RATE):
        second = counts[start : start + RATE]
        outputs, twin_outputs = native.push(second), twin.push(second)
        saved = native.save()
        state = state_floats(layout, saved)
        twin_state = twin.states
        if not np.isfinite(state - twin_state).all():
            raise BenchError(
                f"soak: a state is NaN or infinite {start // RATE + 1} s into an hour and can never recover: "
                "limit what feeds it inside the network"
            )
        yield Second(outputs, twin_outputs, saved, state, twin_state)
