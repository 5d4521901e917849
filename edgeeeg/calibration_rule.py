"""How a scale follows from what was seen: the same in training and at export. Loads without torch."""

from __future__ import annotations

PERCENTILE = 99.99
"""Of the magnitudes of a tensor of int8: up to there it does not saturate."""
HEADROOM = 2.0
"""Times the largest magnitude seen: up to there int16, and a state in integers, does not saturate."""
KEPT = 1 << 20
"""Values of one tensor that are looked at, at most, evenly drawn."""
