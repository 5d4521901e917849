"""The soak in minutes: the same stream, twin and reference as over a day, and what its rules find."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from edgeeeg_bench.errors import BenchError
from edgeeeg_bench.results_section import MARK, replace_results
from edgeeeg_bench.soak.day import Errors, summarize
from edgeeeg_bench.soak.eeg import LSB, SFREQ, hour_counts, synthetic, to_counts
from edgeeeg_bench.soak.flips import flip_episodes, inside
from edgeeeg_bench.soak.network import soak_network
from edgeeeg_bench.soak.page import render_markdown, write_plot
from edgeeeg_bench.soak.run import SoakPlan, run_soak
from edgeeeg_bench.soak.saved_state import state_floats
from edgeeeg_bench.soak.stretch import Stretch, check_stretch
from edgeeeg_bench.soak.twin import Float64Twin
from edgeeeg_export.comparison import Trace, episodes
from edgeeeg_export.loading import load_model
from edgeeeg_export.pipeline import compile_model
from edgeeeg_export.targets import c
from edgeeeg_export.targets.c_layout import lay_out_stream
from edgeeeg_export.targets.native import NativeModel

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def subject():
    return compile_model(load_model(soak_network(synthetic(20.0, 0), 0)), name="soak", lsb=LSB).subject


@pytest.fixture(scope="module")
def layout(subject):
    return lay_out_stream(subject.step, LSB, sliding=False)


@pytest.fixture
def native(subject, tmp_path):
    program = subject.program
    folder = program.write(tmp_path / "c")
    return NativeModel(folder, tmp_path, program.n_outputs, program.hop, program.saved_bytes)


@pytest.fixture
def counts():
    return to_counts(synthetic(8.0, 1))


def test_minutes_of_the_soak(tmp_path):
    excerpt = to_counts(synthetic(7.0, 99))
    plan = SoakPlan(hours=4, hour_seconds=60, stretch_every=30, stretch_seconds=5)
    done = []
    subject, day = run_soak(plan, (excerpt,), tmp_path, done.append)
    assert done == [1, 2, 3, 4]
    assert [stretch.start for stretch in day.stretches] == [0, 30, 60, 90, 120, 150, 180, 210]
    assert day.bit_identical
    assert day.steady
    # rounding is there, and small: outside of flips far below the contract's 1e-4
    assert 0.0 < max(day.output.outside_episodes) < 1e-5
    assert set(day.states) == {state.name for state in subject.step.all_states()}
    assert all(max(day.states[name].median) > 0.0 for name in ("lif.mem", "gru.h"))


def test_a_state_that_is_lost_ends_the_soak(tmp_path, monkeypatch):
    monkeypatch.setattr(Float64Twin, "states", property(lambda twin: np.full(twin._n_states, np.nan)))
    with pytest.raises(BenchError, match="NaN or infinite 1 s into an hour"):
        run_soak(SoakPlan(1, 20, 20, 5), (), tmp_path)


def test_a_stretch_starts_from_the_state_that_c_had(subject, layout, native, counts):
    native.push(counts[:1024])
    before = native.save()
    outputs = native.push(counts[1024:])
    after = native.save()
    assert check_stretch(subject, layout, counts[1024:], outputs, before, after) == (True, True)
    # one unit in the last place of one number of the state is seen behind it
    damaged = bytearray(after)
    damaged[-4] ^= 1
    assert check_stretch(subject, layout, counts[1024:], outputs, before, bytes(damaged)) == (True, False)
    native.reset()
    assert check_stretch(subject, layout, counts[1024:], outputs, native.save(), after)[0] is False


def test_the_twin_computes_in_float64_and_stays_close(subject, layout, native, counts, tmp_path):
    n_states = sum(field.size for field in layout.states)
    twin = Float64Twin(c.emit(subject.step, LSB, sliding=False), tmp_path / "twin", n_states)
    mine, theirs = native.push(counts), twin.push(counts)
    assert theirs.dtype == np.float64
    assert (theirs[:, 0] != theirs[:, 0].astype(np.float32)).mean() > 0.99
    assert 0.0 < np.abs(mine[:, 0] - theirs[:, 0]).max() < 1e-6
    np.testing.assert_allclose(twin.states, state_floats(layout, native.save()), rtol=1e-3, atol=1e-5)
    with pytest.raises(BenchError, match="multiples of 8"):
        twin.push(counts[:7])


def test_every_neuron_fires_and_none_always():
    eeg = synthetic(20.0, 1)
    with torch.no_grad():
        _, spikes = soak_network(eeg, 0)(torch.tensor(eeg.data[None]))
    rates = spikes.mean(dim=(0, 1))
    assert 0.002 < rates.min() < rates.max() < 0.6


def test_a_twin_with_another_state_is_refused(subject, tmp_path):
    with pytest.raises(BenchError, match="needs its own reading"):
        Float64Twin(subject.program, tmp_path, 7)


def test_the_stream_is_seeded_and_a_third_of_it_real():
    first, again, other = (hour_counts(hour, 12, 0, ()) for hour in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.9
    excerpt = np.arange(300, dtype=np.int16).reshape(100, 3)
    mixed = hour_counts(3, 12, 0, (excerpt, excerpt))
    assert mixed.shape == first.shape == (12 * SFREQ, 3)
    np.testing.assert_array_equal(mixed[8 * 256 :], np.resize(excerpt, (4 * 256, 3)))


def test_episodes_are_those_of_the_contract():
    rng = np.random.default_rng(0)
    flipped, apart = rng.random(4000) < 0.004, rng.random(4000) < 0.01
    reference = Trace(np.zeros((4000, 1), np.float32), np.zeros((4000, 1), np.float32), {})
    free = Trace(apart[:, None].astype(np.float32), flipped[:, None].astype(np.float32), {})
    spans = flip_episodes(flipped, apart, settled=20)
    assert spans == tuple(episodes(reference, free, settled=20))
    assert inside(spans, 4000).sum() == sum(stop - start for start, stop in spans)
    assert flip_episodes(np.zeros(5, bool), np.ones(5, bool), 2) == ()


def test_a_growing_error_is_found_and_a_flip_is_not_taken_for_one():
    rng = np.random.default_rng(0)
    hours = [
        Errors(rng.uniform(1, 2, 400) * 1e-8, np.zeros(400, np.int64), rng.uniform(1, 2, (40, 1)) * 1e-7)
        for _ in range(8)
    ]
    hours[7].outputs[100:120], hours[7].flips[100] = 0.01, 1
    hours[7].states[10:12] = 0.5
    stretch = Stretch(0, 30, True, True)
    day = summarize(hours, ("mem",), [stretch], steps_per_second=10)
    assert day.steady
    assert day.bit_identical
    assert (day.flips[7], day.episodes[7], day.episode_seconds) == (1, 1, 2.0)
    assert day.output.maximum[7] == 0.01
    assert max(day.states["mem"].outside_episodes) < 1e-6
    for number, hour in enumerate(hours, start=1):
        hour.states[:] *= number
    assert not summarize(hours, ("mem",), [stretch], 10).steady
    assert not summarize(hours, ("mem",), [Stretch(0, 30, True, False)], 10).bit_identical


@pytest.mark.parametrize("wrong", [{"hours": 0}, {"stretch_seconds": 901}, {"stretch_every": 4000}])
def test_a_plan_that_does_not_fit_is_refused(wrong):
    with pytest.raises(BenchError, match="do not fit"):
        SoakPlan(**wrong)


def test_the_document_and_the_page_show_the_stored_result(tmp_path):
    result = json.loads((ROOT / "benchmarks" / "results" / "soak.json").read_text())
    assert result["stream"]["samples"] == 24 * 3600 * 256
    document = (ROOT / "docs" / "soak.md").read_text(encoding="utf-8")
    assert document.endswith(MARK + render_markdown(result))
    assert replace_results(document, render_markdown(result)) == document
    page = write_plot(tmp_path / "soak.html", result).read_text(encoding="utf-8")
    assert "mamba_selective_scan.h" in page
