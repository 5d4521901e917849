"""The passes between capture and streaming: a visible tuple of pure functions that explain themselves.

Each is a function from a graph to `Rewritten`. A graph checks itself on construction (names, shapes, time
axes, states) and `verifier.RULES` hold between passes. A tensor whose value changes gets a new name, as the
contract compares layers with the original by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edgeeeg_export.graph import Graph
from edgeeeg_export.passes.collapse_layout import collapse_layout
from edgeeeg_export.passes.commute import commute
from edgeeeg_export.passes.compose import compose
from edgeeeg_export.passes.compose_dense import compose_dense
from edgeeeg_export.passes.drop_axis import drop_axis
from edgeeeg_export.passes.drop_dead import drop_dead
from edgeeeg_export.passes.fold_behind import fold_behind
from edgeeeg_export.passes.fold_in_front import fold_in_front
from edgeeeg_export.passes.fuse_padding import fuse_padding
from edgeeeg_export.passes.fuse_trim import fuse_trim
from edgeeeg_export.passes.matrix_as_conv import matrix_as_conv
from edgeeeg_export.passes.narrow_windows import narrow_windows
from edgeeeg_export.passes.rewriting import Rewritten
from edgeeeg_export.passes.scale_threshold import scale_threshold
from edgeeeg_export.passes.verifier import verify

Pipeline = tuple[Callable[[Graph], Rewritten], ...]

PIPELINE: Pipeline = (
    drop_dead,
    matrix_as_conv,
    collapse_layout,
    fuse_trim,
    fuse_padding,
    # what stands between two convolutions goes first, so that they meet
    fold_behind,
    commute,
    compose,
    # then electrodes are channels, and montages and filters in front of them meet the first convolution
    drop_axis,
    collapse_layout,
    commute,
    compose,
    compose_dense,
    fold_in_front,
    scale_threshold,
    narrow_windows,
    drop_dead,
)


ARRANGEMENT: Pipeline = (drop_dead, fuse_padding, drop_dead)
"""For a model whose roundings must stay where they are: no weights change, and no layers merge."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one rewrite did to a graph, and where it began to match and why it did not fire."""

    rewrite: str
    fired: tuple[str, ...]
    declined: tuple[str, ...]


def simplify(graph: Graph, pipeline: Pipeline = PIPELINE) -> Graph:
    """Run the pipeline."""
    for _, result in _steps(graph, pipeline):
        graph = result.graph
    return graph


def explain(graph: Graph, pipeline: Pipeline = PIPELINE) -> tuple[Explanation, ...]:
    """What the pipeline does to a graph: the passes in order, but for those that have nothing to say.

    A pass that stands twice in the pipeline does not repeat itself.
    """
    explanations: list[Explanation] = []
    said: set[tuple[str, str]] = set()
    for name, result in _steps(graph, pipeline):
        declined = tuple(reason for reason in result.declined if (name, reason) not in said)
        said.update((name, reason) for reason in declined)
        if result.fired or declined:
            explanations.append(Explanation(name, result.fired, declined))
    return tuple(explanations)


def _steps(graph: Graph, pipeline: Pipeline) -> Iterator[tuple[str, Rewritten]]:
    for rewrite in pipeline:
        result = rewrite(graph)
        verify(rewrite.__name__, graph, result.graph)
        graph = result.graph
        yield rewrite.__name__, result
