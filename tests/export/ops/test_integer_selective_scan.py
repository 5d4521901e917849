"""The integer selective scan: torch, NumPy, C and ONNX Runtime give the same integers in every bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from integer_cells import as_in_c, as_in_onnxruntime, in_chunks, operator_graph

from edgeeeg.cells import quantized_selective_scan as cell
from edgeeeg.cells.selective_scan import ScanInput, ScanState
from edgeeeg.cells.state_width import RESULTS, WIDTHS
from edgeeeg_export.errors import GraphError
from edgeeeg_export.ops.quantized_selective_scan import QuantizedSelectiveScan
from edgeeeg_export.tensor import TensorType

D, N, FRAMES = 4, 3, 10_000
NONE = np.int32([0])
SEQUENCES = ("u", "delta", "B", "C")
VARIANTS = {
    "int8, int16 state": ("int8", "int16", "int8"),
    "int16, int16 state": ("int16", "int16", "int16"),
    "int8, int32 state": ("int8", "int32", "int8"),
    "int16, int32 state": ("int16", "int32", "int16"),
}


def operands(dtype, state, frames=FRAMES, seed=0):
    """Memories of fast, slow and no decay; what is read stays within the result but now and then."""
    rng, width, high = np.random.default_rng(seed), WIDTHS[state], np.iinfo(dtype).max
    drawn = {name: rng.integers(-high - 1, high + 1, (1, frames, D if name == "u" else N)) for name in "uBC"}
    drawn["delta"] = np.maximum(rng.integers(-high // 8, high + 1, (1, frames, D)), -high // 16)
    values = {name: value.astype(dtype) for name, value in drawn.items()}
    each = 2.0 ** rng.uniform(-10, 1, (D, N)) / high
    each[0], each[1] = 0.0, 40.0 / high
    shift = 6
    values["rate"] = np.rint(each * 2.0 ** (24 + shift)).clip(0, 2**31 - 1).astype(np.int32)
    values["through"] = rng.uniform(-0.3, 0.3, D).astype(np.float32)
    values["lost"] = width.lost().astype(state)
    drive = width.peak / 16 / high**3
    read = np.iinfo(dtype).max / width.peak / high
    op = QuantizedSelectiveScan(shift, float(np.float32(drive)), float(np.float32(read)), state, dtype)
    return op, {name: values[name] for name in op.operands}


def types_of(op, values):
    return tuple(
        TensorType(v.shape, axis, 0 if axis is None else 1, v.dtype.name)
        for v, axis in zip(values.values(), op.window_axes, strict=True)
    )


def in_torch(op, values, h=None):
    of = {name: torch.from_numpy(value) for name, value in values.items()}
    params = cell.QuantizedScanParams(
        of["rate"].long(), of["through"], of["lost"].long(), op.shift, op.drive, op.read
    )
    formats = cell.ScanFormat(*(1.0,) * 6, op.width, op.result)
    x = ScanInput(*(of[name].long() for name in SEQUENCES))
    state = None if h is None else ScanState(torch.from_numpy(h).long()[None])
    y, last = cell.scan(params, formats, x, state)
    stepped, state = [], cell.init_state(1, params) if state is None else state
    for t in range(50):
        one, state = cell.step(params, formats, ScanInput(*(part[:, t] for part in x)), state)
        stepped.append(one)
    assert torch.equal(torch.stack(stepped, dim=1), y[:, :50])
    return y.numpy(), last.h[0].numpy()


@pytest.mark.parametrize(("dtype", "state", "result"), VARIANTS.values(), ids=VARIANTS.keys())
def test_four_implementations_give_the_same_bits_over_ten_thousand_steps(dtype, state, result, tmp_path):
    op, values = operands(dtype, state)
    (y,), (h, counted) = op.run(tuple(values.values()), (np.zeros((D, N), state), NONE))
    assert (y.dtype, h.dtype) == (result, state)
    for ours, theirs in zip((y, h), in_torch(op, values), strict=True):
        np.testing.assert_array_equal(theirs, ours)
    types = types_of(op, values)
    in_c, (h_in_c, counted_in_c) = as_in_c(op, types, tuple(values.values()), tmp_path)
    np.testing.assert_array_equal(in_c[0], y)
    np.testing.assert_array_equal(h_in_c, h)
    assert counted_in_c.tolist() == counted.tolist()
    by_name = dict(zip(op.operands, types, strict=True))
    constants = {name: value for name, value in values.items() if name not in SEQUENCES}
    for hop, n in ((1, 300), (400, FRAMES)):
        graph = operator_graph(op, {name: by_name[name] for name in SEQUENCES}, constants)
        judged = as_in_onnxruntime(graph, hop, {name: values[name][:, :n] for name in SEQUENCES})
        np.testing.assert_array_equal(judged["y"], y[:, :n])
    low, high = RESULTS[result]
    assert len(np.unique(y)) > 100
    assert 0 < ((y == low) | (y == high)).mean() < 0.5


@pytest.mark.parametrize("state", ["int16", "int32"])
def test_chunks_equal_the_whole(state):
    op, values = operands("int8", state, frames=500)
    start = (np.zeros((D, N), state), NONE)
    (y,), (h, counted) = op.run(tuple(values.values()), start)
    for chunk in (1, 3, 7):
        pieces, states = in_chunks(op, tuple(values.values()), start, chunk)
        np.testing.assert_array_equal(pieces[0], y)
        np.testing.assert_array_equal(states[0], h)
        assert states[1].tolist() == counted.tolist()


@pytest.mark.parametrize("state", ["int16", "int32"])
def test_a_decay_of_one_keeps_a_memory_for_ever(state):
    op, values = operands("int8", state)
    values = {name: np.zeros_like(v) if name in ("u", "rate") else v for name, v in values.items()}
    h = np.random.default_rng(1).integers(-32768, 32768, (D, N)).astype(state)
    _, (after, _) = op.run(tuple(values.values()), (h, NONE))
    np.testing.assert_array_equal(after, h)


@pytest.mark.parametrize("state", ["int16", "int32"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_memory_stays_at_the_ends_of_its_width(state, sign, tmp_path):
    op, values = operands("int8", state, frames=1200)
    constant = {"u": 127 * sign, "delta": 127, "B": 127, "C": 127, "rate": 0}
    values = {n: np.full_like(v, constant[n]) if n in constant else v for n, v in values.items()}
    op = QuantizedSelectiveScan(op.shift, 1e3, op.read, state, "int8")
    (y,), (h, counted) = op.run(tuple(values.values()), (np.zeros((D, N), state), NONE))
    assert set(h.ravel().tolist()) == {op.width.low if sign < 0 else op.width.high}
    assert set(y[0, -1].tolist()) == {-128 if sign < 0 else 127}
    in_c, (h_in_c, counted_in_c) = as_in_c(op, types_of(op, values), tuple(values.values()), tmp_path)
    np.testing.assert_array_equal(in_c[0], y)
    np.testing.assert_array_equal(h_in_c, h)
    assert counted_in_c.tolist() == counted.tolist()
    np.testing.assert_array_equal(in_torch(op, values)[1], h)
    assert 0 < counted[0] < 1200 * D * N


def test_operands_that_do_not_fit_are_refused():
    op, values = operands("int8", "int16")
    for name, other in (("u", np.float32), ("rate", np.int16), ("lost", np.int32)):
        wrong = {n: v.astype(other) if n == name else v for n, v in values.items()}
        with pytest.raises(GraphError, match="its operands are"):
            op.infer(types_of(op, wrong))
    with pytest.raises(GraphError, match=r"its table is \(256,\), expected \(257,\)"):
        op.infer(types_of(op, values | {"lost": values["lost"][1:]}))
