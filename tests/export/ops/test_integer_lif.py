"""Integer LIF neurons: torch, NumPy, C and ONNX Runtime give the same spikes and membranes in every bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from integer_cells import as_in_c, as_in_onnxruntime, in_chunks, operator_graph

from edgeeeg.cells import quantized_lif
from edgeeeg.cells.firing import Firing
from edgeeeg.cells.state_width import WIDTHS
from edgeeeg_export.errors import GraphError
from edgeeeg_export.ops.firing import FIRES, RESETS
from edgeeeg_export.ops.quantized_lif import QuantizedLif
from edgeeeg_export.tensor import TensorType

N, FRAMES = 12, 10_000
VARIANTS = [(reset, delay, fires) for reset in RESETS for delay in (True, False) for fires in FIRES]
NONE = np.int32([0])


def at_rest(n, state):
    """Membranes at rest, and nothing counted."""
    return np.zeros(n, state), NONE


def neurons(state, dtype, seed=0):
    """Operands of neurons that fire now and then; the last three have a decay of 1, of 0 and no threshold."""
    rng = np.random.default_rng(seed)
    unit, one = {"int16": (4096, 1 << 15), "int32": (1 << 20, 1 << 30)}[state]
    decay = np.rint(rng.uniform(0.5, 1.0, N) * one).astype(np.int32)
    threshold = np.rint(rng.uniform(0.5, 1.5, N) * unit).astype(np.int32)
    decay[-3:], threshold[-3:] = (one, 0, one), (unit, unit, 0)
    x = rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max + 1, (1, FRAMES, N)).astype(dtype)
    multiplier = float(np.float32(unit / np.iinfo(dtype).max))
    return x, decay, threshold, multiplier


@pytest.mark.parametrize(("dtype", "state"), [("int8", "int16"), ("int16", "int32")])
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_four_implementations_give_the_same_bits_over_ten_thousand_steps(variant, dtype, state, tmp_path):
    x, decay, threshold, multiplier = neurons(state, dtype)
    op = QuantizedLif(multiplier, state, *variant)
    (spikes,), (mem, counted) = op.run((x, decay, threshold), at_rest(N, state))
    params = quantized_lif.QuantizedLifParams(
        torch.from_numpy(decay).long(), torch.from_numpy(threshold).long(), multiplier
    )
    in_torch, last = quantized_lif.scan(params, op.width, torch.from_numpy(x).long(), firing=Firing(*variant))
    np.testing.assert_array_equal(in_torch.numpy(), spikes)
    np.testing.assert_array_equal(last.mem[0].numpy(), mem)
    types = (TensorType(x.shape, 1, 1, dtype), *(TensorType((N,), dtype="int32"),) * 2)
    in_c, (mem_in_c, counted_in_c) = as_in_c(op, types, (x, decay, threshold), tmp_path)
    np.testing.assert_array_equal(in_c[0], spikes)
    np.testing.assert_array_equal(mem_in_c, mem)
    assert counted_in_c.tolist() == counted.tolist()
    graph = operator_graph(op, {"x": types[0]}, {"decay": decay, "threshold": threshold})
    for hop in (1, 400):
        n = 300 if hop == 1 else FRAMES
        judged = as_in_onnxruntime(graph, hop, {"x": x[:, :n]})
        np.testing.assert_array_equal(judged["spikes"], spikes[:, :n])
    assert 0.01 < spikes.mean() < 0.99


@pytest.mark.parametrize("state", ["int16", "int32"])
def test_chunks_equal_the_whole(state):
    x, decay, threshold, multiplier = neurons(state, "int8")
    op = QuantizedLif(multiplier, state)
    whole = op.run((x, decay, threshold), at_rest(N, state))
    for chunk in (1, 3, 7):
        pieces, states = in_chunks(op, (x[:, :700], decay, threshold), at_rest(N, state), chunk)
        np.testing.assert_array_equal(pieces[0], whole[0][0][:, :700])
        assert [part.dtype for part in states] == [state, "int32"]


@pytest.mark.parametrize("state", ["int16", "int32"])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("reset", ["none", "subtract"])
def test_a_membrane_stays_at_the_ends_of_its_width(state, sign, reset, tmp_path):
    x, width = np.full((1, 1200, 1), 127 * sign, dtype=np.int8), WIDTHS[state]
    decay, threshold = np.int32([width.one]), np.int32([-sign * width.high])  # a reset pushes outwards
    op = QuantizedLif(1e6, state, reset)
    _, (mem, counted) = op.run((x, decay, threshold), at_rest(1, state))
    assert mem.tolist() == [width.low if sign < 0 else width.high]
    types = (TensorType(x.shape, 1, 1, "int8"), *(TensorType((1,), dtype="int32"),) * 2)
    _, (in_c, counted_in_c) = as_in_c(op, types, (x, decay, threshold), tmp_path)
    np.testing.assert_array_equal(in_c, mem)
    assert counted_in_c.tolist() == counted.tolist()
    assert 0 < counted[0] <= 1200
    params = quantized_lif.QuantizedLifParams(
        torch.from_numpy(decay).long(), torch.from_numpy(threshold).long(), 1e6
    )
    _, last = quantized_lif.scan(params, width, torch.from_numpy(x).long(), firing=Firing(reset))
    assert last.mem.tolist() == [mem.tolist()]


@pytest.mark.parametrize("value", [1, -1, 12345, -32768])
def test_a_decay_of_one_keeps_a_membrane_for_ever(value):
    op = QuantizedLif(1.0, reset="none")
    silence = np.zeros((1, 10_000, 1), np.int8)
    _, (mem, _) = op.run((silence, np.int32([1 << 15]), np.int32([32767])), (np.int16([value]), NONE))
    assert mem.tolist() == [value]


def test_a_slow_decay_stops_where_a_step_loses_less_than_half_a_unit():
    """The dead band: v (1 - beta) < 1/2; with a decay of 0.999 that is 500 steps."""
    op = QuantizedLif(1.0, reset="none")
    decay = np.rint(np.float64([0.999]) * 32768).astype(np.int32)
    silence = np.zeros((1, 20_000, 1), np.int8)
    _, (mem, _) = op.run((silence, decay, np.int32([32767])), (np.int16([20_000]), NONE))
    loss = 1 - decay[0] / 32768
    assert mem[0] == int(0.5 / loss)


def test_operands_that_do_not_fit_are_refused():
    with pytest.raises(GraphError, match="its operands are"):
        QuantizedLif(1.0).infer((TensorType((1, 4, 3), 1, 1), *(TensorType((3,), dtype="int32"),) * 2))
    with pytest.raises(GraphError, match=r"threshold has shape \(2,\), expected \(3,\)"):
        QuantizedLif(1.0).infer(
            (
                TensorType((1, 4, 3), 1, 1, "int8"),
                TensorType((3,), dtype="int32"),
                TensorType((2,), dtype="int32"),
            )
        )
