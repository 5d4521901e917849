"""Rounding that membranes carry along: how far two runs in float32 may be apart by it alone.

    e_t = sqrt((d · e_{t-1})² + (u · (|mem_t| + |x_t|))²)        e = 0 behind a reset to zero

u is the largest relative rounding of one operation, d the decay. The roundings of different steps are of any
sign, so their squares add (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 2.8). A
membrane that leaks forgets them as fast as they come. One without a leak keeps each for ever: it may be at
its threshold now and carry what was rounded while it was at a million times that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeeeg_export.ops.firing import Flags
from edgeeeg_export.tensor import Array

UNIT_ROUNDOFF = 2.0**-24

SLOW = np.float32(0.99)
"""Decays from here on are slow; faster ones forget rounding before it adds up, and are allowed none."""

DEVIATIONS = 4.0
"""Of the sum of squares that are allowed: a decay of 0.9999 was seen at 2.3 of them, one of 1 at 0.08."""


def carried_rounding(decay: Array, x: Array, mem: Array, cleared: Flags) -> NDArray[np.float64]:
    """Distances (frames, n) that rounding may have moved membranes by, 0 for neurons with a fast decay.

    Parameters
    ----------
    decay : (n,), the slowest of a neuron's decays.
    x : (frames, n), what comes in.
    mem : (frames, n), membranes that decide.
    cleared : (frames, n), True where nothing is left of a membrane in the frame behind.
    """
    slow = decay > SLOW
    carried = np.zeros(mem.shape, dtype=np.float64)
    if not slow.any():
        return carried
    new = (UNIT_ROUNDOFF * (np.abs(mem[:, slow], dtype=np.float64) + np.abs(x[:, slow]))) ** 2
    kept = np.where(cleared[:, slow], 0.0, np.square(decay[slow], dtype=np.float64))
    squares = np.empty_like(new)
    before = np.zeros(new.shape[1])
    for t in range(len(new)):
        squares[t] = before + new[t]
        before = kept[t] * squares[t]
    carried[:, slow] = DEVIATIONS * np.sqrt(squares)
    return carried
