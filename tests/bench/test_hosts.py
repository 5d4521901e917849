"""The host bench: its one-step torch program, its rows, and that nothing wrong is timed."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
import torch

from edgeeeg_bench.errors import BenchError
from edgeeeg_bench.hosts import compiled_c, ort, row, torch_program
from edgeeeg_bench.hosts.runner import timed
from edgeeeg_bench.hosts.section import render_markdown
from edgeeeg_bench.hosts.step_model import OneStep, StepModel
from edgeeeg_bench.hosts.subject import models, prepare

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc: apt-get install gcc")


@pytest.fixture(scope="module")
def subject():
    return prepare(dataclasses.replace(models()[0], steps=40))


@pytest.fixture(scope="module")
def ours(subject, tmp_path_factory):
    return tuple(compiled_c.runners(subject, tmp_path_factory.mktemp("hosts")))


def test_one_step_after_another_is_the_model_over_the_recording():
    torch.manual_seed(4)
    model = StepModel().eval()
    x = 50 * torch.randn(1, 8, 30)
    stepper = OneStep(model).eval()
    states, scores = stepper.initial(), []
    with torch.no_grad():
        for k in range(x.shape[2]):
            score, *states = stepper(x[:, :, k : k + 1], *states)
            scores.append(score)
        whole = model(x)[0]
    torch.testing.assert_close(torch.cat(scores), whole, rtol=0, atol=1e-5)


def test_our_programs_have_the_reference_s_bits_and_say_their_flags(subject, ours):
    assert [row.largest_difference(subject, runner) for runner in ours] == [0.0, 0.0, 0.0]
    assert ["-march=native" in runner.flags for runner in ours] == [False, True, False]
    assert all("-ffp-contract=off" in runner.flags for runner in ours)


def test_rounds_time_as_many_steps_and_begin_where_the_first_began(subject, ours):
    outputs, nanoseconds = ours[0].run(2)
    assert outputs.shape == (80, 2)
    assert nanoseconds.shape == (80,)
    assert np.array_equal(outputs[:40], subject.truth)
    assert not np.array_equal(outputs[40:], subject.truth)  # states are carried from round to round


@pytest.mark.parametrize("runners", [ort.runners, torch_program.runners], ids=["onnxruntime", "torch"])
def test_foreign_runtimes_carry_their_states(runners, subject):
    first, second, *_ = (runner for runner, _ in zip(runners(subject), range(2), strict=False))
    chosen = (first, second) if runners is ort.runners else (first,)
    for runner in chosen:
        assert row.largest_difference(subject, runner) < 1e-4


def test_other_bits_are_not_timed(subject, ours):
    def run(rounds):
        outputs, nanoseconds = ours[0].run(rounds)
        return np.nextafter(outputs, np.float32(9)), nanoseconds

    with pytest.raises(BenchError, match=r"edgeeeg C \(C\) on conv .* has other bits"):
        row.largest_difference(subject, dataclasses.replace(ours[0], run=run))
    tolerant = dataclasses.replace(ours[0], run=run, tolerance=1e-9)
    with pytest.raises(BenchError, match="more than its tolerance of 1e-09"):
        row.largest_difference(subject, tolerant)


def test_outputs_that_are_missing_are_not_timed(subject, ours):
    short = dataclasses.replace(ours[0], run=lambda rounds: (subject.truth[:3], np.ones(40, np.int64)))
    with pytest.raises(BenchError, match=r"gave outputs \(3, 2\), expected \(40, 2\)"):
        row.largest_difference(subject, short)


def test_rows_are_held_to_the_second(subject, ours, monkeypatch):
    monkeypatch.setattr(row, "REPEATS", 2)
    counts = {row.key(subject, ours[0]): 0.0}
    rows = row.measure(subject, ours, counts)
    assert rows[1].ratio == 1.0
    assert rows[0].ratio == pytest.approx(rows[0].median_us / rows[1].median_us)
    assert [r.allocations for r in rows] == [0.0, None, None]


def test_a_run_resets_first_and_keeps_each_output():
    log = []

    def fetch():
        return np.full((1, 2), len(log), np.float32)

    run = timed(lambda: log.clear(), log.append, fetch, 3)
    for _ in range(2):
        outputs, nanoseconds = run(2)
        assert log == [0, 1, 2, 0, 1, 2]
        assert outputs[:, 0].tolist() == [1, 2, 3, 4, 5, 6]
        assert (nanoseconds >= 0).all()


def test_the_page_has_a_row_for_what_did_not_run():
    found = {
        "machine": {"processor": "cpu"},
        "versions": {"torch": "1"},
        "rows": [
            row.Row("m", 1, "edgeeeg C", "C", "-O3", 1.5, 2.0, 1.0, None, 2000, 0.0).to_json(),
            row.Row("m", 1, "other", "step", "", 30.0, 40.0, 20.0, 3.0, 9000, 1e-6).to_json(),
        ],
        "absent": [{"model": "m", "runtime": "gone", "form": "step", "reason": "not installed: pip"}],
    }
    page = render_markdown(found)
    assert "### m, 1 sample a step" in page
    assert "| edgeeeg C | C | 1.5 | 2 | 1 | – | 2 | -O3 |" in page
    assert "| other | step | 30 | 40 | 20 | 3 | 9 |  |" in page
    assert "| gone | step | – | – | – | – | – | not installed: pip |" in page
