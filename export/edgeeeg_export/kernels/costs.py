"""What kernels cost: instructions counted on emulated cores, as weighted sums of what a kernel does.

`costs.json` is written by `make bench-kernels`, from counts of every kernel at many shapes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from edgeeeg_export.kernels.kernel import Family

CORE: Mapping[Family, str] = {"plain": "plain", "dsp": "cortex-m4", "helium": "cortex-m55"}
"""The core whose counts decide for a family; `plain` is Cortex-M4 without its DSP extension."""


@cache
def table() -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """Instructions per unit of work, by core, kernel and unit."""
    text = files("edgeeeg_export.kernels").joinpath("costs.json").read_text(encoding="utf-8")
    weights: Mapping[str, Mapping[str, Mapping[str, float]]] = json.loads(text)["instructions"]
    return weights


def instructions(kernel: str, work: Mapping[str, int], core: str) -> float:
    """Instructions of one call of a kernel on a core, estimated from the counted table."""
    weights = table()[core][kernel]
    return sum(weights[unit] * count for unit, count in work.items())
