"""Cascade of second-order filter sections: one definition of the recurrence, one sample or a whole signal.

Each section is the transposed direct form II written with differences δ = z - 1 in place of z:

    y_t = b0 · x_t + d1
    d1 ← d1 + ((β1 · x_t - α1 · y_t) + d2)        β1 = 2 b0 + b1        α1 = 2 + a1
    d2 ← d2 + (β2 · x_t - α2 · y_t)               β2 = b0 + b1 + b2     α2 = 1 + a1 + a2

The transfer function is that of the section (b0, b1, b2, 1, a1, a2), with as many multiplications. A pole far
below the sampling rate has a1 near -2 and a2 near 1, which float32 rounds so coarsely that it moves: a band
pass of 0.1 Hz to 40 Hz at 256 Hz under an offset of 4 mV is wrong by 10 µV in z and by 0.007 µV in δ.
Memories of at most 2^-80 become 0, so that silence leaves neither subnormal numbers nor a residue. Floats are
evaluated in the order of the brackets.

References
----------
Kauraniemi, Laakso, Hartimo and Ovaska 1998, Delta operator realizations of direct-form IIR filters, IEEE
Trans. Circuits Syst. II 45(1), structure δDFIIt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.library import custom_op

from edgeeeg.cells.flush import flush
from edgeeeg.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class BiquadParams(NamedTuple):
    """Coefficients of the sections, in their order: b0, β1, β2, α1, α2 each."""

    coefficients: Tensor  # (n_sections, 5)


class BiquadState(NamedTuple):
    """What the sections remember between samples: d1 and d2 each."""

    memory: Tensor  # (n_sections, 2, batch, n_chans)


def delta_coefficients(sos: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients (n_sections, 5) of scipy's second-order sections `sos` (n_sections, 6), in float64.

    Raises
    ------
    ModelError
        For another shape, for sections that are not normalized to a0 = 1, and for an unstable one.
    """
    import numpy as np

    if sos.ndim != 2 or sos.shape[1] != 6 or not len(sos):
        raise ModelError(f"biquad: sections of shape {sos.shape}, expected (n_sections, 6) as scipy has them")
    b0, b1, b2, a0, a1, a2 = sos.T
    if (a0 != 1).any():
        raise ModelError("biquad: a section has a0 other than 1; divide each section by its a0")
    coefficients = np.stack([b0, 2 * b0 + b1, b0 + b1 + b2, 2 + a1, 1 + a1 + a2], axis=1)
    # stability triangle: both poles within the unit circle
    stable = (np.abs(a2) < 1) & (coefficients[:, 4] > 0) & (1 - a1 + a2 > 0)
    if not stable.all():
        raise ModelError(
            f"biquad: section {int(np.argmin(stable))} has a pole on or outside the unit circle; choose a "
            "lower order or a wider band"
        )
    return coefficients


def init_state(batch: int, n_chans: int, params: BiquadParams) -> BiquadState:
    """Sections at rest: zeros of the coefficients' type and device."""
    return BiquadState(params.coefficients.new_zeros(len(params.coefficients), 2, batch, n_chans))


def advance(
    forward: tuple[Tensor, Tensor, Tensor], alpha1: Tensor, alpha2: Tensor, d1: Tensor, d2: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """One section: from b0 x, β1 x, β2 x and its memories, (batch, n_chans) each, to y and new memories."""
    y = forward[0] + d1
    return (
        y,
        flush(d1 + ((forward[1] - alpha1 * y) + d2)),
        flush(d2 + (forward[2] - alpha2 * y)),
    )


def step(params: BiquadParams, x: Tensor, state: BiquadState) -> tuple[Tensor, BiquadState]:
    """Advance the cascade by one sample: x (batch, n_chans) to y and the new state."""
    memories = []
    for (b0, beta1, beta2, alpha1, alpha2), (d1, d2) in zip(
        params.coefficients.unbind(0), state.memory.unbind(0), strict=True
    ):
        x, d1, d2 = advance((b0 * x, beta1 * x, beta2 * x), alpha1, alpha2, d1, d2)
        memories.append(torch.stack((d1, d2)))
    return x, BiquadState(torch.stack(memories))


def scan(params: BiquadParams, x: Tensor, state: BiquadState | None = None) -> tuple[Tensor, BiquadState]:
    """Run the cascade over time: x (batch, n_chans, n_times) to the same shape and the last state.

    Raises
    ------
    ModelError
        Where x does not have that shape.
    """
    if x.ndim != 3:
        raise ModelError(f"biquad: input of shape {tuple(x.shape)}, expected (batch, n_chans, n_times)")
    memory = (init_state(x.shape[0], x.shape[1], params) if state is None else state).memory
    memories = []
    # section after section, so that what does not feed back is multiplied for all samples at once
    for (b0, beta1, beta2, alpha1, alpha2), (d1, d2) in zip(
        params.coefficients.unbind(0), memory.unbind(0), strict=True
    ):
        ys = []
        for forward in zip((b0 * x).unbind(2), (beta1 * x).unbind(2), (beta2 * x).unbind(2), strict=True):
            y, d1, d2 = advance(forward, alpha1, alpha2, d1, d2)
            ys.append(y)
        x = torch.stack(ys, dim=2)
        memories.append(torch.stack((d1, d2)))
    return x, BiquadState(torch.stack(memories))


@custom_op("edgeeeg::biquad", mutates_args=())
def biquad(x: Tensor, coefficients: Tensor) -> Tensor:
    """Filtered x (batch, n_chans, n_times) from rest: the node that an exported program keeps whole."""
    return scan(BiquadParams(coefficients), x)[0]


@biquad.register_fake
def _(x: Tensor, coefficients: Tensor) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)
