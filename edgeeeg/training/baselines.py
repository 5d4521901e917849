"""Two classifiers on eight features of a window: a detector that does not beat them is not worth its cost."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgeeeg.data.folds import Fold
from edgeeeg.evaluation.detection_scores import DetectionScore, score_windows, youden_threshold

Baseline = Literal["logistic_regression", "boosted_trees"]
BASELINES: tuple[Baseline, ...] = ("logistic_regression", "boosted_trees")

BANDS = {
    "delta": (0.5, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 30.0),
    "gamma": (30.0, 80.0),
}
"""Hz; gamma ends below the Nyquist rate of 86.8 Hz."""

FEATURES = (*BANDS, "spectral_entropy", "peak_frequency", "log_mean_abs_difference")


def window_features(windows: NDArray[np.float32], sfreq: float) -> NDArray[np.float64]:
    """Eight features (..., 8) of windows (..., n_times): the names are in `FEATURES`.

    Logarithm of the power in five bands, entropy in nats of the spectrum as a distribution over 0.5-80 Hz,
    its peak in Hz, and the logarithm of the mean absolute difference of successive samples. The spectrum is
    one periodogram of the mean-free window under a Hamming taper.
    """
    from scipy.signal import periodogram

    frequencies, power = periodogram(
        windows.astype(np.float64), fs=sfreq, window="hamming", detrend="constant"
    )
    # a flat window has no power: the floor keeps its logarithm finite, far below one count of any converter
    floor = np.finfo(np.float64).tiny
    in_band = [(frequencies >= low) & (frequencies < high) for low, high in BANDS.values()]
    log_powers = [np.log(power[..., band].sum(-1) + floor) for band in in_band]
    inside = np.any(in_band, axis=0)
    density = power[..., inside] / (power[..., inside].sum(-1, keepdims=True) + floor)
    entropy = -(density * np.log(density + floor)).sum(-1)
    peak = frequencies[inside][density.argmax(-1)]
    differences = np.abs(np.diff(windows.astype(np.float64), axis=-1)).mean(-1)
    return np.stack([*log_powers, entropy, peak, np.log(differences + floor)], axis=-1)


def score_baseline(
    baseline: Baseline, features: NDArray[np.float64], ictal: NDArray[np.bool_], fold: Fold
) -> DetectionScore:
    """Fit one baseline on a fold's training files and score its held-out windows.

    Parameters
    ----------
    features : (n_files, n_windows, 8).
    ictal : (n_files,).
    """
    n_windows = features.shape[1]
    labels = np.repeat(ictal, n_windows).reshape(-1, n_windows)

    def side(files: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        return features[files].reshape(-1, features.shape[-1]), labels[files].ravel()

    train, train_labels = side(fold.train)
    held_out, held_out_labels = side(fold.held_out)
    classifier = _classifier(baseline).fit(train, train_labels)
    threshold = youden_threshold(train_labels, classifier.predict_proba(train)[:, 1])
    return score_windows(held_out_labels, classifier.predict_proba(held_out)[:, 1], threshold)


def _classifier(baseline: Baseline) -> Any:
    """Unfitted classifier; the scaler is inside, so it is fitted on training files alone."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if baseline == "boosted_trees":
        return HistGradientBoostingClassifier(random_state=0)
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
