"""From values to the scale of their int8."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export import quantmath
from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.quantize.observers import OBSERVERS, range_of


def scale_of(name, values, observer, dtype="int8"):
    return range_of(name, values, observer).format(dtype).scale


VALUES = np.random.default_rng(2).normal(size=200_000).astype(np.float32)


def error(values, observer):
    scale = np.float32(scale_of("x", values, observer))
    return float(np.square(quantmath.dequantize(quantmath.quantize(values, scale), scale) - values).mean())


def test_min_max_saturates_nothing_that_was_seen():
    scale = scale_of("x", VALUES, "min-max")
    assert 127 * scale == pytest.approx(np.abs(VALUES).max(), rel=1e-6)


def test_percentile_leaves_one_in_ten_thousand_outside():
    limit = 127 * scale_of("x", VALUES, "percentile")
    assert (np.abs(VALUES) > limit).mean() == pytest.approx(1e-4, rel=0.1)


def test_least_squared_error_is_the_least_of_the_three():
    spiked = VALUES.copy()
    spiked[::5000] *= 30
    assert error(spiked, "mse") < min(error(spiked, "min-max"), error(spiked, "percentile"))
    assert error(VALUES, "mse") <= error(VALUES, "min-max")


@pytest.mark.parametrize("observer", OBSERVERS)
def test_silence_has_a_scale(observer):
    assert scale_of("x", np.zeros(10, np.float32), observer) == pytest.approx(1 / 127)


def test_a_model_that_diverges_is_refused():
    with pytest.raises(QuantizationError, match=r"tensor 'x' is not finite on the calibration recording"):
        scale_of("x", np.float32([1.0, np.inf]), "min-max")


@pytest.mark.parametrize(("dtype", "steps"), [("int16", 32639), ("int32", 2**31 - 1)])
@pytest.mark.parametrize("observer", OBSERVERS)
def test_wider_integers_hold_twice_what_was_seen(dtype, steps, observer):
    scale = scale_of("x", VALUES, observer, dtype)
    assert steps * scale == pytest.approx(2 * np.abs(VALUES).max(), rel=1e-6)
