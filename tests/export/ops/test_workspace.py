"""What a kernel works in: small arrays are local, larger ones lie in the planned arena."""

from __future__ import annotations

import re

import numpy as np
import pytest

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.fresh import Fresh
from edgeeeg_export.ops.lif import Lif
from edgeeeg_export.ops.lstm import Lstm
from edgeeeg_export.ops.workspace import LOCAL_BYTES, WorkArray, definitions, planned_bytes, started
from edgeeeg_export.passes.plan import plan
from edgeeeg_export.targets.c_function import emit_function
from edgeeeg_export.tensor import TensorType

SIZES = {"float": 4, "int8_t": 1, "edgeeeg_int16": 2, "edgeeeg_int32": 4}


def stack_arrays(source):
    """Bytes of every array that the layers of a program have on the stack."""
    found = re.findall(r"^ +(?!static)(float|int8_t|edgeeeg_int\d+) \w+\[(\d+)\];", source, re.MULTILINE)
    return [SIZES[kind] * int(count) for kind, count in found]


def test_arrays_lie_one_behind_the_other_in_whole_floats():
    arrays = (WorkArray("sums", 20), WorkArray("few", 4), WorkArray("whole", 67, "int8"), WorkArray("h", 17))
    assert planned_bytes(arrays) == 4 * 20 + 68 + 4 * 17
    assert definitions(arrays, "scratch") == [
        "float *sums = scratch;",
        "float few[4];",
        "int8_t *whole = (int8_t *)(scratch + 20);",
        "float *h = (scratch + 37);",
    ]


def test_an_array_starts_from_one_value_or_from_a_table():
    assert "    h[i] = 0.5f;" in started(WorkArray("h", 3), 0.5)
    table, *loop = started(WorkArray("q", 2, "int16"), (3, -4))
    assert table == "static const int16_t q_start[2] = {3, -4};"
    assert "    q[i] = q_start[i];" in loop


def window_lstm(hidden):
    rng = np.random.default_rng(0)
    constants = {
        "w": rng.normal(size=(1, 4 * hidden, 3)).astype(np.float32),
        "r": rng.normal(size=(1, 4 * hidden, hidden)).astype(np.float32),
        "b": np.zeros((1, 4 * hidden), dtype=np.float32),
    }
    node = Node("lstm", Lstm(), ("x", "w", "r", "b"), ("y",))
    return Graph("g", {"x": TensorType((5, 1, 3))}, ("y",), (node,), constants)


def window_lif(hidden):
    constants = {name: np.full(hidden, 0.5, dtype=np.float32) for name in ("beta", "threshold")}
    axes = (1, None, None)
    node = Node("lif", Fresh(Lif(), axes), ("x", "beta", "threshold"), ("y",))
    return Graph("g", {"x": TensorType((1, 5, hidden))}, ("y",), (node,), constants)


@pytest.mark.parametrize(
    ("build", "planned"), [(window_lstm, 4 * (4 * 24 + 24 + 24)), (window_lif, 4 * 24)], ids=["lstm", "lif"]
)
def test_what_a_layer_works_in_is_in_the_plan_and_not_on_the_stack(build, planned):
    graph = build(24)
    assert plan(graph).arena >= planned + graph.tensors["y"].nbytes
    source = emit_function(graph).files["g.c"]
    assert "scratch" in source
    assert max(stack_arrays(source), default=0) <= LOCAL_BYTES


def test_what_is_small_stays_where_a_compiler_can_keep_it_in_registers():
    source = emit_function(window_lif(3)).files["g.c"]
    assert "scratch" not in source
    assert stack_arrays(source) == [4 * 3]
