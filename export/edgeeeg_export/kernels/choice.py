"""The kernel of each family for a layer, by counted costs.

It is the one that executes the fewest instructions a step, where a byte of flash for weights that lie wider
has to save at least one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgeeeg_export.kernels.costs import CORE, instructions
from edgeeeg_export.kernels.kernel import FAMILIES, GUARD, Family, Kernel, Operands


def choose(kernels: Sequence[Kernel]) -> Mapping[Family, Kernel]:
    """The cheapest kernel of each family; of equals the first."""
    return {family: _cheapest(kernels, family) for family in FAMILIES}


def _cheapest(kernels: Sequence[Kernel], family: Family) -> Kernel:
    offered = [kernel for kernel in kernels if family in kernel.families]
    if len(offered) == 1:
        return offered[0]
    return min(offered, key=lambda kernel: cost(kernel, family) + kernel.flash(family))


def cost(kernel: Kernel, family: Family) -> float:
    """Instructions of one call on the core that decides for a family."""
    return instructions(kernel.name, kernel.work, CORE[family])


def scratch(kernels: Sequence[Kernel]) -> int:
    """Bytes that the kernels chosen work in."""
    return max((kernel.scratch for kernel in choose(kernels).values()), default=0)


def emit(chosen: Mapping[Family, Kernel], operands: Operands) -> str:
    """The call of the kernel of each family; the preprocessor picks it where they differ."""
    calls: dict[str, list[Family]] = {}
    for family, kernel in chosen.items():
        text = kernel.call(operands, kernel.weights(operands.inputs[1]))
        if operands.scratch and not kernel.scratch:
            text = f"(void){operands.scratch};\n{text}"
        calls.setdefault(text, []).append(family)
    if len(calls) == 1:
        return next(iter(calls))
    parts = [f"{guard(families)}\n{text}\n#endif" for text, families in calls.items()]
    return "\n".join(parts)


def guard(families: Sequence[Family]) -> str:
    """The `#if` of some families."""
    conditions = [GUARD[family] for family in families]
    if len(conditions) == 1:
        return f"#if {conditions[0]}"
    return "#if " + " || ".join(f"({each})" if "&&" in each else each for each in conditions)
