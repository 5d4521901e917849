"""What the layers over frames ask of their settings and of their input."""

from __future__ import annotations

import math
from numbers import Integral, Real

from torch import Tensor

from edgeeeg.errors import ModelError

STEP_SIZES = (1e-6, 64.0)
"""Step sizes in frames that float32 holds: smaller ones remember for longer than a decay can say, and the
exponential of larger ones overflows where softplus is inverted."""


def require_whole(layer: str, **values: object) -> None:
    """Raise ModelError unless every named size is a whole number from 1."""
    for name, value in values.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise ModelError(f"{layer}: {name} is {value!r}; it must be a whole number from 1")


def require_finite(layer: str, **values: object) -> None:
    """Raise ModelError unless every named setting is a finite number."""
    for name, value in values.items():
        if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
            raise ModelError(f"{layer}: {name} is {value!r}; it must be a finite number")


def require_multiple(layer: str, d_model: int, **parts: int) -> None:
    """Raise ModelError unless d_model and every named part are whole numbers, and it a multiple of them."""
    require_whole(layer, d_model=d_model, **parts)
    for name, value in parts.items():
        if d_model % value:
            raise ModelError(
                f"{layer}: d_model {d_model} is no multiple of {name} {value}; use a {name} that divides it"
            )


def require_step_sizes(layer: str, dt_min: float, dt_max: float) -> None:
    """Raise ModelError unless the step sizes, in frames, are in order and float32 holds them."""
    require_finite(layer, dt_min=dt_min, dt_max=dt_max)
    low, high = STEP_SIZES
    if not low <= dt_min <= dt_max <= high:
        raise ModelError(
            f"{layer}: dt_min is {dt_min} and dt_max {dt_max} frames; choose "
            f"{low:g} <= dt_min <= dt_max <= {high:g}"
        )


def require_frames(layer: str, x: Tensor, d_model: int | None = None) -> None:
    """Raise ModelError unless x is (batch, time, d_model), of any width for None, with no axis empty.

    Shapes are constants while a program is exported, so nothing of this is left in it.
    """
    if x.ndim != 3 or d_model not in (None, x.shape[-1]):
        width = "d_model" if d_model is None else d_model
        turned = x.ndim == 3 and x.shape[1] == d_model
        raise ModelError(
            f"{layer}: input of shape {tuple(x.shape)}, expected (batch, time, {width})"
            f"{'; transpose its last two axes' if turned else ''}"
        )
    if not x.numel():
        raise ModelError(
            f"{layer}: input of shape {tuple(x.shape)} is empty; give it at least one sequence of one frame"
        )
