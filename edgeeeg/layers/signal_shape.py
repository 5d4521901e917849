"""What layers that take a recording's samples ask of their input and of their settings."""

from __future__ import annotations

from torch import Tensor

from edgeeeg.errors import ModelError


def require_signal(layer: str, x: Tensor, n_chans: int, hop: int = 1) -> None:
    """Raise ModelError unless x is (batch, n_chans, n_times) with whole hops of `hop` samples."""
    if x.ndim != 3 or x.shape[1] != n_chans:
        raise ModelError(f"{layer}: input of shape {tuple(x.shape)}, expected (batch, {n_chans}, n_times)")
    if x.shape[2] % hop:
        raise ModelError(
            f"{layer}: {x.shape[2]} samples are no multiple of its hop of {hop}; "
            f"crop to {x.shape[2] // hop * hop}"
        )


def require_positive(layer: str, **values: float) -> None:
    """Raise ModelError unless every named setting is above 0."""
    for name, value in values.items():
        if not value > 0:
            raise ModelError(f"{layer}: {name} is {value}; it must be above 0")


def whole_samples(layer: str, name: str, seconds: float, sfreq: float) -> int:
    """How many samples `seconds` are at `sfreq` Hz.

    Raises
    ------
    ModelError
        Unless they are a whole number from 1.
    """
    n = round(seconds * sfreq)
    if n < 1 or abs(n - seconds * sfreq) > 1e-6 * n:
        near = max(n, 1) / sfreq
        raise ModelError(
            f"{layer}: {name} of {seconds} s is {seconds * sfreq:g} samples at {sfreq:g} Hz; "
            f"use {near:.9g} s for {max(n, 1)}"
        )
    return n
