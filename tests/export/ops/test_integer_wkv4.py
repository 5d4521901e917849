"""Integer WKV-4: torch, NumPy, C and ONNX Runtime give the same integers in every bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from integer_cells import as_in_c, as_in_onnxruntime, in_chunks, operator_graph

from edgeeeg.cells import quantized_wkv4 as cell
from edgeeeg.cells.state_width import RESULTS, WIDTHS
from edgeeeg.cells.wkv4 import Wkv4Input
from edgeeeg_export.errors import GraphError
from edgeeeg_export.ops.quantized_wkv4 import QuantizedWkv4
from edgeeeg_export.tensor import TensorType

D, FRAMES = 8, 10_000
SEQUENCES = ("k", "v")
VARIANTS = {
    "int8, int16 state": ("int8", "int16", "int8", 20),
    "int16, int16 state": ("int16", "int16", "int16", 24),
    "int8, int32 state": ("int8", "int32", "int8", 24),
    "int16, int32 state": ("int16", "int32", "int16", 20),
}


def operands(dtype, state, frames=FRAMES, fraction=20, seed=0):
    """Pasts that fade in one frame, in thousands, and never; sums that saturate at times."""
    rng, width, high = np.random.default_rng(seed), WIDTHS[state], np.iinfo(dtype).max
    k, v = (rng.integers(-high - 1, high + 1, (1, frames, D)).astype(dtype) for _ in range(2))
    w = np.rint(2.0 ** rng.uniform(-10, 3, D) * 2**fraction).astype(np.int32)
    w[0] = 0
    u = np.rint(rng.uniform(-3, 3, D) * 2**fraction).astype(np.int32)
    shift = 8
    weights = width.peak / 40
    op = QuantizedWkv4(
        round(6 / high * 2 ** (fraction + shift)),
        shift,
        fraction,
        float(np.float32(weights / high / width.one)),
        float(np.float32(weights / width.one)),
        float(np.float32(1.5 * high)),
        state,
        dtype,
    )
    return op, {"k": k, "v": v, "w": w, "u": u, "lost": width.lost().astype(state)}


def types_of(op, values):
    return tuple(
        TensorType(v.shape, axis, 0 if axis is None else 1, v.dtype.name)
        for v, axis in zip(values.values(), op.window_axes, strict=True)
    )


def initial(op, values):
    return tuple(state.start() for state in op.states(types_of(op, values)))


def in_torch(op, values):
    of = {name: torch.from_numpy(value).long() for name, value in values.items()}
    params = cell.QuantizedWkv4Params(
        of["w"], of["u"], of["lost"], op.key, op.shift, op.fraction, op.value, op.unit, op.read
    )
    formats = cell.Wkv4Format(*(1.0,) * 5, op.width, result=op.result)
    y, last = cell.scan(params, formats, Wkv4Input(of["k"], of["v"]))
    return y.numpy(), tuple(part[0].numpy() for part in last)


@pytest.mark.parametrize(("dtype", "state", "result", "fraction"), VARIANTS.values(), ids=VARIANTS.keys())
def test_four_implementations_give_the_same_bits_over_ten_thousand_steps(
    dtype, state, result, fraction, tmp_path
):
    op, values = operands(dtype, state, fraction=fraction)
    (y,), states = op.run(tuple(values.values()), initial(op, values))
    assert (y.dtype, *(s.dtype for s in states)) == (result, state, state, "int32", "int8", "int32")
    in_tensors, last = in_torch(op, values)
    np.testing.assert_array_equal(in_tensors, y)
    types = types_of(op, values)
    in_c, states_in_c = as_in_c(op, types, tuple(values.values()), tmp_path)
    np.testing.assert_array_equal(in_c[0], y)
    for ours, one, other in zip(states[:4], last, states_in_c[:4], strict=True):
        np.testing.assert_array_equal(one, ours)
        np.testing.assert_array_equal(other, ours)
    assert states_in_c[4].tolist() == states[4].tolist()
    by_name = dict(zip(op.operands, types, strict=True))
    constants = {name: value for name, value in values.items() if name not in SEQUENCES}
    graph = operator_graph(op, {name: by_name[name] for name in SEQUENCES}, constants)
    for hop, n in ((1, 300), (400, FRAMES)):
        judged = as_in_onnxruntime(graph, hop, {name: values[name][:, :n] for name in SEQUENCES})
        np.testing.assert_array_equal(judged["y"], y[:, :n])
    low, high = RESULTS[result]
    assert len(np.unique(y)) > 100
    assert 0 < ((y == low) | (y == high)).mean() < 0.5


@pytest.mark.parametrize("state", ["int16", "int32"])
def test_chunks_equal_the_whole(state):
    op, values = operands("int8", state, frames=500)
    (y,), states = op.run(tuple(values.values()), initial(op, values))
    for chunk in (1, 3, 7):
        pieces, after = in_chunks(op, tuple(values.values()), initial(op, values), chunk)
        np.testing.assert_array_equal(pieces[0], y)
        for ours, other in zip(states, after, strict=True):
            np.testing.assert_array_equal(other, ours)


@pytest.mark.parametrize("state", ["int16", "int32"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_sums_stay_at_the_ends_of_their_width(state, sign, tmp_path):
    op, values = operands("int8", state, frames=2000)
    constant = {"k": 0, "v": 127 * sign, "w": 0}
    values = {n: np.full_like(v, constant[n]) if n in constant else v for n, v in values.items()}
    (y,), states = op.run(tuple(values.values()), initial(op, values))
    if state == "int16":
        assert set(states[0].tolist()) == {op.width.low if sign < 0 else op.width.high}
        assert set(states[1].tolist()) == {op.width.high}
        assert states[4][0] > 0
    in_c, states_in_c = as_in_c(op, types_of(op, values), tuple(values.values()), tmp_path)
    np.testing.assert_array_equal(in_c[0], y)
    for ours, one, other in zip(states[:4], in_torch(op, values)[1], states_in_c[:4], strict=True):
        np.testing.assert_array_equal(one, ours)
        np.testing.assert_array_equal(other, ours)
    assert states_in_c[4].tolist() == states[4].tolist()


def test_before_the_first_frame_there_is_no_maximum():
    """An exponent far below 0 is the first frame's all the same: the mean is its value."""
    op, values = operands("int8", "int16", frames=1)
    values["k"][:] = -128
    (y,), states = op.run(tuple(values.values()), initial(op, values))
    one = np.rint(np.float32(op.unit) * op.width.one)
    exact = np.rint(values["v"][0, 0] * (op.value * op.width.one)) / one * np.float32(op.read)
    np.testing.assert_array_equal(y[0, 0], np.rint(exact).clip(-128, 127))
    assert (states[2] < 0).all()
    assert states[3].tolist() == [1]


def test_operands_that_do_not_fit_are_refused():
    op, values = operands("int8", "int16", frames=4)
    for name, other in (("k", np.float32), ("w", np.int16), ("lost", np.int32)):
        wrong = {n: v.astype(other) if n == name else v for n, v in values.items()}
        with pytest.raises(GraphError, match="its operands are"):
            op.infer(types_of(op, wrong))
    with pytest.raises(GraphError, match=r"its table is \(256,\), expected \(257,\)"):
        op.infer(types_of(op, values | {"lost": values["lost"][1:]}))
