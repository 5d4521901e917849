"""How a figure came about: every number the product prints carries one of these grades."""

from __future__ import annotations

from enum import StrEnum


class Evidence(StrEnum):
    """Grade of a figure; the order is from the most to the least direct."""

    MEASURED = "measured"
    """Read from an instrument or a clock on the hardware that is named."""
    EMULATED = "emulated"
    """Seen on an emulator: right about values, wrong about time."""
    COUNTED = "counted"
    """Counted exactly, such as instructions executed or bytes in a file."""
    MODELLED = "modelled"
    """Computed from counted figures by a model, with a band."""
    DECLARED = "declared"
    """Taken over from a data sheet or from the user."""
