"""Scores over windows: area under the ROC curve, and both rates at a threshold chosen elsewhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Spread:
    """A score over folds: mean, standard deviation over the folds (population form) and every value."""

    mean: float
    sd: float
    per_fold: tuple[float, ...]

    @classmethod
    def of(cls, per_fold: list[float]) -> Spread:
        """Spread of one value a fold."""
        return cls(float(np.mean(per_fold)), float(np.std(per_fold)), tuple(per_fold))

    def to_dict(self) -> dict[str, Any]:
        """The same as plain types, for JSON."""
        return asdict(self) | {"per_fold": list(self.per_fold)}


@dataclass(frozen=True, slots=True)
class DetectionScore:
    """Scores of one fold's held-out windows, each in [0, 1]."""

    auc: float
    sensitivity: float
    specificity: float


def youden_threshold(ictal: NDArray[np.bool_], scores: Floats) -> float:
    """Threshold with the largest sensitivity + specificity; take it from training data only.

    Parameters
    ----------
    ictal, scores : (n_windows,).

    References
    ----------
    Youden 1950, Index for rating diagnostic tests.
    """
    from sklearn.metrics import roc_curve

    false_positive, true_positive, thresholds = roc_curve(ictal, scores)
    # the first threshold is infinity, which detects nothing
    return float(thresholds[1:][np.argmax((true_positive - false_positive)[1:])])


def score_windows(ictal: NDArray[np.bool_], scores: Floats, threshold: float) -> DetectionScore:
    """Scores of windows (n_windows,); a window is detected where its score is at least the threshold."""
    from sklearn.metrics import roc_auc_score

    detected = scores >= threshold
    return DetectionScore(
        auc=float(roc_auc_score(ictal, scores)),
        sensitivity=float(detected[ictal].mean()),
        specificity=float((~detected[~ictal]).mean()),
    )
