import numpy as np
import pytest

from edgeeeg.evaluation.detection_scores import Spread, score_windows, youden_threshold

ICTAL = np.array([False, False, False, False, True, True])
SCORES = np.array([0.1, 0.2, 0.3, 0.7, 0.6, 0.9])


def test_threshold_maximises_both_rates() -> None:
    # at 0.6: sensitivity 1, specificity 3/4; at 0.9: 1/2 and 1
    assert youden_threshold(ICTAL, SCORES) == 0.6


def test_scores_by_hand() -> None:
    score = score_windows(ICTAL, SCORES, 0.6)
    assert score.auc == 7 / 8
    assert score.sensitivity == 1.0
    assert score.specificity == 0.75


def test_spread_is_over_folds() -> None:
    spread = Spread.of([0.9, 1.0])
    assert spread.to_dict() == {
        "mean": pytest.approx(0.95),
        "sd": pytest.approx(0.05),
        "per_fold": [0.9, 1.0],
    }
