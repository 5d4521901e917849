"""What cannot run along time reads windows of what can: every window is that of the model on it alone."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from edgeeeg_export.errors import GraphError, NotCausal, UnsupportedOperator
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.lowering import lower
from edgeeeg_export.ops import DOMAIN
from edgeeeg_export.ops.apart import Apart
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.ops.windows import Windows
from edgeeeg_export.passes.stream import obstacles

HOP = 8


def node(op_type, inputs, outputs=("y",), domain="", **attributes):
    return helper.make_node(op_type, list(inputs), list(outputs), domain=domain, name="", **attributes)


def draw(*shape):
    return np.random.default_rng(5).uniform(-1, 1, shape).astype(np.float32)


def i64(*values):
    return np.array(values, dtype=np.int64)


WAITS = {
    "dense over time": (node("MatMul", ["x", "w"]), {"w": draw(32, 4)}),
    "dense over time to a number": (node("MatMul", ["x", "w"]), {"w": draw(32)}),
    "batched dense over time": (node("MatMul", ["x", "w"]), {"w": draw(1, 32, 2)}),
    "mean over time": (node("ReduceMean", ["x", "a"]), {"a": i64(2)}),
    "mean over time without its axis": (node("ReduceMean", ["x", "a"], keepdims=0), {"a": i64(2)}),
    "mean over everything": (node("ReduceMean", ["x"]), {}),
    "global average": (node("GlobalAveragePool", ["x"]), {}),
    "softmax over time": (node("Softmax", ["x"], axis=2), {}),
    "softmax over the last axis": (node("Softmax", ["x"], axis=-1), {}),
    "place of the maximum": (node("ArgMax", ["x"], axis=2), {}),
    "layer norm over all": (node("LayerNormalization", ["x", "g"], axis=1), {"g": draw(3, 32)}),
    "instance norm": (node("InstanceNormalization", ["x", "g", "g"]), {"g": draw(3)}),
    "group norm": (node("GroupNormalization", ["x", "g", "g"], num_groups=3), {"g": draw(3)}),
    "RMS norm": (node("RMSNormalization", ["x", "g"]), {"g": draw(32)}),
    "sum from the end": (node("CumSum", ["x", "a"], reverse=1), {"a": i64(2)[0]}),
    "flatten": (node("Flatten", ["x"]), {}),
    "reshape of time and channels": (node("Reshape", ["x", "s"]), {"s": i64(1, 32, 3)}),
    "repeated in time": (node("Tile", ["x", "r"]), {"r": i64(1, 1, 2)}),
    "twice behind another": (node("Concat", ["x", "x"], axis=2), {}),
    "a constant channel": (node("Concat", ["x", "w"], axis=1), {"w": draw(1, 1, 32)}),
    "another number for each frame": (node("Add", ["x", "w"]), {"w": draw(32)}),
    "the last frame": (node("Gather", ["x", "i"], axis=2), {"i": np.int64(-1)}),
    "every second frame": (
        node("Slice", ["x", "f", "t", "a", "s"]),
        {"f": i64(1), "t": i64(31), "a": i64(2), "s": i64(2)},
    ),
    "reflected edges": (node("Pad", ["x", "p"], mode="reflect"), {"p": i64(0, 0, 3, 0, 0, 2)}),
    "a last window that is not full": (
        node("MaxPool", ["x"], kernel_shape=[3], strides=[2], ceil_mode=1),
        {},
    ),
    "means of fewer frames at the ends": (
        node("AveragePool", ["x"], kernel_shape=[5], pads=[2, 2]),
        {},
    ),
}


@pytest.mark.parametrize("name", WAITS)
def test_what_needs_its_whole_window_runs_on_windows(onnx_model, windows_as_alone, name):
    waits, weights = WAITS[name]
    lowered = windows_as_alone(onnx_model([waits], weights, opset=23), HOP, n_windows=3, atol=1e-5)
    assert lowered.window == 32
    assert lowered.hop == HOP
    assert lowered.step.timing.delay == 3  # the steps that a first whole window takes
    assert lowered.step.timing.flush == 0


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("a last window that is not full", "a stream has no end"),
        ("means of fewer frames at the ends", "set count_include_pad"),
        ("reflected edges", "pad with zeros"),
        ("softmax over time", "over channels or classes"),
        ("place of the maximum", "over channels or classes"),
        ("mean over time", "use a recurrent layer"),
        ("layer norm over all", "normalize over channels"),
        ("instance norm", "BatchNorm1d"),
        ("sum from the end", "from the end of the recording"),
    ],
)
def test_what_waits_says_why(onnx_model, name, fragment):
    """The reason that makes the importer give it windows; along time, such an operator is refused with it."""
    waits, weights = WAITS[name]
    graph = import_onnx(onnx_model([waits], weights, opset=23), "m")
    (windows, *layers) = graph.nodes
    assert isinstance(windows.op, Windows)
    along_time = (graph.inputs["x"],)
    reasons = [layer.op.obstacle(along_time) for layer in layers if layer.inputs == windows.outputs]
    assert any(reason is not None and fragment in reason for reason in reasons)


def test_layers_along_time_stay_there_in_front_of_windows(onnx_model, windows_as_alone):
    """A convolution runs once for every frame; the dense layer behind it reads windows of its result."""
    layers = [
        node("Conv", ["x", "k"], ["c"], kernel_shape=[3], strides=[2]),
        node("Relu", ["c"], ["r"]),
        node("Flatten", ["r"], ["f"]),
        node("Gemm", ["f", "w", "b"]),
    ]
    weights = {"k": draw(4, 3, 3), "w": draw(4 * 15, 2), "b": draw(2)}
    lowered = windows_as_alone(onnx_model(layers, weights), HOP)
    conv = next(n for n in lowered.step.nodes if n.op.kind == "Conv")
    assert lowered.step.tensors[conv.outputs[0]].frames == HOP // 2
    assert lowered.step.tensors["y"].shape == (1, 2)


def test_branches_at_different_frame_rates_meet_in_a_window(onnx_model, windows_as_alone):
    strided = node("Conv", ["x", "w"], ["s"], strides=[32])
    layers = [strided, node("Add", ["s", "x"])]
    windows_as_alone(onnx_model(layers, {"w": draw(3, 3, 1)}), 32, n_windows=3)


def test_a_window_made_once_is_read_by_all(onnx_model):
    layers = [
        node("ReduceMean", ["x"], ["m"], axes=[2]),
        node("ReduceMax", ["x"], ["n"], axes=[2]),
        node("Add", ["m", "n"]),
    ]
    graph = import_onnx(onnx_model(layers, opset=17), "m")
    assert sum(isinstance(n.op, Windows) for n in graph.nodes) == 1
    assert not any(isinstance(n.op, Apart) for n in graph.nodes)


def test_what_leaves_the_batch_alone_takes_windows_as_its_batch(onnx_model):
    graph = import_onnx(onnx_model([node("Softmax", ["x"], axis=2)]), "m")
    assert [n.op.kind for n in graph.nodes] == ["Windows", "Softmax"]
    assert graph.tensors["y"].shape == (1, 3, 32)
    assert graph.tensors["y"].time_axis == 0


def test_what_merges_the_batch_runs_on_each_window_apart(onnx_model):
    graph = import_onnx(onnx_model([node("Reshape", ["x", "s"])], {"s": i64(96)}), "m")
    assert [type(n.op) for n in graph.nodes] == [Windows, Apart, PerWindow]
    assert graph.tensors["y"].shape == (1, 96)


@pytest.mark.parametrize("shape", [(3, 32), (32, 3)])
def test_a_squeezed_batch_still_has_windows(onnx_model, windows_as_alone, shape):
    layers = [node("Squeeze", ["x", "zero"], ["s"])]
    if shape[0] == 32:
        layers.append(node("Transpose", ["s"], ["t"], perm=[1, 0]))
    layers += [
        node("Softmax", [layers[-1].output[0]], ["p"], axis=shape.index(32)),
        node("Unsqueeze", ["p", "zero"]),
    ]
    windows_as_alone(onnx_model(layers, {"zero": i64(0)}), HOP, n_windows=3)


def test_windowed_semantics_give_every_output_a_window(onnx_model, windows_as_alone):
    """And a layer with a state begins anew in each."""
    layers = [node("CumSum", ["x", "a"], ["c"]), node("Relu", ["x"], ["r"])]
    model = onnx_model(layers, {"a": i64(2)[0]}, outputs=("c", "r"))
    lowered = windows_as_alone(model, HOP, "windowed", n_windows=4)
    assert lowered.step.tensors["c"].shape == (1, 3, 32)
    assert lowered.step.tensors["r"].shape == (1, 3, 32)
    carried = lower(model, "m", HOP)
    assert carried.window is None
    assert carried.step.tensors["c"].shape == (1, 3, HOP)


@pytest.mark.parametrize("semantics", ["continuous", "windowed"])
def test_a_hop_must_be_whole_frames_of_what_the_windows_are_of(onnx_model, semantics):
    layers = [node("Conv", ["x", "k"], ["c"], strides=[4]), node("ReduceMean", ["c"], axes=[2])]
    model = onnx_model(layers, {"k": draw(4, 3, 4)}, opset=17)
    with pytest.raises(NotCausal, match="a hop of 6 samples splits a frame; use a multiple of 4"):
        lower(model, "m", 6, semantics)
    assert lower(model, "m", None, semantics).hop == 4  # an eighth of the window
    assert lower(model, "m", 12, semantics).hop == 12


def test_what_is_outside_the_set_is_so_on_windows_too(onnx_model):
    bad = node("Reshape", ["x", "s"])
    with pytest.raises(GraphError, match=r"'y' \(Reshape\): .* does not fit"):
        import_onnx(onnx_model([bad], {"s": i64(7, -1)}), "m")
    spiking = node("Lif", ["x", "b", "b"], domain=DOMAIN, reset="soft")
    with pytest.raises(UnsupportedOperator, match="reset='soft' is not defined"):
        import_onnx(onnx_model([spiking], {"b": draw(32)}), "m")


def test_nothing_stands_in_the_way_of_an_imported_graph(onnx_model):
    for waits, weights in WAITS.values():
        assert obstacles(import_onnx(onnx_model([waits], weights, opset=23), "m")) == ()


@pytest.mark.parametrize("semantics", ["continuous", "windowed"])
def test_an_output_along_time_beside_one_of_windows(onnx_model, same_everywhere, semantics):
    """Both come with the same step: along time, a hop of frames from where the window begins."""
    layers = [
        node("Conv", ["x", "k"], ["c"], pads=[1, 1]),
        node("Sigmoid", ["c"], ["frames"]),
        node("ReduceMax", ["c"], ["loudest"], axes=[2], keepdims=0),
    ]
    model = onnx_model(layers, {"k": draw(2, 3, 3)}, outputs=("frames", "loudest"), opset=17)
    lowered = lower(model, "m", HOP, semantics)
    along = 32 if semantics == "windowed" else HOP
    assert lowered.step.tensors["frames"].shape == (1, 2, along)
    assert lowered.step.tensors["loudest"].shape == (1, 2)
    same_everywhere(lowered.offline, lowered.step, 9)
