from dataclasses import replace

import numpy as np
import pytest
import torch

from edgeeeg.data.bonn_segments import LabelledSegments
from edgeeeg.errors import RecordingError
from edgeeeg.training.augmentation import Augmentation, random_crops
from edgeeeg.training.fit import TrainingSettings, train_detector

SFREQ = 173.61
SETTINGS = TrainingSettings(
    epochs=6, batch_size=8, crop_seconds=(2.0,), ignored_seconds=0.5, learning_rate=0.02
)


@pytest.fixture(scope="module")
def segments() -> LabelledSegments:
    """Noise, and a 4 Hz oscillation in every other file."""
    rng = np.random.default_rng(0)
    ictal = np.arange(16) % 2 == 1
    t = np.arange(600) / SFREQ
    phase = rng.uniform(0, 2 * np.pi, (16, 1))
    samples = rng.normal(size=(16, 600)) + ictal[:, None] * 2 * np.sin(2 * np.pi * 4 * t + phase)
    return LabelledSegments((samples / samples.std(1, keepdims=True)).astype(np.float32), ictal)


def test_training_lowers_the_loss_and_repeats_bit_for_bit(segments: LabelledSegments) -> None:
    threads = torch.get_num_threads()
    losses: list[float] = []
    first = train_detector(segments, "normalised", SFREQ, SETTINGS, losses.append)
    assert len(losses) == SETTINGS.epochs
    assert losses[-1] < 0.9 * losses[0]
    assert first.thresholds.keys() == {"windowed", "carried"}
    assert torch.get_num_threads() == threads
    torch.rand(3)
    again = train_detector(segments, "normalised", SFREQ, SETTINGS)
    for name, tensor in first.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], tensor)
    assert again.thresholds == first.thresholds


def test_another_seed_gives_other_weights(segments: LabelledSegments) -> None:
    once = replace(SETTINGS, epochs=1)
    one = train_detector(segments, "normalised", SFREQ, once)
    other = train_detector(segments, "normalised", SFREQ, replace(once, seed=1))
    assert not torch.equal(one.model.head.weight, other.model.head.weight)


def test_segments_shorter_than_a_crop_are_refused(segments: LabelledSegments) -> None:
    with pytest.raises(RecordingError, match=r"segments of 600 samples are shorter than crops of 8\.0 s"):
        train_detector(segments, "normalised", SFREQ, TrainingSettings(epochs=1))


def test_crops_are_stretches_of_their_segment() -> None:
    samples = np.arange(200, dtype=np.float32).reshape(2, 100)
    plain = random_crops(samples, 20, Augmentation(0.0, 0.0), 1.0, np.random.default_rng(0))
    assert plain.shape == (2, 20)
    np.testing.assert_array_equal(np.abs(np.diff(plain)), 1.0)
    assert (np.abs(plain[1]) >= 100).all()


def test_augmentation_changes_gain_and_noise() -> None:
    samples = np.ones((500, 10), np.float32)
    loud = random_crops(samples, 10, Augmentation(gain_sd=0.5, noise_sd=0.0), 100.0, np.random.default_rng(0))
    assert np.log(np.abs(loud[:, 0])).std() == pytest.approx(0.5, rel=0.1)
    assert 0.4 < (loud[:, 0] > 0).mean() < 0.6
    noisy = random_crops(
        samples, 10, Augmentation(gain_sd=0.0, noise_sd=0.1), 100.0, np.random.default_rng(0)
    )
    assert noisy.std(1).max() == pytest.approx(10, rel=0.5)
