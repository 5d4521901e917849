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
        step, states, pieces = stream(after), None, {name: [] for name in after.outputs}
        hop, n_times = natural_hop(after), min(t.frames for t in after.inputs.values())
        for at in range(0, n_times - n_times % hop, hop):
            hops = {
                name: np.take(v, range(at, at + hop), before.inputs[name].time_axis) for name, v in x.items()
            }
            result = reference.run(step, hops, states)
            states = result.states
            for name in after.outputs:
                pieces[name].append(result.tensors[name])
        for name, rows in pieces.items():
            streamed = np.concatenate(rows, axis=after.tensors[name].time_axis)
            frames = streamed.shape[after.tensors[name].time_axis]
            close(streamed, np.take(truth[name], range(frames), after.tensors[name].time_axis))

    return check


def close(value: np.ndarray, truth: np.ndarray) -> None:
    np.testing.assert_allclose(value, truth, rtol=0, atol=TOLERANCE * max(np.abs(truth).max(), 1e-3))
