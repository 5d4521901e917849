"""Small recordings."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg.signal import Annotation, Recording


@pytest.fixture
def noise() -> Recording:
    """Three channels of 20 µV noise, 8 s at 128 Hz, with two annotations."""
    data = np.random.default_rng(7).normal(0, 20, (3, 1024)).astype(np.float32)
    return Recording(
        data,
        ("Fz", "T7", "O1"),
        128.0,
        (Annotation(1.0, 2.0, "seizure"), Annotation(4.0, 0.0, "electrode pop", ("T7",))),
        subject="S01",
    )
