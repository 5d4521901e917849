"""What holds of every rewrite, beyond what a graph checks of itself: a table of rules, run between passes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeeeg_export.errors import GraphError
from edgeeeg_export.graph import Graph
from edgeeeg_export.passes.rewriting import macs

Rule = Callable[[Graph, Graph], str | None]
"""What is wrong with the second graph as a rewrite of the first; None if nothing is."""


def _same_inputs(before: Graph, after: Graph) -> str | None:
    if dict(before.inputs) == dict(after.inputs):
        return None
    return f"inputs were {dict(before.inputs)} and are {dict(after.inputs)}"


def _same_outputs(before: Graph, after: Graph) -> str | None:
    if before.outputs == after.outputs:
        return None
    return f"outputs were {before.outputs} and are {after.outputs}"


def _same_types(before: Graph, after: Graph) -> str | None:
    """A name that stays means a value that stays, so its shape, time axis and frame rate stay as well."""
    for name in before.tensors:
        if name in after.tensors and before.tensors[name] != after.tensors[name]:
            return f"tensor '{name}' was {before.tensors[name]} and is {after.tensors[name]}"
    return None


def _constants_are_read(_: Graph, after: Graph) -> str | None:
    unread = [name for name in after.constants if not after.consumers(name) and name not in after.outputs]
    return f"nothing reads constant '{unread[0]}'" if unread else None


def _constants_are_finite(before: Graph, after: Graph) -> str | None:
    """Those that a rewrite made: what a model brings may be infinite, as a mask of attention is."""
    for name, value in after.constants.items():
        if name not in before.constants and not np.isfinite(value).all():
            return f"constant '{name}' holds NaN or infinity"
    return None


def _no_more_work(before: Graph, after: Graph) -> str | None:
    if macs(after) <= macs(before):
        return None
    return f"it takes {macs(after):,} multiply-accumulates, where {macs(before):,} were enough"


RULES: tuple[Rule, ...] = (
    _same_inputs,
    _same_outputs,
    _same_types,
    _constants_are_read,
    _constants_are_finite,
    _no_more_work,
)


def verify(rewrite: str, before: Graph, after: Graph) -> None:
    """Hold a rewrite to every rule.

    Raises
    ------
    GraphError
        Naming the rewrite and what it broke.
    """
    for rule in RULES:
        broken = rule(before, after)
        if broken is not None:
            raise GraphError(f"rewrite '{rewrite}' is wrong for this model: {broken}; please report it")
