import json
from pathlib import Path

import numpy as np
import pytest

from edgeeeg.data.bonn_segments import TASKS, Task, label_segments
from edgeeeg.errors import ModelError
from edgeeeg.evaluation.bonn import TaskResult, evaluate_bonn
from edgeeeg.evaluation.window_outputs import SEMANTICS
from edgeeeg.models.pretrained import WEIGHTS
from edgeeeg.signal.annotation import Annotation
from edgeeeg.signal.bonn import N_TIMES, SFREQ, BonnSegment, read_bonn
from edgeeeg.signal.recording import Recording


@pytest.fixture(scope="module")
def made_up() -> tuple[BonnSegment, ...]:
    """Forty segments in the set's shape: noise, in S with a strong 4 Hz oscillation."""
    rng = np.random.default_rng(0)
    wave = np.sin(2 * np.pi * 4 * np.arange(N_TIMES) / SFREQ)
    segments = []
    for number, set_name in enumerate("ZONFS" * 8):
        data = rng.normal(0, 40, N_TIMES) + (200 * wave if set_name == "S" else 0)
        recording = Recording(
            data[None].astype(np.float32), ("EEG",), SFREQ, (Annotation(0.0, N_TIMES / SFREQ, "x"),)
        )
        segments.append(BonnSegment(set_name, number + 1, recording))
    return tuple(segments)


@pytest.fixture(scope="module")
def bonn(bonn_root: Path) -> tuple[BonnSegment, ...]:
    return read_bonn(bonn_root)


def test_labels_and_units(made_up: tuple[BonnSegment, ...]) -> None:
    raw, normalised = (label_segments(made_up, task) for task in TASKS)
    np.testing.assert_array_equal(raw.ictal, [False, False, False, False, True] * 8)
    np.testing.assert_array_equal(raw.samples[3], made_up[3].recording.data[0])
    np.testing.assert_allclose(normalised.samples.std(1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(normalised.samples.mean(1), 0.0, atol=1e-6)


def test_result_holds_both_semantics_beside_the_baselines(made_up: tuple[BonnSegment, ...]) -> None:
    steps: list[tuple[int, int]] = []
    result = evaluate_bonn(made_up, "raw", on_fold=lambda done, of: steps.append((done, of)))
    assert steps == [(fold, 5) for fold in range(1, 6)]
    as_dict = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert as_dict["auc"] == as_dict["carried"]["auc"]
    assert as_dict["protocol"]["split_unit"] == "file, before windowing"
    for scores in (as_dict["windowed"], as_dict["carried"], *as_dict["baselines"].values()):
        for name in ("auc", "sensitivity", "specificity"):
            assert len(scores[name]["per_fold"]) == 5
            assert 0 <= scores[name]["mean"] <= 1
    assert as_dict["baselines"].keys() == {"logistic_regression", "boosted_trees"}
    assert as_dict["baselines"]["boosted_trees"]["auc"]["mean"] > 0.99


def test_missing_fold_weights_are_an_error(made_up: tuple[BonnSegment, ...], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"edge_detector-raw-fold0\.safetensors do not exist"):
        evaluate_bonn(made_up, "raw", weights=tmp_path)


@pytest.fixture(scope="module", params=TASKS)
def result(request: pytest.FixtureRequest, bonn: tuple[BonnSegment, ...]) -> TaskResult:
    task: Task = request.param
    return evaluate_bonn(bonn, task)


def test_shipped_weights_meet_the_goal_on_held_out_files(result: TaskResult) -> None:
    for semantics in SEMANTICS:
        auc = result.detector[semantics].auc.mean
        if result.task == "normalised":
            assert auc > max(result.baselines["boosted_trees"].auc.mean, 0.976)
        else:
            assert auc > max(result.baselines["logistic_regression"].auc.mean, 0.995)


def test_the_model_card_states_these_scores(result: TaskResult) -> None:
    card = (WEIGHTS.parent / "MODEL_CARD.md").read_text(encoding="utf-8")
    rows = {
        "detector, state carried": result.detector["carried"],
        "detector, windowed": result.detector["windowed"],
        "boosted trees": result.baselines["boosted_trees"],
        "logistic regression": result.baselines["logistic_regression"],
    }
    for name, scores in rows.items():
        (row,) = (line for line in card.splitlines() if line.startswith(f"| {result.task} | {name}"))
        stated = [float(cell.split("±")[0]) for cell in row.split("|")[3:6]]
        found = [scores.auc.mean, scores.sensitivity.mean, scores.specificity.mean]
        # other machines round sums differently, which may move a window across a threshold
        assert stated == pytest.approx(found, abs=0.0015)


def test_baselines_reach_the_published_protocol(result: TaskResult) -> None:
    expected = {"raw": (0.995, 0.998), "normalised": (0.947, 0.976)}[result.task]
    found = [result.baselines[name].auc.mean for name in ("logistic_regression", "boosted_trees")]
    assert found == pytest.approx(expected, abs=0.003)
