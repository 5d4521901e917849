"""Instructions and modelled cycles of one call of a kernel, and whether its results are those of NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeeeg_bench.counters import Cycles, plugin_args, read_counts
from edgeeeg_bench.errors import CountError
from edgeeeg_bridge.kernel_case import KernelCase, checksum_in_numpy
from edgeeeg_bridge.kernel_check import checksums_on_board

BOARDS: Mapping[str, tuple[str, bool]] = {
    "plain": ("qemu:mps2-an386", True),
    "cortex-m4": ("qemu:mps2-an386", False),
    "cortex-m7": ("qemu:mps2-an500", False),
    "cortex-m55": ("qemu:mps3-an547", False),
}
"""The emulated board of each core, and whether its kernels are plain C there."""
IMAGE = 4
"""Cases of one image: the smallest board has 512 KiB for them. Alone, a kernel is inlined into its layer."""


@dataclass(frozen=True, slots=True)
class Count:
    """Of one call, with all that it calls; cycles are modelled, for Cortex-M4 alone."""

    instructions: float
    cycles: Cycles | None
    bit_exact: bool


def count(cases: Sequence[KernelCase], core: str, scratch: Path, per_image: int = IMAGE) -> dict[str, Count]:
    """What each case executes on a core, by name; built under `scratch`, `per_image` cases together.

    Raises
    ------
    MissingDependency
        Cross compiler or QEMU are not installed.
    """
    counted: dict[str, Count] = {}
    for first in range(0, len(cases), per_image):
        counted |= _count(cases[first : first + per_image], core, scratch / str(first))
    return counted


def _count(cases: Sequence[KernelCase], core: str, scratch: Path) -> dict[str, Count]:
    board, plain = BOARDS[core]
    found = scratch / "counts.tsv"
    checksums = checksums_on_board(
        cases, scratch, board, plain=plain, qemu_args=lambda elf: plugin_args(elf, found, scratch)
    )
    counts = {each.name: each for each in read_counts(found)}
    result = {}
    for case in cases:
        layer = counts.get(f"{case.name}_layer")
        if layer is None or layer.calls != case.rounds:
            raise CountError(f"{case.name} on {core}: its layer was not called {case.rounds} times")
        instructions = layer.inclusive / layer.calls
        # a layer whose kernel is inlined is one symbol, whose cycles are all its own
        alone = core == "cortex-m4" and layer.inclusive == layer.exclusive
        cycles = layer.cycles / layer.calls if alone else None
        result[case.name] = Count(instructions, cycles, checksums[case.name] == checksum_in_numpy(case))
    return result
