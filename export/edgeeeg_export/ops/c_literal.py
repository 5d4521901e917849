"""A float as C source."""

from __future__ import annotations

import numpy as np


def literal(value: float | np.float32) -> str:
    """The shortest decimal that reads back as the same float32."""
    text = str(np.float32(value))
    return f"{text if any(c in text for c in '.en') else text + '.0'}f"
