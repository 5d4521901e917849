"""The curve of an error over a run: stretches, growth, and how it is shown."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from edgeeeg_export.drift import MAX_POINTS, Drift, describe, drift_curve, error_curve, growth
from edgeeeg_export.errors import ExportError


def test_stretches_are_equal_and_end_with_the_run():
    errors = np.arange(96.0)
    drift = error_curve(errors, step_seconds=900.0, points=24)
    assert drift.hours == tuple(range(1, 25))
    assert drift.maximum[:2] == (3.0, 7.0)
    assert drift.median[0] == 1.5


def test_a_step_counts_its_worst_output():
    reference = np.zeros((6, 2), dtype=np.float32)
    other = reference.astype(np.float64)
    other[4] = (1e-9, -0.25)
    drift = drift_curve(reference, other, step_seconds=1.0, points=3)
    assert drift.maximum == (0.0, 0.0, 0.25)
    assert drift.median[2] == 0.125


@pytest.mark.parametrize("steps", [1, 47, 48, 1001])
def test_no_step_is_left_out_and_none_counted_twice(steps):
    errors = np.random.default_rng(0).uniform(size=steps)
    drift = error_curve(errors, 1.0)
    assert len(drift.maximum) == min(steps, MAX_POINTS)
    assert max(drift.maximum) == errors.max()
    assert drift.hours[-1] == steps / 3600


def test_growth_tells_steady_walking_and_growing_errors_apart():
    rng = np.random.default_rng(0)
    hours = np.repeat(np.arange(1, 25), 500)
    noise = np.abs(rng.normal(size=len(hours)))
    curves = [error_curve(noise * scale, 1.0, 24).median for scale in (1.0, np.sqrt(hours), hours)]
    assert growth(curves[0]) == pytest.approx(1.0, abs=0.1)
    assert growth(curves[1]) == pytest.approx(2.5, abs=0.3)
    assert growth(curves[2]) == pytest.approx(6.1, abs=0.7)
    assert growth((0.0,) * 24) == growth((3.0,)) == 1.0
    assert growth((0.0, 1.0)) == math.inf


def test_sparkline_is_logarithmic_and_marks_zero_and_nan():
    drift = error_curve(np.array([0.0, 1e-9, 1e-6, 1e-4, np.nan, 1e-2]), 1.0)
    assert drift.sparkline == "·▁▁▄!█"
    assert describe(error_curve(np.array([1e-7, 9e-7]), 3600.0)) == "▇█ peak 9e-07 over 2 h"
    assert "nan" in describe(drift)


def test_json_has_no_nan():
    drift = error_curve(np.array([1.0, np.inf]), 3600.0)
    stored = json.loads(json.dumps(drift.to_json(), allow_nan=False))
    assert stored == {"hours": [1.0, 2.0], "max_abs": [1.0, None], "median_abs": [1.0, None]}
    again = Drift.from_json(stored)
    assert again.sparkline == drift.sparkline == "█!"
    assert again.to_json() == stored


def test_runs_of_other_shapes_are_refused():
    with pytest.raises(ExportError, match=r"\(3, 1\) and \(2, 1\)"):
        drift_curve(np.zeros((3, 1)), np.zeros((2, 1)), 1.0)
    with pytest.raises(ExportError, match="empty"):
        error_curve(np.zeros(0), 1.0)
    with pytest.raises(ExportError, match="cannot grow"):
        growth(())
