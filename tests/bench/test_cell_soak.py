"""The soak of single layers in minutes: the same streams, twin and reference as over a day."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgeeeg_bench.cell_soak.network import LAYERS, layer_network
from edgeeeg_bench.cell_soak.run import soak_layer
from edgeeeg_bench.cell_soak.signal import LOUD, LSB, eeg_since, layer_counts
from edgeeeg_bench.errors import BenchError
from edgeeeg_bench.soak.run import SoakPlan
from edgeeeg_bench.soak.twin import Float64Twin

ROOT = Path(__file__).parents[2]
PLAN = SoakPlan(hours=4, hour_seconds=60, stretch_every=15, stretch_seconds=3)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("normalized", [True, False])
def test_minutes_of_a_layer(kind, normalized, tmp_path):
    hours = []
    found = soak_layer(kind, normalized, PLAN, tmp_path, hours.append)
    assert hours == [1, 2, 3, 4]
    assert len(found.day.stretches) == 16
    assert found.day.bit_identical
    assert np.isfinite(found.largest_output).all()
    assert all(0.0 < largest < 1e12 for largest in found.largest_state.values())
    assert 0.0 < max(found.day.output.median) < 1e-4
    assert "spike_flips" not in found.to_json()
    if normalized:
        assert max(found.largest_output) < 1e3
    else:
        # what the norm would have taken away reaches the layer
        assert max(found.largest_state.values()) > LOUD / 2


def test_a_state_that_is_lost_ends_the_soak(tmp_path, monkeypatch):
    monkeypatch.setattr(Float64Twin, "states", property(lambda twin: np.full(twin._n_states, np.inf)))
    with pytest.raises(BenchError, match="NaN or infinite 1 s into an hour"):
        soak_layer("S4D", True, SoakPlan(1, 20, 20, 5), tmp_path)


def test_the_stream_is_seeded_loud_then_silent_then_eeg():
    first, again, other = (layer_counts(hour, 60, 0) for hour in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.5
    start = eeg_since(60) * 256
    loud, silent, eeg = first[:512], first[512:start], first[start:]
    assert np.abs(loud).max() * LSB == LOUD
    # what a step holds, the mean over a frame holds
    assert set(np.unique(loud[256:])) == {-32767, 0, 32767}
    assert not silent.any()
    assert 0.5 < (eeg * LSB).std() < 20
    assert start == 12 * 256


def test_the_weights_are_seeded():
    one, same, other = (layer_network("RWKV-6", True, seed).state_dict() for seed in (0, 0, 1))
    assert all((one[name] == same[name]).all() for name in one)
    assert not all((one[name] == other[name]).all() for name in one)


def test_the_stored_result_is_a_whole_day_of_every_layer():
    result = json.loads((ROOT / "benchmarks" / "results" / "cell_soak.json").read_text())
    assert result["stream"]["samples"] == 24 * 3600 * 256
    assert set(result["layers"]) == {f"{kind}{end}" for kind in LAYERS for end in ("", ", normalized")}
    for name, layer in result["layers"].items():
        assert layer["bit_identical"]
        assert layer["stretches"] == 96
        assert layer["steady"] or "normalized" not in name
