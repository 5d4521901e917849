"""Integer operators: NumPy, compiled C and ONNX Runtime's own integer kernels give the same integers."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgeeeg_export import quantmath, reference
from edgeeeg_export.errors import GraphError
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.dequantize_linear import DequantizeLinear
from edgeeeg_export.ops.quantize_linear import QuantizeLinear
from edgeeeg_export.ops.quantized_add import QuantizedAdd
from edgeeeg_export.ops.quantized_conv import QuantizedConv
from edgeeeg_export.ops.quantized_linear import QuantizedLinear
from edgeeeg_export.ops.table import Table
from edgeeeg_export.targets.c_function import emit_function
from edgeeeg_export.targets.native_function import NativeFunctions
from edgeeeg_export.tensor import TensorType

RNG = np.random.default_rng(5)
X_SCALE, Y_SCALE = 0.03, 0.11


def integers(*shape, low=-128, high=128, dtype=np.int8):
    return RNG.integers(low, high, shape).astype(dtype)


def whole(x, op, constants, tmp_path):
    """An integer operator between the two doors, over all of x, in NumPy and compiled; its integers."""
    nodes = (
        Node("in", QuantizeLinear(X_SCALE), ("x",), ("q",)),
        Node("op", op, ("q", *constants), ("r",)),
        Node("out", DequantizeLinear(Y_SCALE), ("r",), ("y",)),
    )
    graph = Graph("integers", {"x": TensorType(x.shape)}, ("y",), nodes, constants)
    values = {"x": quantmath.dequantize(x, np.float32(X_SCALE))}
    run = reference.run(graph, values).tensors
    np.testing.assert_array_equal(run["q"], x)  # the door gives back what it was given
    compiled = NativeFunctions([emit_function(graph)], tmp_path).run("integers", values)["y"]
    np.testing.assert_array_equal(compiled.view(np.uint32), run["y"].view(np.uint32))
    return run["r"]


def onnxruntime_says(op_type, x, weight, weight_scale, bias, **attributes):
    """QLinearConv or QLinearMatMul of ONNX Runtime on the same integers."""
    zero = np.int8(0)
    constants = {
        "xs": np.float32(X_SCALE),
        "xz": zero,
        "w": weight,
        "ws": weight_scale,
        "wz": np.zeros_like(weight_scale, dtype=np.int8),
        "ys": np.float32(Y_SCALE),
        "yz": zero,
    }
    if bias is not None:
        constants["b"] = bias
    names = ["x", *constants]
    node = helper.make_node(op_type, names, ["y"], **attributes)
    graph = helper.make_graph(
        [node],
        "judge",
        [helper.make_tensor_value_info("x", TensorProto.INT8, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.INT8, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]


CONVOLUTIONS = {
    "along time": ((1, 6, 4000), (8, 6, 9), QuantizedConv()),
    "depthwise, strided, padded": ((1, 6, 4000), (6, 1, 12), QuantizedConv((2,), (1,), 6, (5, 3))),
    "one tap": ((1, 16, 4000), (8, 16, 1), QuantizedConv()),
    "dilated": ((1, 4, 4000), (4, 4, 5), QuantizedConv((1,), (3,), 1, (12, 0))),
    "over electrodes": ((1, 1, 8, 600), (4, 1, 8, 1), QuantizedConv((1, 1), (1, 1), 1, (0, 0, 0, 0))),
    "image": ((1, 3, 40, 40), (5, 3, 3, 3), QuantizedConv((1, 1), (1, 1), 1, (1, 1, 1, 1))),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution_is_onnxruntimes_in_every_value(name, tmp_path):
    shape, weight_shape, op = CONVOLUTIONS[name]
    x, weight = integers(*shape), integers(*weight_shape, low=-127)
    bias = integers(weight_shape[0], low=-5000, high=5000, dtype=np.int32)
    scale = RNG.uniform(0.001, 0.01, weight_shape[0]).astype(np.float32)
    multiplier = np.float32(X_SCALE) * scale / np.float32(Y_SCALE)
    constants = {"w": weight, "b": bias, "m": multiplier}
    result = whole(x, op, constants, tmp_path)
    judged = onnxruntime_says(
        "QLinearConv",
        x,
        weight,
        scale,
        bias,
        strides=list(op.strides),
        dilations=list(op.dilations),
        group=op.groups,
        pads=list(op.pads),
    )
    np.testing.assert_array_equal(result, judged)
    assert len(np.unique(result)) > 100  # not all saturated, nor all alike


def test_dense_is_onnxruntimes_in_every_value(tmp_path):
    x, weight = integers(2000, 40), integers(40, 24, low=-127)
    scale = RNG.uniform(0.001, 0.01, 24).astype(np.float32)
    multiplier = np.float32(X_SCALE) * scale / np.float32(Y_SCALE)
    constants = {"w": weight, "b": np.zeros(24, dtype=np.int32), "m": multiplier}
    result = whole(x, QuantizedLinear(), constants, tmp_path)
    np.testing.assert_array_equal(result, onnxruntime_says("QLinearMatMul", x, weight, scale, None))


def test_every_integer_goes_through_a_table(tmp_path):
    x = np.arange(-128, 128).astype(np.int8).reshape(1, 256)
    table = integers(256)
    np.testing.assert_array_equal(whole(x, Table(), {"t": table}, tmp_path), table[None])


def test_addition_rounds_half_to_even_and_saturates(tmp_path):
    left = np.repeat(np.arange(-128, 128), 256).astype(np.int8)
    right = np.tile(np.arange(-128, 128), 256).astype(np.int8)
    result = whole(left, QuantizedAdd(0.5, 0.25), {"right": right}, tmp_path)
    exact = left.astype(np.float64) * 0.5 + right * 0.25
    np.testing.assert_array_equal(result, np.clip(np.rint(exact), -128, 127))
    ties = np.abs(exact - np.trunc(exact)) == 0.5
    assert ties.sum() > 1000
    assert (result[ties] % 2 == 0).all()


def test_half_a_step_rounds_to_even_and_the_ends_saturate():
    values = np.float32([0.5, 1.5, -0.5, -2.5, 127.4, 127.6, 1e9, -128.6, -1e9])
    expected = [0, 2, 0, -2, 127, 127, 127, -128, -128]
    np.testing.assert_array_equal(quantmath.quantize(values, np.float32(1.0)), expected)


def test_operands_of_another_type_are_refused():
    floats = {"w": np.zeros((2, 3, 1), np.float32), "b": np.zeros(2, np.int32), "m": np.ones(2, np.float32)}
    inputs = {"x": TensorType((1, 3, 8), dtype="int8")}
    with pytest.raises(GraphError, match="operands are"):
        Graph("g", inputs, ("y",), (Node("n", QuantizedConv(), ("x", *floats), ("y",)),), floats)
