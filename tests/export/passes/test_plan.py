"""Where tensors of a step lie: views and caches cost nothing, elementwise results overwrite their operand."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.slice import Slice
from edgeeeg_export.ops.tanh import Tanh
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.plan import ARENA, INPUT, STATE, _Buffer, _pack, plan
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.tensor import TensorType

X = {"x": TensorType((1, 4, 8), 2, 1)}


def planned(*nodes, outputs=("y",), constants=None, hop=None):
    step = stream(Graph("g", X, outputs, nodes, constants or {}), hop)
    return plan(step)


def test_a_cache_lies_in_its_state_and_only_the_convolution_needs_arena():
    conv = Node("conv", Conv(pads=(2, 0)), ("x", "w"), ("y",))
    memory = planned(conv, constants={"w": np.ones((5, 4, 3), dtype=np.float32)}, hop=8)
    (window,) = (name for name in memory.places if name not in ("x", "y"))
    assert memory.places[window].memory == STATE
    assert memory.places["y"].memory == ARENA
    assert memory.arena == memory.lower_bound == 4 * 5 * 8


def test_a_slice_is_a_view_of_the_input_buffer_at_its_offset():
    memory = planned(Node("cut", Slice(1, 1, 3), ("x",), ("y",)), hop=8)
    assert (memory.places["y"].memory, memory.places["y"].offset) == (INPUT, 4 * 8)
    assert memory.views == {"cut"}
    assert memory.arena == 0


def test_a_slice_behind_time_is_copied():
    memory = planned(
        Node("turn", Transpose((0, 2, 1)), ("x",), ("t",)), Node("cut", Slice(2, 1, 3), ("t",), ("y",)), hop=8
    )
    assert not memory.views
    assert memory.arena == 4 * (4 * 8 + 2 * 8)


def test_a_transposition_is_a_view_where_one_frame_makes_it_one():
    turn = Node("turn", Transpose((0, 2, 1)), ("x",), ("y",))
    assert planned(turn, hop=1).views == {"turn"}
    assert not planned(turn, hop=2).views


def test_elementwise_chains_work_in_place():
    chain = (
        Node("a", Relu(), ("x",), ("p",)),
        Node("b", Tanh(), ("p",), ("q",)),
        Node("c", Relu(), ("q",), ("y",)),
    )
    memory = planned(*chain)
    assert memory.places["p"] == memory.places["q"] == memory.places["y"]
    assert memory.arena == 4 * 4


def test_what_is_read_again_is_not_overwritten():
    nodes = (
        Node("a", Relu(), ("x",), ("p",)),
        Node("b", Tanh(), ("p",), ("q",)),
        Node("c", Add(), ("q", "p"), ("y",)),
    )
    memory = planned(*nodes)
    assert memory.places["p"].offset != memory.places["q"].offset
    assert memory.arena == 4 * 8


@pytest.mark.parametrize("order", [("p", "part"), ("part", "p")])
def test_a_sum_is_not_written_over_a_part_of_itself(order):
    nodes = (
        Node("a", Relu(), ("x",), ("p",)),
        Node("cut", Slice(1, 0, 1), ("p",), ("part",)),
        Node("c", Add(), order, ("y",)),
    )
    memory = planned(*nodes)
    assert memory.places["y"].offset != memory.places["p"].offset


def test_the_peak_names_the_layer_that_holds_most():
    nodes = (
        Node("small", Relu(), ("x",), ("p",)),
        Node("wide", Conv(), ("p", "w"), ("q",), path="block.wide"),
        Node("cut", Slice(1, 0, 1), ("q",), ("y",)),
    )
    memory = planned(*nodes, constants={"w": np.ones((50, 4, 1), dtype=np.float32)})
    assert "'block.wide' (Conv)" in memory.peak
    assert memory.lower_bound == 4 * 54


def test_a_sum_overwrites_its_second_operand_where_the_first_is_read_again():
    nodes = (
        Node("a", Relu(), ("x",), ("p",)),
        Node("b", Tanh(), ("p",), ("q",)),
        Node("c", Add(), ("p", "q"), ("r",)),
        Node("d", Add(), ("r", "p"), ("y",)),
    )
    memory = planned(*nodes)
    assert memory.places["r"] == memory.places["q"] == memory.places["y"]
    assert memory.places["r"].offset != memory.places["p"].offset
    assert memory.arena == 4 * 8


def test_a_result_does_not_overwrite_an_operand_that_it_broadcasts():
    nodes = (
        Node("wide", Conv(), ("x", "w"), ("p",)),
        Node("cut", Slice(1, 0, 1), ("p",), ("part",)),
        Node("b", Tanh(), ("part",), ("q",)),
        Node("c", Add(), ("q", "p"), ("r",)),
        Node("d", Add(), ("r", "q"), ("y",)),
    )
    memory = planned(*nodes, constants={"w": np.ones((4, 4, 1), dtype=np.float32)})
    assert memory.places["r"] == memory.places["p"]
    assert memory.places["q"].offset != memory.places["p"].offset


def test_where_the_largest_first_leave_a_hole_another_order_does_not():
    """Largest first, both of 20 bytes lie at 0, and one of the two between them in time lies above 36."""
    sizes = {"a": (20, 3, 5), "b": (16, 1, 2), "c": (16, 2, 3), "d": (20, 0, 1)}
    buffers = {name: _Buffer(size, first, last, [name]) for name, (size, first, last) in sizes.items()}
    starts, end = _pack(buffers, (), 36)
    assert end == 36
    for one, other in (("a", "c"), ("b", "c"), ("b", "d")):  # those that live at the same time
        assert starts[one] + sizes[one][0] <= starts[other] or starts[other] + sizes[other][0] <= starts[one]
