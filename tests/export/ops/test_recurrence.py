"""LSTM, GRU and RNN: torch's numbers, C to the last bit, state carried in chunks, and what cannot stream."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from edgeeeg_export import reference
from edgeeeg_export.contract import by_step
from edgeeeg_export.errors import GraphError, UnsupportedOperator
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.lowering import lower
from edgeeeg_export.ops.lstm import Lstm
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets.c_function import emit_function
from edgeeeg_export.targets.native_function import NativeFunctions
from edgeeeg_export.targets.onnx_run import run_steps
from edgeeeg_export.tensor import TensorType

WIDTH, HIDDEN, STEPS = 3, 5, 21
GATES = {"LSTM": ("i", "o", "f", "c"), "GRU": ("z", "r", "h"), "RNN": ("h",)}
TORCH_ORDER = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}
"""Where torch keeps the gates that ONNX orders as above."""


def draw(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-0.8, 0.8, shape).astype(np.float32)


def parameters(kind, direction, batch, layout=0):
    """Weights by name, seeded, and an initial state."""
    d, rows = 2 if direction == "bidirectional" else 1, len(GATES[kind]) * HIDDEN
    state = (d, batch, HIDDEN) if layout == 0 else (batch, d, HIDDEN)
    values = {
        "W": draw(d, rows, WIDTH, seed=1),
        "R": draw(d, rows, HIDDEN, seed=2),
        "B": draw(d, 2 * rows, seed=3),
        "h0": draw(*state, seed=4),
    }
    return values | ({"c0": draw(*state, seed=5)} if kind == "LSTM" else {})


def model(kind, shape, outputs, values, direction="forward", omitted=(), **attributes):
    names = ["W", "R", "B", "", "h0", "c0"]
    inputs = ["x", *(name if name in values and name not in omitted else "" for name in names)]
    graph = helper.make_graph(
        [
            helper.make_node(
                kind, inputs, list(outputs), hidden_size=HIDDEN, direction=direction, **attributes
            )
        ],
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs if name],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)


def in_torch(kind, values, x):
    """Output and final state of torch's layer on (steps, batch, inputs)."""
    d = values["W"].shape[0]
    layer = getattr(torch.nn, kind)(WIDTH, HIDDEN, bidirectional=d == 2)

    def reordered(value):
        gates = np.split(value, len(GATES[kind]))
        return torch.from_numpy(np.concatenate([gates[k] for k in np.argsort(TORCH_ORDER[kind])]))

    for k, suffix in enumerate(("l0", "l0_reverse")[:d]):
        bias_x, bias_h = np.split(values["B"][k], 2)
        for name, value in (
            ("weight_ih", values["W"][k]),
            ("weight_hh", values["R"][k]),
            ("bias_ih", bias_x),
            ("bias_hh", bias_h),
        ):
            getattr(layer, f"{name}_{suffix}").data = reordered(value)
    start = tuple(torch.from_numpy(values[name]) for name in ("h0", "c0") if name in values)
    with torch.no_grad():
        y, final = layer(torch.from_numpy(x), start if kind == "LSTM" else start[0])
    finals = final if kind == "LSTM" else (final,)
    # torch joins the directions in the last axis
    return [y.numpy().reshape(*x.shape[:2], d, HIDDEN).transpose(0, 2, 1, 3), *(v.numpy() for v in finals)]


