"""How the caches of a step program go on in memory, and what the other form would have cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from edgeeeg_export.graph import Graph
from edgeeeg_export.ops.cache import Cache
from edgeeeg_export.ops.cache_form import CacheForm


@dataclass(frozen=True, slots=True)
class CacheChoice:
    """One cache: the layer behind it, and its forms, the one that was taken first."""

    layer: str
    forms: tuple[CacheForm, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON values: instructions of a step on Cortex-M4, and bytes."""
        return {
            "layer": self.layer,
            "chosen": self.forms[0].name,
            "forms": {
                form.name: {
                    "mean": round(form.mean),
                    "worst": form.worst,
                    "bytes": (form.size + form.spare) * form.element,
                }
                for form in self.forms
            },
        }


def cache_choices(step: Graph) -> tuple[CacheChoice, ...]:
    """The caches of a streaming graph, in the order of its layers."""
    return tuple(
        CacheChoice(
            node.path or node.name,
            node.op.forms(step.types(node.inputs)),
        )
        for node in step.nodes
        if isinstance(node.op, Cache)
    )


def render(choices: Sequence[CacheChoice]) -> Iterator[str]:
    """A line for each cache."""
    if choices:
        yield "caches of past frames: instructions of a step on Cortex-M4, mean (worst), and bytes"
    for choice in choices:
        taken, *others = (
            f"{name} {form['mean']:,} ({form['worst']:,}), {form['bytes']:,} bytes"
            for name, form in choice.to_json()["forms"].items()
        )
        yield f"  {choice.layer}: {taken}" + "".join(f"; {other}" for other in others)
