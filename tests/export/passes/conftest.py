"""What tests of rewrites share: the numbers before and after one, offline and as a stream."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.graph import Graph
from edgeeeg_export.passes.stream import natural_hop, obstacles, stream
from edgeeeg_export.passes.verifier import verify

TOLERANCE = 1e-5
"""Of a tensor's peak: what another order of float32 sums may cost."""


@pytest.fixture
def same_numbers() -> Callable[[Graph, Graph], None]:
    """Every tensor that both graphs have is equal but for rounding; so is the stream of the second."""

    def check(before: Graph, after: Graph, seed: int = 0) -> None:
        verify("test", before, after)
        rng = np.random.default_rng(seed)
        x = {name: rng.uniform(-1, 1, t.shape).astype(np.float32) for name, t in before.inputs.items()}
        truth, ours = (reference.run(graph, x).tensors for graph in (before, after))
        for name in truth.keys() & ours.keys():
            close(ours[name], truth[name])
        if any(t.time_axis is None for t in after.inputs.values()) or obstacles(after):
            return
        x = whole_steps(after, x)
        truth = reference.run(before, x).tensors
        streamed = reference.run_stream(stream(after), x, 1)
        for name, value in streamed.items():
            axis = after.tensors[name].time_axis
            frames = min(value.shape[axis], truth[name].shape[axis])
            assert frames > 0
            close(np.take(value, range(frames), axis), np.take(truth[name], range(frames), axis))

    return check


def whole_steps(graph: Graph, x: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inputs without what fills no step."""
    axes = {name: type_.time_axis for name, type_ in graph.inputs.items()}
    return {
        name: np.take(v, range(v.shape[axes[name]] // natural_hop(graph) * natural_hop(graph)), axes[name])
        for name, v in x.items()
    }


def close(value: np.ndarray, truth: np.ndarray) -> None:
    np.testing.assert_allclose(value, truth, rtol=0, atol=TOLERANCE * max(np.abs(truth).max(), 1e-3))
