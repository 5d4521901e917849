"""Windows of which some frames are read become windows of those, and the numbers stay."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.gather import Gather
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.slice import Slice
from edgeeeg_export.ops.windows import Windows
from edgeeeg_export.passes.narrow_windows import narrow_windows
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.tensor import TensorType

LENGTH, HOP = 10, 3


def graph_of(*readers, outputs=None):
    """Readers of windows (windows, 2, LENGTH)."""
    nodes = [Node("windows", Windows(2, 0, LENGTH, HOP), ("x",), ("w",))]
    nodes += [Node(f"reader_{k}", op, ("w",), (f"y{k}",)) for k, op in enumerate(readers)]
    names = tuple(f"y{k}" for k in range(len(readers)))
    return Graph("g", {"x": TensorType((1, 2, 24), 2, 1)}, outputs or names, tuple(nodes), {})


def pick(*places):
    return Gather(2, places, (len(places),))


LAST = Gather(2, (LENGTH - 1,), ())


@pytest.mark.parametrize(
    ("readers", "kept"),
    [
        ((LAST,), [(9, 1)]),
        ((pick(4, 7, 5),), [(4, 4)]),
        ((Slice(2, 6, 10, 1),), [(6, 4)]),
        ((Slice(2, 8, 1, -3),), [(2, 7)]),
        ((LAST, Slice(2, 5, 8, 1)), [(9, 1), (5, 3)]),
        ((pick(0, 2),), [(0, 3)]),
    ],
    ids=["last", "some", "slice", "backwards", "two readers", "early"],
)
def test_only_frames_that_are_read_are_kept(readers, kept, same_everywhere):
    graph = graph_of(*readers)
    narrow = narrow_windows(graph).graph
    windows = [node.op for node in narrow.nodes if isinstance(node.op, Windows)]
    assert [(op.skip, op.length) for op in windows] == kept
    assert {op.whole for op in windows} == {LENGTH}
    x = np.random.default_rng(0).uniform(-1, 1, (1, 2, 31)).astype(np.float32)
    truth, ours = (reference.run(each, {"x": x}).tensors for each in (graph, narrow))
    for name in graph.outputs:
        np.testing.assert_array_equal(ours[name], truth[name])
    # a window is complete when its last frame is, though that is not read
    step = stream(narrow)
    assert step.timing.delay == -(-LENGTH // HOP) - 1
    same_everywhere(graph, step, 9)


def test_a_last_frame_needs_no_memory_of_the_window():
    whole, narrow = (
        stream(graph).all_states() for graph in (graph_of(LAST), narrow_windows(graph_of(LAST)).graph)
    )
    assert sum(state.size for state in narrow) < sum(state.size for state in whole) // 2


@pytest.mark.parametrize(
    ("readers", "outputs"),
    [
        ((LAST, Relu()), None),  # another reads every frame
        ((LAST,), ("w", "y0")),  # the windows are an output
        ((pick(0, LENGTH - 1),), None),  # the first and the last frame
        ((Gather(1, (0,), (1,)),), None),  # picks channels, not frames
        ((Slice(1, 0, 1, 1),), None),
    ],
    ids=["read whole", "output", "both ends", "channels", "slice of channels"],
)
def test_what_is_read_whole_stays(readers, outputs):
    graph = graph_of(*readers, outputs=outputs)
    assert narrow_windows(graph).graph.nodes == graph.nodes
