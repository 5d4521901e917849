import numpy as np
import pytest

from edgeeeg.data.folds import file_folds
from edgeeeg.training.baselines import BASELINES, FEATURES, Baseline, score_baseline, window_features

SFREQ = 173.61


def features_of(signal: np.ndarray) -> dict[str, float]:
    return dict(zip(FEATURES, window_features(signal.astype(np.float32), SFREQ), strict=True))


def test_a_sine_is_a_peak_in_its_band() -> None:
    t = np.arange(347) / SFREQ
    found = features_of(50 * np.sin(2 * np.pi * 10 * t))
    assert found["peak_frequency"] == pytest.approx(10, abs=SFREQ / 347)
    assert max(("delta", "theta", "alpha", "beta", "gamma"), key=found.__getitem__) == "alpha"


def test_noise_has_more_entropy_than_a_sine() -> None:
    t = np.arange(347) / SFREQ
    noise = features_of(np.random.default_rng(0).normal(size=347))
    assert noise["spectral_entropy"] > features_of(np.sin(2 * np.pi * 10 * t))["spectral_entropy"] + 1


def test_gain_moves_logarithms_alone() -> None:
    window = np.random.default_rng(0).normal(size=347)
    once, tenfold = features_of(window), features_of(10 * window)
    assert tenfold["delta"] - once["delta"] == pytest.approx(np.log(100), abs=1e-4)
    assert tenfold["log_mean_abs_difference"] - once["log_mean_abs_difference"] == pytest.approx(
        np.log(10), abs=1e-4
    )
    assert tenfold["spectral_entropy"] == pytest.approx(once["spectral_entropy"], abs=1e-4)


def test_a_flat_window_has_finite_features() -> None:
    assert np.isfinite(window_features(np.zeros((2, 347), np.float32), SFREQ)).all()


@pytest.mark.parametrize("baseline", BASELINES)
def test_baselines_learn_from_training_files_alone(baseline: Baseline) -> None:
    rng = np.random.default_rng(0)
    ictal = np.arange(40) >= 32
    features = rng.normal(size=(40, 10, 8)) + 2.0 * ictal[:, None, None]
    fold = file_folds(ictal)[0]
    score = score_baseline(baseline, features, ictal, fold)
    assert score.auc > 0.95
    shuffled = features.copy()
    shuffled[fold.held_out] = rng.normal(size=(len(fold.held_out), 10, 8))
    assert score_baseline(baseline, shuffled, ictal, fold).auc < 0.8
