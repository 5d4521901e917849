"""One way to compute a layer in C, of several that give the same bits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from edgeeeg_export.tensor import Array

Family = Literal["plain", "dsp", "helium"]
FAMILIES: tuple[Family, ...] = ("plain", "dsp", "helium")
"""Of `runtime/edgeeeg_core.h`: plain C, the DSP extension of Cortex-M4, M7 and M33, and Helium."""

GUARD: Mapping[Family, str] = {
    "plain": "!defined(EDGEEEG_DSP) && !defined(EDGEEEG_HELIUM)",
    "dsp": "defined(EDGEEEG_DSP)",
    "helium": "defined(EDGEEEG_HELIUM)",
}
"""What the preprocessor asks for a family."""

TAP = "edgeeeg_tap"
"""A weight that is widened where two are multiplied at a time."""


class Operands(Protocol):
    """Where a kernel finds what it works on, as C expressions."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Pointers to the operands."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Pointers to the results."""

    @property
    def scratch(self) -> str:
        """A pointer to what the kernel may work in."""


@dataclass(frozen=True, slots=True)
class Packing:
    """Weights rearranged offline: what their array is called, behind its own name, its elements, and how."""

    suffix: str
    c_type: str
    pack: Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Kernel:
    """Its name; the counts that its cost is a weighted sum of; how it is called, given the weights' array.

    `packing` is that of operand 1, the weights, of which there are `n_weights`; None where they are used as
    they are. `scratch` is in bytes. `families` are those that it is for, `when` says what it decides by.
    """

    name: str
    work: Mapping[str, int]
    call: Callable[[Operands, str], str]
    n_weights: int
    packing: Packing | None = None
    scratch: int = 0
    families: tuple[Family, ...] = FAMILIES
    when: str = ""

    def flash(self, family: Family) -> int:
        """Bytes of its weights."""
        wide = family == "dsp" and self.packing is not None and self.packing.c_type == TAP
        return self.n_weights * (2 if wide else 1)

    def weights(self, name: str) -> str:
        """What the array of its weights is called."""
        return name if self.packing is None else name + self.packing.suffix
