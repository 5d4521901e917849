"""Which integer form a layer takes, and that equal constants are kept once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeeeg_export import quantmath, reference
from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.clip import Clip
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.erf import Erf
from edgeeeg_export.ops.log import Log
from edgeeeg_export.ops.max_pool import MaxPool
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.sigmoid import Sigmoid
from edgeeeg_export.ops.softplus import Softplus
from edgeeeg_export.ops.tanh import Tanh
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.quantize import calibration
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.quantize.format import Format
from edgeeeg_export.quantize.post_training import quantize
from edgeeeg_export.quantize.quantized import Quantized
from edgeeeg_export.quantize.report import layer_reports
from edgeeeg_export.tensor import TensorType

N_CHANS, N_TIMES = 4, 60


def weights(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, shape).astype(np.float32)


CONV = Node("conv", Conv(), ("x", "w"), ("a",))
OTHER = Node("other", Conv(), ("x", "v"), ("b",))
CONSTANTS = {
    "w": weights(4, 4, 1),
    "v": weights(4, 4, 1, seed=1),
    "half": np.float32(0.5),
    "one": np.float32(1.0),
}


def chain(*layers):
    """Nodes after two convolutions `a` and `b`, the last result being the output."""
    nodes = tuple(Node(f"n{k}", op, inputs, (result,)) for k, (op, inputs, result) in enumerate(layers))
    used = {name for node in nodes for name in node.inputs}
    front = (CONV, *((OTHER,) if "b" in used else ()))
    read = used | {name for node in front for name in node.inputs}
    constants = {name: np.asarray(value) for name, value in CONSTANTS.items() if name in read}
    x = {"x": TensorType((1, N_CHANS, N_TIMES), 2, 1)}
    return Graph("g", x, (layers[-1][2],), (*front, *nodes), constants)


SIGNAL = np.random.default_rng(3).uniform(-4.0, 4.0, (1, N_CHANS, N_TIMES)).astype(np.float32)


def quantized(graph, **scales):
    seen = calibrate(stream(graph, 1), {"x": SIGNAL}, "min-max")
    seen = assign(replace(seen, tail=frozenset()), {})  # these graphs are nothing but a tail
    seen |= {name: Format("int8", scale) for name, scale in scales.items()}
    return quantize(graph, seen), seen


def kinds(graph):
    return [
        node.op.kind for node in graph.nodes if node.op.kind not in ("QuantizeLinear", "DequantizeLinear")
    ]


FUNCTIONS = {
    "silu": ((Sigmoid(), ("a",), "s"), (Mul(), ("a", "s"), "y")),
    "mish": ((Softplus(), ("a",), "s"), (Tanh(), ("s",), "t"), (Mul(), ("a", "t"), "y")),
    "gelu": (
        (Mul(), ("half", "a"), "h"),
        (Erf(), ("a",), "e"),
        (Add(), ("e", "one"), "p"),
        (Mul(), ("h", "p"), "y"),
    ),
    "clip": ((Clip(-0.5, 0.7), ("a",), "y"),),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_one_tensor_is_one_table_rounded_once(name):
    graph = chain(*FUNCTIONS[name])
    integers, formats = quantized(graph)
    assert kinds(integers) == ["QuantizedConv", "Table"]
    result = reference.run(integers, {"x": SIGNAL}).tensors
    a = quantmath.dequantize(result["a.int8"], np.float32(formats["a"].scale))
    numbers = {name: value for name, value in graph.constants.items() if name != "w"}
    behind = Graph("f", {"a": TensorType(a.shape, 2, 1)}, ("y",), graph.nodes[1:], numbers)
    exact = reference.run(behind, {"a": a}).tensors["y"]
    np.testing.assert_array_equal(result["y.int8"], quantmath.quantize(exact, np.float32(formats["y"].scale)))


def test_what_lies_between_stays_if_something_else_reads_it():
    sums = ((Add(), ("m", "b"), "n"), (Add(), ("n", "s"), "y"))
    integers, _ = quantized(chain((Sigmoid(), ("a",), "s"), (Mul(), ("a", "s"), "m"), *sums))
    assert kinds(integers) == ["QuantizedConv"] * 2 + ["Table"] * 2 + ["QuantizedAdd"] * 2


def test_a_gate_is_a_product_of_integers():
    graph = chain((Sigmoid(), ("b",), "s"), (Mul(), ("a", "s"), "y"))
    integers, _ = quantized(graph)
    assert kinds(integers) == ["QuantizedConv", "QuantizedConv", "Table", "QuantizedMul"]
    truth = reference.run(graph, {"x": SIGNAL}).tensors["y"]
    np.testing.assert_allclose(reference.run(integers, {"x": SIGNAL}).tensors["y"], truth, atol=0.05)


def test_a_function_that_is_not_finite_at_every_integer_stays_in_floats():
    direct = chain((Log(), ("a",), "y"))
    assert kinds(quantize(direct, dict.fromkeys(direct.tensors, Format("int8", 0.02)))) == [
        "QuantizedConv",
        "Log",
    ]
    limited = chain((Clip(0.1, 9.0), ("a",), "c"), (Log(), ("c",), "y"))
    assert kinds(quantized(limited)[0]) == ["QuantizedConv", "Table"]


@pytest.mark.parametrize(("scale", "kind"), [(0.02, "QuantizedRelu"), (0.01, "Table")])
def test_a_rectifier_needs_no_table_where_scales_are_equal(scale, kind):
    integers, _ = quantized(chain((Relu(), ("a",), "y")), a=0.02, y=scale)
    assert kinds(integers) == ["QuantizedConv", kind]
    result = reference.run(integers, {"x": SIGNAL}).tensors
    if kind == "QuantizedRelu":
        np.testing.assert_array_equal(result["y.int8"], np.maximum(result["a.int8"], 0))


def test_a_maximum_keeps_the_steps_of_what_it_picks_from():
    integers, formats = quantized(chain((MaxPool((3,), (1,), (1,), (2, 0)), ("a",), "y")), y=9.0)
    assert kinds(integers) == ["QuantizedConv", "MaxPool"]
    assert integers.nodes[-1].op.scale == formats["a"].scale


def test_the_report_reads_a_moved_tensor_in_the_steps_of_what_it_was_moved_from():
    graph = chain((Transpose((0, 2, 1)), ("a",), "y"))
    integers, formats = quantized(graph, y=99.0)
    by_name = {
        report.name: report
        for report in layer_reports(graph, integers, Quantized(graph, formats), {"x": SIGNAL})
    }
    assert by_name["y"].scale == by_name["a"].scale == pytest.approx(formats["a"].scale)
    assert by_name["y"].sqnr_db > 25


def test_what_is_no_signal_yet_is_no_range(monkeypatch):
    """Before the first sample has come this far, a pool sees padding alone, the lowest of all floats."""
    pool, conv = MaxPool((3,), (1,), (1,), (1, 1)), Conv(pads=(2, 2))
    nodes = (Node("conv", conv, ("x", "w"), ("a",)), Node("pool", pool, ("a",), ("y",)))
    x = {"x": TensorType((1, N_CHANS, N_TIMES), 2, 1)}
    graph = Graph("g", x, ("y",), nodes, {"w": weights(4, 4, 5)})
    step = stream(graph, 1)
    assert np.abs(reference.run(step, {"x": SIGNAL}).tensors["y"]).max() > 1e38
    truth = reference.run(graph, {"x": SIGNAL}).tensors["y"]
    for steps in (2, 256):
        monkeypatch.setattr(calibration, "STEPS_OF_A_CALL", steps)
        seen = calibrate(step, {"x": SIGNAL}, "min-max").tensors["y"]
        within = np.abs(truth[..., : N_TIMES - step.timing.behind["y"]]).max()
        assert seen.kept == pytest.approx(within, rel=1e-6)


def test_layers_on_windows_apart_take_the_same_forms():
    def apart(op, *inputs):
        return PerWindow(op, tuple(name in ("a", "b", "x", "s") for name in inputs))

    x = {"x": TensorType((2, 1, N_CHANS, N_TIMES), 0, 8)}
    nodes = tuple(
        Node(f"n{k}", apart(op, *inputs), inputs, (result,))
        for k, (op, inputs, result) in enumerate(
            (
                (Conv(), ("x", "w"), "a"),
                (Conv(), ("x", "v"), "b"),
                (Sigmoid(), ("b",), "s"),
                (Mul(), ("a", "s"), "y"),
            )
        )
    )
    graph = Graph("g", x, ("y",), nodes, {k: CONSTANTS[k] for k in "wv"})
    signal = np.stack([SIGNAL, -SIGNAL])
    truth = reference.run(graph, {"x": signal}).tensors
    formats = {name: Format("int8", float(np.abs(truth[name]).max() / 127)) for name in "xabsy"}
    integers = quantize(graph, formats)
    assert kinds(integers) == ["QuantizedConv", "QuantizedConv", "Table", "QuantizedMul"]
    np.testing.assert_allclose(reference.run(integers, {"x": signal}).tensors["y"], truth["y"], atol=0.05)


def test_biases_of_zeros_are_left_out_and_equal_tables_kept_once_and_multipliers_are_not():
    graph = chain((Tanh(), ("a",), "t"), (Tanh(), ("b",), "u"), (Mul(), ("t", "u"), "y"))
    integers, _ = quantized(graph, a=0.02, b=0.02, t=0.008, u=0.008)
    types = [(value.dtype.name, value.shape) for value in integers.constants.values()]
    assert types.count(("int32", (4,))) == 0
    assert types.count(("int8", (256,))) == 1
    assert types.count(("float32", (4,))) == 2


def test_silence_is_no_calibration():
    graph = stream(chain((Relu(), ("a",), "y")), 1)
    with pytest.raises(QuantizationError, match="input 'x' is 0 throughout the calibration recording"):
        calibrate(graph, {"x": np.zeros_like(SIGNAL)}, "min-max")