def attributes(kind):
    return {"linear_before_reset": 1} if kind == "GRU" else {}


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
@pytest.mark.parametrize("layout", [0, 1])
def test_torch_numpy_and_c_agree(kind, direction, layout, tmp_path):
    values, x = parameters(kind, direction, 2), draw(STEPS, 2, WIDTH)
    expected = in_torch(kind, values, x)
    outputs = ("y", "h", "c")[: len(expected)]
    if layout == 1:
        values = parameters(kind, direction, 2, layout=1)
        values |= {
            k: np.ascontiguousarray(v.transpose(1, 0, 2))
            for k, v in parameters(kind, direction, 2).items()
            if k in ("h0", "c0")
        }
        x = np.ascontiguousarray(x.transpose(1, 0, 2))
        expected = [expected[0].transpose(2, 0, 1, 3), *(v.transpose(1, 0, 2) for v in expected[1:])]
    proto = model(kind, x.shape, outputs, values, direction, layout=layout, **attributes(kind))
    graph = import_onnx(proto, "layer", streaming=False)
    truth = reference.run(graph, {"x": x}).tensors
    in_c = NativeFunctions([emit_function(graph)], tmp_path).run("layer", {"x": x})
    for name, theirs in zip(outputs, expected, strict=True):
        assert truth[name].shape == theirs.shape
        np.testing.assert_allclose(truth[name], theirs, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(in_c[name].view(np.uint32), truth[name].view(np.uint32))


@pytest.mark.parametrize("kind", GATES)
def test_a_reverse_layer_is_a_forward_one_on_reversed_steps(kind):
    values, x = parameters(kind, "forward", 2), draw(STEPS, 2, WIDTH)
    y = [
        reference.run(
            import_onnx(model(kind, x.shape, ("y",), values, direction), "layer", streaming=False),
            {"x": data},
        ).tensors["y"]
        for direction, data in (("reverse", x), ("forward", np.ascontiguousarray(x[::-1])))
    ]
    np.testing.assert_array_equal(y[0], y[1][::-1])


def over_time(kind, outputs=("y",), direction="forward", omitted=()):
    """The layer behind an input (1, channels, time)."""
    proto = model(kind, (STEPS, 1, WIDTH), outputs, parameters(kind, direction, 1), direction, omitted)
    proto.graph.input[0].CopyFrom(helper.make_tensor_value_info("eeg", TensorProto.FLOAT, [1, WIDTH, STEPS]))
    proto.graph.node.insert(0, helper.make_node("Transpose", ["eeg"], ["x"], perm=[2, 0, 1]))
    return proto


def streaming(kind, **options):
    return import_onnx(over_time(kind, **options), "layer")


@pytest.mark.parametrize("kind", GATES)
def test_the_state_goes_from_call_to_call(kind):
    graph = streaming(kind)
    eeg = draw(1, WIDTH, STEPS)
    truth = reference.run(graph, {"eeg": eeg}).tensors["y"]
    step = stream(graph)
    for chunk in (1, 3, 7, STEPS):
        states, pieces = None, []
        for start in range(0, STEPS, chunk):
            result = reference.run(step, {"eeg": eeg[:, :, start : start + chunk]}, states)
            states = result.states
            pieces.append(result.tensors["y"])
        np.testing.assert_array_equal(np.concatenate(pieces).view(np.uint32), truth.view(np.uint32))


@pytest.mark.parametrize(
    ("layout", "perm", "direction"),
    [(1, (0, 2, 1), "forward"), (0, (1, 2, 0), "bidirectional"), (1, (2, 1, 0), "bidirectional")],
    ids=["batch first", "over electrodes", "over electrodes, batch first"],
)
def test_any_axis_may_be_time_and_streams(layout, perm, direction, counts, as_input, native):
    """Steps over time carry state; steps over five electrodes, both ways, are done within each frame."""
    width, batch = (5, 1) if direction == "forward" else (1, STEPS)
    for name in ("LSTM", "GRU"):
        values = parameters(name, direction, batch, layout)
        values = {key: value for key, value in values.items() if key not in ("h0", "c0")}
        values["W"] = draw(*values["W"].shape[:2], width, seed=6)
        proto = model(name, (1,), ("y",), values, direction, layout=layout, **attributes(name))
        proto.graph.input[0].CopyFrom(helper.make_tensor_value_info("eeg", TensorProto.FLOAT, [1, 5, STEPS]))
        proto.graph.node.insert(0, helper.make_node("Transpose", ["eeg"], ["x"], perm=list(perm)))
        graph = import_onnx(proto, "layer")
        samples = counts(STEPS, 5)
        truth = reference.run(graph, {"eeg": as_input(samples)}).tensors["y"]
        step = stream(graph, 3)
        axis = step.tensors["y"].time_axis
        in_c = native(step).push(samples)
        np.testing.assert_array_equal(in_c.view(np.uint32), by_step(truth, axis, 3).view(np.uint32))
        in_onnxruntime = run_steps(step, {"eeg": as_input(samples)})["y"]
        np.testing.assert_allclose(in_onnxruntime, truth, rtol=1e-5, atol=1e-5)


def test_states_are_named_and_start_where_the_model_says():
    values = parameters("LSTM", "forward", 1)
    h, c = stream(streaming("LSTM")).all_states()
    assert [h.name.rpartition(".")[2], c.name.rpartition(".")[2]] == ["h", "c"]
    np.testing.assert_array_equal(h.start(), values["h0"][0])
    np.testing.assert_array_equal(c.start(), values["c0"][0])
    zero, c = stream(streaming("LSTM", omitted=("h0",))).all_states()
    np.testing.assert_array_equal(zero.start(), np.zeros((1, HIDDEN)))
    np.testing.assert_array_equal(c.start(), values["c0"][0])


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("semantics", ["continuous", "windowed"])
def test_a_backward_direction_reads_windows(kind, semantics, windows_as_alone):
    proto = over_time(kind, direction="bidirectional")
    lowered = windows_as_alone(proto, 4, semantics, n_windows=3)
    assert lowered.window == STEPS
    (layer,) = (node for node in lowered.captured.nodes if node.op.kind == kind.capitalize())
    along_time = tuple(lowered.captured.tensors[name] for name in layer.inputs[1:])
    reason = layer.op.core.obstacle((TensorType((STEPS, 1, WIDTH), 0, 1), *along_time))
    assert reason is not None
    assert "direction is bidirectional" in reason


@pytest.mark.parametrize("kind", GATES)
def test_a_final_h_is_the_last_frame_of_a_state_that_is_carried(kind, same_everywhere, counts, as_input):
    """Continuous: the state runs on for ever, and h is what it is at the end of every window."""
    proto = over_time(kind, outputs=("y", "h"))
    lowered = lower(proto, "layer", 5)
    assert lowered.window == STEPS
    same_everywhere(lowered.offline, lowered.step, 12)
    x = as_input(counts(60, WIDTH))
    tensors = reference.run(lowered.offline, {"eeg": x}).tensors
    h = by_step(tensors["h"], lowered.step.tensors["h"].time_axis, 1)
    y = tensors["y"].reshape(60, HIDDEN)
    assert len(h) == (60 - STEPS) // 5 + 1
    np.testing.assert_array_equal(h, y[STEPS - 1 :: 5])


@pytest.mark.parametrize(
    ("kind", "outputs", "semantics"),
    [
        ("LSTM", ("h",), "windowed"),
        ("GRU", ("y", "h"), "windowed"),
        ("LSTM", ("y", "h", "c"), "windowed"),
        ("LSTM", ("h", "c"), "continuous"),  # c has no frames to be read at, so the state is the window's
    ],
)
def test_final_states_of_windows(kind, outputs, semantics, windows_as_alone):
    names = ("y", "h", "c")[: 3 if "c" in outputs else 2]
    proto = over_time(kind, outputs=names)
    kept = [value for value in proto.graph.output if value.name in outputs]
    del proto.graph.output[:]
    proto.graph.output.extend(kept)
    windows_as_alone(proto, 4, semantics, n_windows=3)


def test_an_unread_final_state_is_left_out():
    proto = model("LSTM", (STEPS, 1, WIDTH), ("y", "h", "c"), parameters("LSTM", "forward", 1))
    del proto.graph.output[1:]
    assert import_onnx(proto, "unread", streaming=False).nodes[0].outputs == ("y",)


def test_over_another_axis_than_time_nothing_is_carried():
    """Five electrodes are the steps and time is the batch: every frame starts from the initial state."""
    op = Lstm()
    x = TensorType((5, 8, WIDTH), 1, 1)
    others = tuple(TensorType(s) for s in ((1, 4 * HIDDEN, WIDTH), (1, 4 * HIDDEN, HIDDEN), (1, 4 * HIDDEN)))
    assert op.states((x, *others)) == ()
    assert op.obstacle((x, *others)) is None
    assert op.infer((x, *others)) == (TensorType((5, 1, 8, HIDDEN), 2, 1),)
    with pytest.raises(GraphError, match="dense over the time axis"):
        op.infer((TensorType((5, 8, WIDTH), 2, 1), *others))


@pytest.mark.parametrize(
    ("changes", "fragment"),
    [
        ({"activations": ["Relu", "Tanh", "Tanh"]}, "activations must be Sigmoid, Tanh, Tanh"),
        ({"clip": 1.0}, "clip"),
        ({"input_forget": 1}, "input_forget"),
    ],
)
def test_variants_outside_the_set(changes, fragment):
    values = parameters("LSTM", "forward", 1)
    with pytest.raises(UnsupportedOperator, match=fragment):
        import_onnx(model("LSTM", (STEPS, 1, WIDTH), ("y",), values, **changes), "layer", streaming=False)
