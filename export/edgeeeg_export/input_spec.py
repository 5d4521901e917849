"""What a model is fed: channels, rate and unit of each of its inputs, and the tick that they share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from edgeeeg_export.errors import CaptureError

LSB = {"uV": 0.125, "z": 2.0**-11}
"""Units per int16 count unless told otherwise: powers of two, so that whole µV survive exactly, to ±4096 µV,
and normalised input to ±16 standard deviations."""

LARGEST_DENOMINATOR = 1000
"""Of a rate in Hz as a fraction: rates are data-sheet numbers, such as 250, 173.61 or 512/3."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input of a model, (1, n_chans, n_times).

    Parameters
    ----------
    name : str
        What it is called in ONNX and in C: `eeg` gives `NAME_push_eeg`.
    ch_names : tuple of str
        Its channels, in order.
    sfreq : float
        Its rate in Hz.
    n_times : int
        Samples to capture the model with; those of all inputs last equally long.
    unit : "uV" or "z"
    lsb : float, optional
        Units per int16 count; without it `LSB` of the unit.

    Raises
    ------
    CaptureError
        If it has no channel, or one twice, or a rate or length that is not positive, or a count size that
        float32 cannot hold.
    """

    name: str
    ch_names: tuple[str, ...]
    sfreq: float
    n_times: int
    unit: str = "uV"
    lsb: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "ch_names", tuple(self.ch_names))
        if self.unit not in LSB:
            raise CaptureError(f"input '{self.name}' is in '{self.unit}'; it must be {' or '.join(LSB)}")
        if not self.ch_names:
            raise CaptureError(f"input '{self.name}' has no channels; name at least one")
        if len(set(self.ch_names)) < len(self.ch_names):
            raise CaptureError(f"two channels bear one name: {', '.join(self.ch_names)}")
        positive = {"sfreq (Hz)": self.sfreq, "n_times (samples)": self.n_times}
        for what, value in positive.items():
            if not (math.isfinite(value) and value > 0):
                raise CaptureError(f"input '{self.name}' has {what} {value:g}; it must be greater than 0")
        # a count is a float32 in C, and so is every sample: both must be normal numbers there
        least, most = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max) / 32768
        if not least <= self.count <= most:  # NaN too
            raise CaptureError(
                f"input '{self.name}', lsb: {self.count:g} {self.unit} per count cannot be computed in "
                f"float32; give the amplifier's step, by default {LSB['uV']:g} µV or {LSB['z']:g} for "
                "normalised input"
            )

    @property
    def count(self) -> float:
        """Units per int16 count."""
        return LSB[self.unit] if self.lsb is None else self.lsb

    @property
    def shape(self) -> tuple[int, int, int]:
        """(1, n_chans, n_times)."""
        return (1, len(self.ch_names), self.n_times)


def common_ticks(rates: Mapping[str, float]) -> dict[str, int]:
    """How many ticks one sample of each input lasts, of the slowest clock that ticks at every sample of all.

    Parameters
    ----------
    rates : mapping of str to float
        Rates in Hz by the inputs' names; that of a single input does not matter.

    Raises
    ------
    CaptureError
        If a rate is no fraction with a denominator up to `LARGEST_DENOMINATOR`.
    """
    if len(rates) < 2:
        return dict.fromkeys(rates, 1)
    exact = {name: Fraction(rate).limit_denominator(LARGEST_DENOMINATOR) for name, rate in rates.items()}
    for name, rate in rates.items():
        if not math.isclose(exact[name], rate, rel_tol=1e-9):
            raise CaptureError(
                f"input '{name}' at {rate!r} Hz has no tick in common with the others: give all rates as "
                f"fractions with denominators up to {LARGEST_DENOMINATOR}, or resample it inside the model"
            )
    # lcm(a/b, c/d) of fractions in lowest terms is lcm(a, c) / gcd(b, d)
    numerator = math.lcm(*(rate.numerator for rate in exact.values()))
    tick = Fraction(numerator, math.gcd(*(rate.denominator for rate in exact.values())))
    return {name: int(tick / rate) for name, rate in exact.items()}


def require_one_duration(inputs: Sequence[InputSpec]) -> None:
    """All inputs have distinct names that C can bear, and are captured over the same time.

    Raises
    ------
    CaptureError
        Naming the inputs, their samples and their rates.
    """
    for spec in inputs:
        if not spec.name.isidentifier() or not spec.name.isascii():
            raise CaptureError(f"input '{spec.name}' needs a name that C can bear: letters, digits and _")
    if len({spec.name for spec in inputs}) < len(inputs):
        raise CaptureError(f"two inputs bear one name: {', '.join(spec.name for spec in inputs)}")
    ticks = common_ticks({spec.name: spec.sfreq for spec in inputs})
    if len({spec.n_times * ticks[spec.name] for spec in inputs}) > 1:
        lengths = ", ".join(f"{spec.name} {spec.n_times} samples at {spec.sfreq:g} Hz" for spec in inputs)
        raise CaptureError(f"the inputs last differently long: {lengths}; give them n_times of one duration")
