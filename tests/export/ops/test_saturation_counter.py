"""The state `saturated` of integer cells: one count in NumPy, C and ONNX Runtime; it stops at its end."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from integer_cells import as_in_c, in_chunks, operator_graph

from edgeeeg.cells.state_width import SATURATED, WIDTHS
from edgeeeg_export.fixed_point import LARGEST_COUNT
from edgeeeg_export.ops.quantized_lif import QuantizedLif
from edgeeeg_export.ops.quantized_selective_scan import QuantizedSelectiveScan
from edgeeeg_export.ops.quantized_wkv4 import QuantizedWkv4
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets import onnx_step
from edgeeeg_export.tensor import TensorType

FRAMES, N, HOP = 60, 4, 5
LOST = WIDTHS["int16"].lost().astype(np.int16)


def drawn(*shape):
    return np.random.default_rng(0).integers(-128, 128, shape).astype(np.int8)


def filled(value, *shape):
    return np.full(shape, value, dtype=np.int32)


# nothing fades, and what a frame adds is near the width's end
CASES = {
    "lif": (
        QuantizedLif(400.0, "int16", "subtract", False),
        {
            "x": drawn(1, FRAMES, N),
            "decay": filled(1 << 15, N),
            "threshold": filled(9000, N),
        },
    ),
    "scan": (
        QuantizedSelectiveScan(0, 0.05, 1e-3),
        {
            "u": drawn(1, FRAMES, N),
            "delta": drawn(1, FRAMES, N)[:, ::-1].copy(),
            "rate": filled(0, N, 2),
            "B": drawn(1, FRAMES, 2),
            "C": drawn(1, FRAMES, 2),
            "through": np.zeros(N, dtype=np.float32),
            "lost": LOST,
        },
    ),
    "wkv4": (
        QuantizedWkv4(1, 0, 14, 3e-3, 0.1, 1.0),
        {
            "k": np.zeros((1, FRAMES, N), dtype=np.int8),
            "v": drawn(1, FRAMES, N),
            "w": filled(0, N),
            "u": filled(0, N),
            "lost": LOST,
        },
    ),
}


def types_of(op, values):
    axes = zip(values.values(), op.window_axes, strict=True)
    return tuple(TensorType(v.shape, axis, 0 if axis is None else 1, v.dtype.name) for v, axis in axes)


def started(op, values, count=0):
    states = op.states(types_of(op, values))
    assert states[-1].name == SATURATED
    return (*(state.start() for state in states[:-1]), np.int32([count]))


@pytest.mark.parametrize("name", CASES)
def test_all_targets_count_the_same(name, tmp_path):
    op, values = CASES[name]
    *_, counted = op.run(tuple(values.values()), started(op, values))[1]
    assert counted.dtype == np.int32
    assert 20 < counted[0] < 2 * FRAMES * N
    _, (*_, in_c) = as_in_c(op, types_of(op, values), tuple(values.values()), tmp_path)
    assert in_c.tolist() == counted.tolist()
    for chunk in (1, 7):
        _, (*_, in_parts) = in_chunks(op, tuple(values.values()), started(op, values), chunk)
        assert in_parts.tolist() == counted.tolist()


@pytest.mark.parametrize("hop", [1, HOP])
@pytest.mark.parametrize("name", CASES)
def test_onnx_runtime_counts_the_same_in_every_step(name, hop):
    op, values = CASES[name]
    types = dict(zip(op.operands, types_of(op, values), strict=True))
    moving = {n: t for n, t in types.items() if t.time_axis is not None}
    graph = operator_graph(op, moving, {n: v for n, v in values.items() if n not in moving})
    step = stream(graph, hop)
    session = onnxruntime.InferenceSession(onnx_step.emit(step).SerializeToString())
    names = [state.name for state in step.all_states()]
    carried = {state.name: state.start() for state in step.all_states()}
    for start in range(0, FRAMES, hop):
        part = {n: values[n][:, start : start + hop] for n in moving}
        carried = dict(zip(names, session.run([f"{n}.next" for n in names], carried | part), strict=True))
        so_far = tuple(v[:, : start + hop] if n in moving else v for n, v in values.items())
        *_, counted = op.run(so_far, started(op, values))[1]
        assert carried[f"cell.{SATURATED}"].tolist() == counted.tolist()


@pytest.mark.parametrize("name", CASES)
def test_it_stops_at_its_end(name, tmp_path):
    op, values = CASES[name]
    start = started(op, values, LARGEST_COUNT - 3)
    *_, counted = op.run(tuple(values.values()), start)[1]
    assert counted.tolist() == [LARGEST_COUNT]
    _, (*_, in_c) = as_in_c(op, types_of(op, values), tuple(values.values()), tmp_path, start)
    assert in_c.tolist() == [LARGEST_COUNT]
