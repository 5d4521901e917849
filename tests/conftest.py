"""Where the real EEG lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def eeg_data() -> Path:
    root = os.environ.get("EDGEEEG_DATA")
    if root is None:
        pytest.skip("EDGEEEG_DATA is not set: no real EEG to test with")
    return Path(root)


@pytest.fixture(scope="session")
def bonn_root(eeg_data: Path) -> Path:
    return eeg_data / "bonn"
