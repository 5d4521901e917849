from __future__ import annotations

import numpy as np
import pytest

from edgeeeg.errors import RecordingError
from edgeeeg.signal.units import require_plausible_microvolts

NOISE = np.random.default_rng(0).normal(0, 1, 1000)


def channels(*deviations: float) -> np.ndarray:
    return np.outer(deviations, NOISE).astype(np.float32)


@pytest.mark.parametrize(
    "data",
    [
        channels(0.14),  # the input noise of a good amplifier
        channels(30, 50),
        channels(5_000),  # drift of an electrode
        channels(0, 0),  # not connected
        channels(30, 40, 1e6),  # one saturated among good ones
        channels(30, 40, 1e-6),
    ],
)
def test_what_electrodes_and_amplifiers_give_passes(data: np.ndarray) -> None:
    require_plausible_microvolts(data, "data")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (channels(5e-5), "look like V or mV"),
        (channels(0, 0, 0.03), "look like V or mV"),
        (channels(5e-5, 6e-5, 30), "look like V or mV"),
        (channels(5e4), "smaller unit or raw counts"),
    ],
)
def test_a_wrong_unit_is_recognised(data: np.ndarray, message: str) -> None:
    with pytest.raises(RecordingError, match=f"data: a typical channel varies by .*{message}"):
        require_plausible_microvolts(data, "data")
