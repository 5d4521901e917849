"""Random crops of segments with the changes that leave their label as it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a crop may be changed.

    Parameters
    ----------
    gain_sd : standard deviation of the logarithm of a random gain.
    noise_sd : largest standard deviation of added white noise, in the model's input scale.
    """

    gain_sd: float = 0.1
    noise_sd: float = 0.05


def random_crops(
    samples: NDArray[np.float32],
    n_times: int,
    augmentation: Augmentation,
    input_scale: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """One crop (n_files, n_times) of each segment (n_files, n_samples), of random place, polarity and gain.

    Parameters
    ----------
    input_scale : µV (or z) that the model counts as 1: the unit of the noise.
    """
    n_files, n_samples = samples.shape
    starts = rng.integers(0, n_samples - n_times + 1, n_files)
    crops = np.stack([row[start : start + n_times] for row, start in zip(samples, starts, strict=True)])
    gain = rng.choice((-1.0, 1.0), (n_files, 1)) * np.exp(rng.normal(0.0, augmentation.gain_sd, (n_files, 1)))
    level = augmentation.noise_sd * input_scale * rng.random((n_files, 1))
    changed: NDArray[np.float32] = (crops * gain + level * rng.normal(size=crops.shape)).astype(np.float32)
    return changed
