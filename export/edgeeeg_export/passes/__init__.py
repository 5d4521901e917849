"""The passes between capture and streaming: a visible tuple of pure functions from graph to graph.

A graph checks itself on construction (names, shapes, time axes, states), so every pass is verified as it
ends.
"""

from __future__ import annotations

from collections.abc import Callable

from edgeeeg_export.graph import Graph
from edgeeeg_export.passes.drop_dead import drop_dead
from edgeeeg_export.passes.fuse_bias import fuse_bias
from edgeeeg_export.passes.fuse_padding import fuse_padding
from edgeeeg_export.passes.fuse_trim import fuse_trim
from edgeeeg_export.passes.narrow_windows import narrow_windows

PIPELINE: tuple[Callable[[Graph], Graph], ...] = (
    drop_dead,
    fuse_bias,
    fuse_trim,
    fuse_padding,
    narrow_windows,
)


def simplify(graph: Graph) -> Graph:
    """Run the pipeline."""
    for rewrite in PIPELINE:
        graph = rewrite(graph)
    return graph
