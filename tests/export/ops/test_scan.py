"""Scan: a recurrence that no operator of ours knows, from torch and from ONNX, the same everywhere."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from edgeeeg.cells.step_loop import step_loop
from edgeeeg_export import capture, reference
from edgeeeg_export.errors import CaptureError, GraphError, UnsupportedOperator
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.lowering import lower
from edgeeeg_export.ops.scan import Scan
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets.onnx_run import run_steps

N_CHANS, N_TIMES, HIDDEN = 3, 48, 5


class Params(NamedTuple):
    """Of a neuron with a slow variable."""

    leak: Tensor  # (n,)
    coupling: Tensor  # (n,)
    mix: Tensor  # (n, n)


class State(NamedTuple):
    """Its two variables."""

    fast: Tensor  # (batch, n)
    slow: Tensor  # (batch, n)


def step(params, x, state):
    fast = torch.tanh(params.leak * state.fast + x - state.slow @ params.mix)
    slow = state.slow + params.coupling * (fast - state.slow)
    return fast * torch.sigmoid(slow), State(fast, slow)


class OwnCell(nn.Module):
    """Linear, a recurrence of the user's own, linear; (1, channels, time)."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.proj = nn.Linear(N_CHANS, HIDDEN)
        self.leak = nn.Parameter(torch.rand(HIDDEN))
        self.coupling = nn.Parameter(torch.rand(HIDDEN) / 4)
        self.mix = nn.Parameter(torch.rand(HIDDEN, HIDDEN) / 2)
        self.head = nn.Linear(HIDDEN, 2)

    def forward(self, x):
        drive = self.proj(x.transpose(1, 2))
        zero = torch.zeros(x.shape[0], HIDDEN)
        y, _ = step_loop(step, Params(self.leak, self.coupling, self.mix), drive, State(zero, zero.clone()))
        return self.head(y).transpose(1, 2)


@pytest.fixture(scope="module")
def own_cell():
    module = OwnCell().eval()
    program = capture.trace(module, N_CHANS, N_TIMES)
    return module, capture.to_onnx(program).model


def same_bits(a, b):
    np.testing.assert_array_equal(a.view(np.uint32), b.view(np.uint32))


@pytest.mark.parametrize("hop", [1, 4])
def test_a_cell_of_the_users_own_is_the_same_everywhere(own_cell, hop, counts, as_input, native):
    module, model = own_cell
    graph = import_onnx(model, "own")
    (scan,) = (node for node in graph.nodes if isinstance(node.op, Scan))
    assert [state.shape for state in graph.all_states()] == [(1, HIDDEN), (1, HIDDEN)]
    assert scan.op.macs(graph.types(scan.inputs)) == N_TIMES * HIDDEN * HIDDEN
    samples = counts(N_TIMES, N_CHANS)
    x = as_input(samples)
    (name,) = graph.outputs
    truth = reference.run(graph, {"eeg": x}).tensors[name]
    with torch.no_grad():
        np.testing.assert_allclose(truth, module(torch.from_numpy(x)).numpy(), rtol=1e-5, atol=1e-6)
    streamed = stream(graph, hop)
    pieces = [truth[:, :, t : t + hop] for t in range(0, N_TIMES, hop)]
    same_bits(native(streamed).push(samples), np.stack([np.ravel(piece) for piece in pieces]))
    np.testing.assert_allclose(run_steps(streamed, {"eeg": x})[name], truth, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("chunk", [1, 3, 7, N_TIMES])
def test_its_state_goes_from_call_to_call(own_cell, chunk, counts, as_input):
    graph = stream(import_onnx(own_cell[1], "own"))
    (name,) = graph.outputs
    x = as_input(counts(N_TIMES, N_CHANS))
    states, pieces = None, []
    for start in range(0, N_TIMES, chunk):
        result = reference.run(graph, {"eeg": x[:, :, start : start + chunk]}, states)
        states = result.states
        pieces.append(result.tensors[name])
    same_bits(np.concatenate(pieces, 2), reference.run(graph, {"eeg": x}).tensors[name])


def test_windows_begin_it_anew(own_cell, counts, as_input, native):
    windowed = lower(own_cell[1], "own", N_TIMES, "windowed")
    (name,) = windowed.captured.outputs
    assert not windowed.captured.all_states()
    samples = counts(2 * N_TIMES, N_CHANS)
    x = as_input(samples)
    windows = [
        np.ravel(reference.run(windowed.captured, {"eeg": part}).tensors[name])
        for part in (x[:, :, :N_TIMES], x[:, :, N_TIMES:])
    ]
    same_bits(native(windowed.step).push(samples), np.stack(windows))


def layer_of(step_of_cell, start=None):
    """A module around a cell whose step is given."""

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.leak = nn.Parameter(torch.full((N_CHANS,), 0.9))

        def forward(self, x):
            zero = torch.zeros(x.shape[0], N_CHANS)
            state = State(zero, zero.clone()) if start is None else start(x)
            return step_loop(step_of_cell, (self.leak,), x.transpose(1, 2), state)[0]

    return Layer().eval()


def test_the_output_may_be_the_state_itself(counts, as_input):
    def own(params, x, state):
        h = torch.tanh(params[0] * state.fast + x)
        return h, State(h, state.slow)

    module = layer_of(own)
    graph = import_onnx(capture.to_onnx(capture.trace(module, N_CHANS, N_TIMES)).model, "own")
    x = as_input(counts(N_TIMES, N_CHANS))
    with torch.no_grad():
        expected = module(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(
        reference.run(graph, {"eeg": x}).tensors[graph.outputs[0]], expected, atol=1e-6
    )


def branching(params, x, state):
    return x if x.sum() > 0 else -x, state


def changing_in_place(params, x, state):
    return state.fast.add_(x).clone(), state


def shrinking(params, x, state):
    return x.clone(), State(state.fast[:, :1], state.slow)


@pytest.mark.parametrize(
    ("step_of_cell", "reason"),
    [
        (branching, "data-dependent"),
        (changing_in_place, r"cannot trace the step \(.*mutation.*\); a step reads its params"),
        (
            shrinking,
            r"given states of shape \(1, 3\), \(1, 3\) and returns \(1, 1\), \(1, 3\); return a state",
        ),
    ],
)
def test_a_step_that_cannot_be_traced_says_why(step_of_cell, reason):
    with pytest.raises(CaptureError, match=reason):
        capture.trace(layer_of(step_of_cell), N_CHANS, N_TIMES)


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (lambda x: State(x[:, :, 0], x[:, :, 0] * 2), "is computed at run time and must be constant"),
        (lambda x: State(torch.rand(1, N_CHANS), torch.zeros(1, N_CHANS)), "draws random numbers"),
    ],
)
def test_a_state_begins_with_constants(start, reason):
    def own(params, x, state):
        h = state.fast + x
        return h, State(h, state.slow)

    model = capture.to_onnx(capture.trace(layer_of(own, start), N_CHANS, N_TIMES)).model
    with pytest.raises(UnsupportedOperator, match=reason):
        import_onnx(model, "own")


