"""Resize and TopK beside ONNX Runtime, C to the last bit, and what they refuse."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgeeeg_export import reference
from edgeeeg_export.errors import GraphError, UnsupportedOperator
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.ops.resize import Resize
from edgeeeg_export.ops.top_k import TopK
from edgeeeg_export.targets.c_function import emit_function
from edgeeeg_export.targets.native_function import NativeFunctions
from edgeeeg_export.tensor import TensorType

MODES = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric")
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def draw(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def model(op_type, shape, constants, outputs=("y",), **attributes):
    values = {f"c{k}": value for k, value in enumerate(constants) if value is not None}
    names = [f"c{k}" if f"c{k}" in values else "" for k in range(len(constants))]
    graph = helper.make_graph(
        [helper.make_node(op_type, ["x", *names], list(outputs), **attributes)],
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in outputs],
        [numpy_helper.from_array(value, key) for key, value in values.items()],
    )
    for output in graph.output:
        output.ClearField("type")
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=10)


def in_onnxruntime(proto, x):
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})


def resizes():
    """Every mode at sizes that ONNX Runtime's float32 coordinates hit exactly, up and down."""
    for mode in MODES:
        for rows, columns in ((4, 10), (8, 5), (16, 2), (8, 1)):
            common = {"coordinate_transformation_mode": mode}
            sizes = np.array([1, 2, rows, columns], dtype=np.int64)
            yield sizes, {"mode": "linear", **common}
            for rounding in ROUNDINGS:
                yield sizes, {"mode": "nearest", "nearest_mode": rounding, **common}


def test_resizing_is_onnx_runtimes_and_the_same_in_c(tmp_path):
    x = draw(1, 2, 8, 5)
    graphs = []
    for sizes, attributes in resizes():
        proto = model("Resize", x.shape, (None, None, sizes), **attributes)
        graph = import_onnx(proto, f"resize_{len(graphs)}", streaming=False)
        ours = reference.run(graph, {"x": x}).tensors["y"]
        (expected,) = in_onnxruntime(proto, x)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-6, err_msg=f"{sizes} {attributes}")
        graphs.append(graph)
    functions = NativeFunctions([emit_function(graph) for graph in graphs], tmp_path)
    for graph in graphs:
        ours = reference.run(graph, {"x": x}).tensors["y"]
        in_c = functions.run(graph.name, {"x": x})["y"]
        np.testing.assert_array_equal(in_c.view(np.uint32), ours.view(np.uint32))


def test_scales_give_the_floor_of_the_size():
    scales = np.array([1.0, 1.0, 0.6, 1.3], dtype=np.float32)
    proto = model("Resize", (1, 1, 8, 5), (None, scales), mode="linear")
    graph = import_onnx(proto, "g", streaming=False)
    assert graph.tensors["y"].shape == (1, 1, 4, 6)


def test_a_resized_axis_that_is_time_waits_for_its_window():
    op, weights = Resize(2, (0, 1), (1, 2)), TensorType((2, 2))
    assert "whole window" in op.obstacle((TensorType((1, 2, 3), 2, 1), weights))
    assert op.obstacle((TensorType((1, 2, 3), 1, 1), weights)) is None
    assert op.infer((TensorType((1, 2, 3), 1, 1), weights)) == (TensorType((1, 2, 2), 1, 1),)


@pytest.mark.parametrize(
    ("attributes", "fragment"),
    [
        ({"mode": "cubic"}, "use linear or nearest"),
        ({"mode": "linear", "antialias": 1}, "AveragePool in front"),
        ({"keep_aspect_ratio_policy": "not_larger"}, "must be stretch"),
        ({"coordinate_transformation_mode": "tf_crop_and_resize"}, "coordinate mode"),
    ],
)
def test_resizing_outside_the_set(attributes, fragment):
    sizes = np.array([1, 1, 4], dtype=np.int64)
    with pytest.raises(UnsupportedOperator, match=fragment):
        import_onnx(model("Resize", (1, 1, 8), (None, None, sizes), **attributes), "g", streaming=False)


@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize(("axis", "k"), [(-1, 3), (1, 6), (0, 1), (-1, 9)])
def test_top_k_with_ties_is_onnx_runtimes_and_the_same_in_c(largest, axis, k, tmp_path):
    x = np.round(draw(2, 6, 9) * 4).astype(np.float32)  # many equal elements
    proto = model("TopK", x.shape, (np.array([k]),), ("y", "at"), axis=axis, largest=largest)
    graph = import_onnx(proto, "g", streaming=False)
    ours = reference.run(graph, {"x": x}).tensors
    in_c = NativeFunctions([emit_function(graph)], tmp_path).run("g", {"x": x})
    for name, expected in zip(("y", "at"), in_onnxruntime(proto, x), strict=True):
        np.testing.assert_array_equal(ours[name], expected.astype(np.float32))
        np.testing.assert_array_equal(in_c[name].view(np.uint32), ours[name].view(np.uint32))


@pytest.mark.parametrize("largest", [0, 1])
def test_nan_comes_last_and_zeros_keep_their_order(largest, tmp_path):
    x = np.array([[np.nan, 0.0, -0.0, 2.0, np.nan, -1.0, np.inf, 0.0]], dtype=np.float32)
    proto = model("TopK", x.shape, (np.array([8]),), ("y", "at"), largest=largest)
    graph = import_onnx(proto, "g", streaming=False)
    at = reference.run(graph, {"x": x}).tensors["at"][0].tolist()
    assert at == ([6, 3, 1, 2, 7, 5, 0, 4] if largest else [5, 1, 2, 7, 3, 6, 0, 4])
    in_c = NativeFunctions([emit_function(graph)], tmp_path).run("g", {"x": x})
    assert in_c["at"][0].tolist() == at


def test_what_cannot_be_sorted():
    op = TopK(1, 3)
    with pytest.raises(GraphError, match="more than 64 elements"):
        op.infer((TensorType((1, 65)),))
    with pytest.raises(GraphError, match="takes 3 of the 2"):
        op.infer((TensorType((1, 2)),))
    assert "one frame" in op.obstacle((TensorType((1, 8), 1, 1),))
    assert op.infer((TensorType((5, 8), 0, 1),)) == (TensorType((5, 3), 0, 1),) * 2
