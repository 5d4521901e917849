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
from edgeeeg_export.ops.max_pool import MaxPool
from edgeeeg_export.ops.quantize_linear import QuantizeLinear
from edgeeeg_export.ops.quantized_add import QuantizedAdd
from edgeeeg_export.ops.quantized_conv import QuantizedConv
from edgeeeg_export.ops.quantized_linear import QuantizedLinear
from edgeeeg_export.ops.quantized_mul import QuantizedMul
from edgeeeg_export.ops.quantized_relu import QuantizedRelu
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
        Node("in", QuantizeLinear(X_SCALE, x.dtype.name), ("x",), ("q",)),
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


@pytest.mark.parametrize("name", ["along time", "depthwise, strided, padded", "over electrodes"])
def test_a_convolution_without_a_bias_starts_from_zero(name, tmp_path):
    shape, weight_shape, op = CONVOLUTIONS[name]
    x, weight = integers(*shape), integers(*weight_shape, low=-127)
    constants = {"w": weight, "b": np.zeros(weight_shape[0], dtype=np.int32)}
    constants["m"] = RNG.uniform(0.001, 0.003, weight_shape[0]).astype(np.float32)
    with_zeros = whole(x, op, constants, tmp_path)
    del constants["b"]
    np.testing.assert_array_equal(whole(x, op, constants, tmp_path), with_zeros)


def test_dense_without_a_bias_starts_from_zero(tmp_path):
    x, weight = integers(2000, 40), integers(40, 24, low=-127)
    constants = {"w": weight, "b": np.zeros(24, dtype=np.int32)}
    constants["m"] = RNG.uniform(0.001, 0.003, 24).astype(np.float32)
    with_zeros = whole(x, QuantizedLinear(), constants, tmp_path)
    del constants["b"]
    np.testing.assert_array_equal(whole(x, QuantizedLinear(), constants, tmp_path), with_zeros)


def test_every_integer_goes_through_a_table(tmp_path):
    x = np.arange(-128, 128).astype(np.int8).reshape(1, 256)
    table = integers(256)
    np.testing.assert_array_equal(whole(x, Table(), {"t": table}, tmp_path), table[None])


def every_pair():
    every = np.arange(-128, 128).astype(np.int8)
    return np.repeat(every, 256), np.tile(every, 256)


def test_addition_rounds_half_to_even_and_saturates(tmp_path):
    left, right = every_pair()
    result = whole(left, QuantizedAdd(0.5, 0.25), {"right": right}, tmp_path)
    exact = left.astype(np.float64) * 0.5 + right * 0.25
    np.testing.assert_array_equal(result, np.clip(np.rint(exact), -128, 127))
    ties = np.abs(exact - np.trunc(exact)) == 0.5
    assert ties.sum() > 1000
    assert (result[ties] % 2 == 0).all()


def onnxruntime_of(op_type, inputs, constants=None, order=None, domain="", **attributes):
    """One operator of ONNX Runtime on named integers and constants, in the order of its operands."""
    constants = constants or {}
    order = order or (*inputs, *constants)
    graph = helper.make_graph(
        [helper.make_node(op_type, list(order), ["y"], domain=domain, **attributes)],
        "judge",
        [helper.make_tensor_value_info(name, TensorProto.INT8, x.shape) for name, x in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.INT8, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, dict(inputs))[0]


@pytest.mark.parametrize("multiplier", [2.0**-7, 0.013, 0.31])
def test_a_product_is_exact_and_rounded_once(multiplier, tmp_path):
    left, right = every_pair()
    result = whole(left, QuantizedMul(float(np.float32(multiplier))), {"right": right}, tmp_path)
    exact = left.astype(np.float64) * right * np.float64(np.float32(multiplier))
    np.testing.assert_array_equal(result, np.clip(np.rint(exact.astype(np.float32)), -128, 127))
    if multiplier == 2.0**-7:
        ties = np.abs(exact - np.trunc(exact)) == 0.5
        assert ties.sum() > 400
        assert (result[ties] % 2 == 0).all()


def test_a_product_is_onnxruntimes_in_every_value(tmp_path):
    left, right = every_pair()
    scales = dict(zip(("as", "bs", "ys"), np.float32([X_SCALE, 0.017, Y_SCALE]), strict=True))
    multiplier = scales["as"] * scales["bs"] / scales["ys"]
    result = whole(left, QuantizedMul(float(multiplier)), {"right": right}, tmp_path)
    order = ("a", "as", "z", "b", "bs", "z", "ys", "z")
    judged = onnxruntime_of(
        "QLinearMul", {"a": left, "b": right}, scales | {"z": np.int8(0)}, order, domain="com.microsoft"
    )
    np.testing.assert_array_equal(result, judged)


def test_a_rectifier_is_onnxruntimes_in_every_value(tmp_path):
    x = integers(3, 400)
    result = whole(x, QuantizedRelu(), {}, tmp_path)
    np.testing.assert_array_equal(result, onnxruntime_of("Relu", {"x": x}))
    assert result.min() == 0
    assert result.max() == 127


POOLS = {
    "along time": MaxPool((3,), (2,), (1,), (1, 1)),
    "padded on one side, dilated": MaxPool((4,), (1,), (3,), (3, 0)),
    "cropped": MaxPool((2,), (2,), (1,), (-3, -2)),
}


@pytest.mark.parametrize("pool", POOLS)
def test_a_maximum_is_onnxruntimes_in_every_value(pool, tmp_path):
    op, x = POOLS[pool], integers(1, 5, 600)
    low = np.full((1, 5, 600), -128, dtype=np.int8)  # what is padded must not be above it
    for values in (x, low):
        result = whole(values, op, {}, tmp_path)
        before, after = (max(pad, 0) for pad in op.pads)
        kept = np.ascontiguousarray(values[:, :, max(-op.pads[0], 0) : 600 - max(-op.pads[1], 0)])
        judged = onnxruntime_of(
            "MaxPool",
            {"x": kept},
            kernel_shape=list(op.kernel),
            strides=list(op.strides),
            dilations=list(op.dilations),
            pads=[before, after],
        )
        np.testing.assert_array_equal(result, judged)


def test_half_a_step_rounds_to_even_and_the_ends_saturate():
    values = np.float32([0.5, 1.5, -0.5, -2.5, 127.4, 127.6, 1e9, -128.6, -1e9])
    expected = [0, 2, 0, -2, 127, 127, 127, -128, -128]
    np.testing.assert_array_equal(quantmath.quantize(values, np.float32(1.0)), expected)


def test_operands_of_another_type_are_refused():
    floats = {"w": np.zeros((2, 3, 1), np.float32), "b": np.zeros(2, np.int32), "m": np.ones(2, np.float32)}
    inputs = {"x": TensorType((1, 3, 8), dtype="int8")}
    with pytest.raises(GraphError, match="constants are"):
        Graph("g", inputs, ("y",), (Node("n", QuantizedConv(), ("x", *floats), ("y",)),), floats)