def swapping(direction=0, final=False, carried="a"):
    """Two memories that change places: next a = b, next b = x + a; y = a."""
    body = helper.make_graph(
        [
            helper.make_node("Add", ["x_t", "a"], ["sum"]),
            helper.make_node("Mul", [carried, "scale"], ["y_t"]),
        ],
        "body",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("a", "b", "x_t")],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("b", "sum", "y_t")],
        [numpy_helper.from_array(np.float32([[2.0, 0.5]]), "scale")],
    )
    scan = helper.make_node(
        "Scan",
        ["a0", "b0", "x"],
        ["a_end", "b_end", "y"],
        body=body,
        num_scan_inputs=1,
        scan_input_axes=[2],
        scan_output_axes=[-1],
        scan_input_directions=[direction],
    )
    outputs = ["y", "a_end"] if final else ["y"]
    graph = helper.make_graph(
        [scan],
        "swap",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 8])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [
            numpy_helper.from_array(np.float32([[1.0, -1.0]]), "a0"),
            numpy_helper.from_array(np.float32([[3.0, 4.0]]), "b0"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def test_memories_that_change_places_and_begin_with_values(counts, as_input, native):
    model = swapping()
    graph = import_onnx(model, "swap")
    samples = counts(8, 2)
    x = as_input(samples)
    # not ONNX Runtime's word: it loses a memory that its Scan passes on as it is
    a, b, rows = np.float32([[1.0, -1.0]]), np.float32([[3.0, 4.0]]), []
    for t in range(8):
        rows.append(a * np.float32([[2.0, 0.5]]))
        a, b = b, x[:, :, t] + a
    expected = np.stack(rows, axis=2)
    np.testing.assert_array_equal(reference.run(graph, {"x": x}).tensors["y"], expected)
    step = stream(graph, 2)
    pieces = np.stack([np.ravel(expected[:, :, t : t + 2]) for t in range(0, 8, 2)])
    np.testing.assert_array_equal(native(step).push(samples), pieces)
    np.testing.assert_array_equal(run_steps(step, {"x": x})["y"], expected)


def test_a_sequence_that_nobody_reads_compiles(counts, as_input, native):
    model = swapping()
    (scan,) = model.graph.node
    (body,) = (attribute.g for attribute in scan.attribute if attribute.name == "body")
    body.node[0].input[0] = "b"  # in place of x_t
    graph = import_onnx(model, "swap")
    samples = counts(8, 2)
    truth = reference.run(graph, {"x": as_input(samples)}).tensors["y"]
    np.testing.assert_array_equal(truth[0, :, 3], [2.0 * 7.0, 0.5 * 7.0])
    np.testing.assert_array_equal(native(stream(graph, 8)).push(samples), np.ravel(truth)[None])


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (lambda: swapping(direction=1), "walks backwards; flip its operand"),
        (lambda: swapping(final=True), "final state is that of a whole window"),
        (lambda: swapping(carried="x"), "its body reads 'x' of the graph around it, which varies"),
    ],
)
def test_what_cannot_run_says_why(model, reason):
    with pytest.raises((UnsupportedOperator, GraphError), match=reason):
        import_onnx(model(), "swap")
