"""Which kernel computes each layer of a program on each family of cores, and what others would have cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from edgeeeg_export.graph import Graph
from edgeeeg_export.kernels.choice import choose, cost
from edgeeeg_export.kernels.costs import CORE
from edgeeeg_export.kernels.kernel import FAMILIES, Family


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """A layer on a core: the kernel chosen, and what one call of each would execute, estimated from counts.

    `flash_bytes` is what the weights of each take; `when` says more about the one chosen.
    """

    layer: str
    operator: str
    family: Family
    core: str
    chosen: str
    instructions: Mapping[str, float]
    flash_bytes: Mapping[str, int]
    when: str


def kernel_choices(graph: Graph) -> tuple[LayerChoice, ...]:
    """Those of every layer that there are kernels to choose from for, in the order of the program."""
    return tuple(_choices(graph))


def _choices(graph: Graph) -> Iterator[LayerChoice]:
    for node in graph.nodes:
        kernels = node.op.kernels(graph.types(node.inputs))
        for family, chosen in choose(kernels).items() if kernels else ():
            offered = [kernel for kernel in kernels if family in kernel.families]
            yield LayerChoice(
                node.path or node.name,
                node.op.kind,
                family,
                CORE[family],
                chosen.name,
                {kernel.name: round(cost(kernel, family)) for kernel in offered},
                {kernel.name: kernel.flash(family) for kernel in offered},
                chosen.when,
            )


def to_json(choices: tuple[LayerChoice, ...]) -> list[dict[str, Any]]:
    """As JSON values."""
    return [asdict(choice) for choice in choices]


def render(choices: tuple[LayerChoice, ...]) -> Iterator[Table]:
    """One row a layer: for each core the kernel chosen with its instructions, then the others with theirs."""
    if not choices:
        return
    cores = [CORE[family] for family in FAMILIES]
    table = Table(title="kernels, with instructions a step (modelled from counts)")
    table.add_column("layer", overflow="fold")
    for core in cores:
        table.add_column(core, overflow="fold")
    rows: dict[str, dict[str, str]] = {}
    for choice in choices:
        own = choice.chosen
        others = [f"{name} {count:,}" for name, count in choice.instructions.items() if name != own]
        text = f"{own} {choice.instructions[own]:,}" + (f", {choice.when}" if choice.when else "")
        rows.setdefault(choice.layer, {})[choice.core] = text + (f" ({', '.join(others)})" if others else "")
    for layer, cells in rows.items():
        table.add_row(layer, *(cells.get(core, "") for core in cores))
    yield table
