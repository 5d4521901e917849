"""Every operator of the set: ONNX Runtime = NumPy within tolerance, chunks = NumPy = C to the last bit.

Each case is a small foreign ONNX model; hops of four frames exercise the loops over time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from edgeeeg_export import reference
from edgeeeg_export.contract import by_step
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.ops import DOMAIN, FROM_ONNX
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes import simplify
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets.onnx_run import run_steps
from edgeeeg_export.tensor import TensorType

N_TIMES = 48
OTHER_FILES = ("filter_operators", "recurrence", "select", "spectrum", "window")
HOP = 4  # the longest stride below, and several frames for everything else


def node(op_type, inputs, outputs=("y",), domain="", **attributes):
    return helper.make_node(op_type, list(inputs), list(outputs), domain=domain, **attributes)


def weights(*shape, low=-1.0, high=1.0):
    return np.random.default_rng(sum(shape)).uniform(low, high, shape).astype(np.float32)


def transposed(*inner):
    """Nodes that see (1, time, channels), as a layer over features does."""
    return (node("Transpose", ["x"], ["frames"], perm=[0, 2, 1]), *inner)


@dataclass(frozen=True)
class Case:
    nodes: tuple
    weights: dict = field(default_factory=dict)
    n_chans: int = 3
    exact: bool = False
    """No rounding at all: equal to ONNX Runtime to the last bit."""


def unary(op_type, exact=False, **attributes):
    return Case((node(op_type, ["x"], **attributes),), exact=exact)


def positive(op_type):
    return Case((node("Abs", ["x"], ["a"]), node(op_type, ["a"])))


def comparison(op_type):
    """Against the frame's other channels, so that each relation occurs; the result is a number again."""
    return Case(
        (
            node("Round", ["x"], ["r"]),
            node(op_type, ["r", "w"], ["truth"]),
            node("Cast", ["truth"], to=onnx.TensorProto.FLOAT),
        ),
        {"w": np.array([[-1], [0], [1]], dtype=np.float32)},
        exact=True,
    )


def logical(op_type):
    return Case(
        (
            node("Greater", ["x", "zero"], ["p"]),
            node("Less", ["x", "w"], ["q"]),
            node(op_type, ["p", "q"], ["truth"]),
            node("Cast", ["truth"], to=onnx.TensorProto.FLOAT),
        ),
        {"zero": np.float32(0), "w": weights(3, 1)},
        exact=True,
    )


def reduction(op_type, exact=False, **attributes):
    """Over the features of each frame."""
    return Case(
        transposed(node("Abs", ["frames"], ["a"]), node(op_type, ["a", "axes"], **attributes)),
        {"axes": i64(-1)},
        n_chans=7,
        exact=exact,
    )


def power(exponent, exact=False):
    return Case(
        (node("Abs", ["x"], ["a"]), node("Pow", ["a", "e"])), {"e": np.float32(exponent)}, exact=exact
    )


def binary(op_type, operand, first=False):
    inputs = ["w", "x"] if first else ["x", "w"]
    return Case((node(op_type, inputs),), {"w": operand}, exact=True)


def conv(c_out, kernel, stride=1, dilation=1, group=1, pad=None, bias=True, n_chans=3):
    needed = dilation * (kernel - 1) + 1 - stride
    pad = max(needed, 0) if pad is None else pad
    parameters = {"w": weights(c_out, n_chans // group, kernel)}
    if bias:
        parameters["b"] = weights(c_out)
    attributes = {"strides": [stride], "dilations": [dilation], "group": group, "pads": [pad, 0]}
    return Case((node("Conv", ["x", *parameters], **attributes),), parameters, n_chans)


def i64(*values):
    return np.array(values, dtype=np.int64)


def recurrent(op_type, gates, hidden, initial=False, **attributes):
    """A recurrent layer over three channels, with an initial state or without one."""
    parameters = {
        "w": weights(1, gates * hidden, 3),
        "r": weights(1, gates * hidden, hidden),
        "b": weights(1, 2 * gates * hidden),
    }
    inputs = ["frames", *parameters]
    if initial:
        names = ("h0", "c0") if op_type == "LSTM" else ("h0",)
        parameters |= {name: weights(1, 1, hidden) for name in names}
        inputs += ["", *names]
    return Case(
        (
            node("Transpose", ["x"], ["frames"], perm=[2, 0, 1]),
            node(op_type, inputs, hidden_size=hidden, **attributes),
        ),
        parameters,
    )


def images(*inner, exact=False, **parameters):
    """Nodes that see five electrodes as an image (1, 1, electrodes, time)."""
    return Case(
        (node("Unsqueeze", ["x", "channel"], ["image"]), *inner),
        {"channel": i64(1), **parameters},
        n_chans=5,
        exact=exact,
    )


CASES = {
    "Abs": unary("Abs", exact=True),
    "Exp": unary("Exp"),
    "Neg": unary("Neg", exact=True),
    "Relu": unary("Relu", exact=True),
    "Sigmoid": unary("Sigmoid"),
    "Softplus": unary("Softplus"),
    "Tanh": unary("Tanh"),
    "Identity": unary("Identity", exact=True),
    "Dropout": unary("Dropout", exact=True),
    "Add scalar": binary("Add", np.float32(0.3)),
    "Add channel": binary("Add", weights(3, 1)),
    "Add more channels": Case((node("Add", ["x", "w"]),), {"w": weights(5, 1)}, n_chans=1, exact=True),
    "Add constant first": binary("Add", weights(1, 3, 1), first=True),
    "Sub channel": binary("Sub", weights(3, 1)),
    "Sub constant first": binary("Sub", weights(3, 1), first=True),
    "Mul rank raising": binary("Mul", weights(2, 1, 3, 1)),
    "Mul itself": Case((node("Mul", ["x", "x"]),), exact=True),
    "Div channel": binary("Div", weights(3, 1, low=0.5, high=2.0)),
    "Div constant first": Case(
        (node("Exp", ["x"], ["e"]), node("Div", ["w", "e"])), {"w": weights(3, 1)}, exact=False
    ),
    "Add branches": Case(
        (node("Tanh", ["x"], ["t"]), node("Sigmoid", ["x"], ["s"]), node("Add", ["t", "s"]))
    ),
    "Add a part of itself": Case(
        transposed(
            node("Abs", ["frames"], ["a"]),
            node("Slice", ["a", "from", "to", "axis"], ["part"]),
            node("Add", ["a", "part"]),
        ),
        {"from": i64(0), "to": i64(1), "axis": i64(2)},
        exact=True,
    ),
    "BatchNormalization": Case(
        (node("BatchNormalization", ["x", "g", "b", "m", "v"], epsilon=1e-3),),
        {"g": weights(3), "b": weights(3) + 1, "m": weights(3) * 2, "v": weights(3, low=0.2, high=2.0)},
    ),
    "Conv": conv(4, 5),
    "Conv no bias": conv(4, 5, bias=False),
    "Conv stride": conv(4, 5, stride=2),
    "Conv stride over kernel": conv(2, 2, stride=4),
    "Conv padded past its need": conv(2, 6, stride=4, pad=5),
    "Conv dilation": conv(4, 3, dilation=4),
    "Conv groups": conv(6, 3, group=2, n_chans=4),
    "Conv depthwise multiplier": conv(6, 4, group=3),
    "Conv pointwise": conv(2, 1),
    "Conv pointwise stride": conv(2, 1, stride=4),
    "Conv over electrodes and time": images(
        node("Conv", ["image", "w", "b"], pads=[1, 4, 2, 0], dilations=[1, 2]),
        w=weights(2, 1, 4, 3),
        b=weights(2),
    ),
    "Conv over electrodes": images(
        node("Conv", ["image", "w", "b"], ["z"], pads=[0, 4, 0, 0]),
        node("Conv", ["z", "depthwise"], group=2, strides=[1, 2]),
        w=weights(2, 1, 1, 5),
        b=weights(2),
        depthwise=weights(4, 1, 5, 1),
    ),
    "Conv time first": images(
        node("Transpose", ["image"], ["turned"], perm=[0, 1, 3, 2]),
        node("Conv", ["turned", "w"], pads=[3, 1, 0, 1]),
        w=weights(2, 1, 4, 3),
    ),
    "Conv volume": Case(
        (node("Reshape", ["x", "shape"], ["v"]), node("Conv", ["v", "w"], pads=[0, 1, 2, 1, 0, 0])),
        {"shape": i64(1, 1, 2, 3, -1), "w": weights(3, 1, 2, 2, 3)},
        n_chans=6,
    ),
    "MaxPool": Case((node("MaxPool", ["x"], kernel_shape=[4], strides=[4]),), exact=True),
    "MaxPool overlapping": Case((node("MaxPool", ["x"], kernel_shape=[5], pads=[4, 0]),), exact=True),
    "MaxPool of an image": images(
        node("MaxPool", ["image"], kernel_shape=[2, 3], strides=[2, 2], pads=[1, 1, 0, 0], ceil_mode=1),
        exact=True,
    ),
    "AveragePool": Case(
        (node("AveragePool", ["x"], kernel_shape=[4], strides=[2], pads=[2, 0], count_include_pad=1),)
    ),
    "AveragePool of an image": images(
        node("AveragePool", ["image"], kernel_shape=[3, 4], strides=[1, 4], pads=[1, 0, 1, 0])
    ),
    "LSTM": recurrent("LSTM", 4, 2, initial=True),
    "GRU": recurrent("GRU", 3, 2, initial=True),
    "GRU linear before reset": recurrent("GRU", 3, 2, linear_before_reset=1),
    "RNN": recurrent("RNN", 1, 2, initial=True),
    "DFT over electrodes": Case(
        (
            node("Unsqueeze", ["x", "last"], ["real"]),
            node("DFT", ["real", "", "axis"], onesided=1),
        ),
        {"last": i64(3), "axis": np.int64(1)},
        n_chans=8,  # a power of two: the other transforms of ONNX Runtime round more
    ),
    "STFT behind its padding": Case(
        (
            node("Transpose", ["x"], ["signal"], perm=[1, 2, 0]),
            node("Pad", ["signal", "front"], ["padded"]),
            node("STFT", ["padded", "step", "window"]),
        ),
        {"front": i64(0, 12, 0, 0, 0, 0), "step": np.int64(4), "window": weights(16, low=0.1)},
    ),
    "Resize": Case((node("Resize", ["x", "", "", "sizes"], mode="linear"),), {"sizes": i64(1, 7, N_TIMES)}),
    "Resize nearest": Case(
        (node("Resize", ["x", "", "", "sizes"], coordinate_transformation_mode="asymmetric"),),
        {"sizes": i64(1, 7, N_TIMES)},
        exact=True,
    ),
    "TopK": Case((node("TopK", ["x", "k"], ["y", "where"], axis=1),), {"k": i64(3)}, n_chans=5, exact=True),
    "GlobalAveragePool": Case(
        (node("Transpose", ["x"], ["frames"], perm=[2, 0, 1]), node("GlobalAveragePool", ["frames"]))
    ),
    "GlobalMaxPool": Case(
        (node("Transpose", ["x"], ["frames"], perm=[2, 0, 1]), node("GlobalMaxPool", ["frames"])),
        exact=True,
    ),
    "MatMul": Case(transposed(node("MatMul", ["frames", "w"])), {"w": weights(3, 5)}),
    "MatMul and bias": Case(
        transposed(node("MatMul", ["frames", "w"], ["m"]), node("Add", ["b", "m"])),
        {"w": weights(3, 5), "b": weights(5)},
    ),
    "Gemm": Case(
        transposed(
            node("Squeeze", ["frames", "batch"], ["rows"]),
            node("Gemm", ["rows", "w", "b"], alpha=0.5, beta=2.0, transB=1),
        ),
        {"batch": i64(0), "w": weights(4, 3), "b": weights(4)},
    ),
    "Gemm scalar bias": Case(
        transposed(node("Squeeze", ["frames", "batch"], ["rows"]), node("Gemm", ["rows", "w", "b"])),
        {"batch": i64(0), "w": weights(3, 4), "b": weights(1)},
    ),
    "Reshape": Case(
        (node("Reshape", ["x", "shape"], ["r"]), node("Transpose", ["r"], perm=[2, 1, 0])),
        {"shape": i64(2, 3, -1)},
        n_chans=6,
        exact=True,
    ),
    "Reshape keeping": Case(
        (node("Reshape", ["x", "shape"]),), {"shape": i64(0, 2, 3, N_TIMES)}, n_chans=6, exact=True
    ),
    "Squeeze": Case((node("Squeeze", ["x"]),), exact=True),
    "Squeeze axes": Case((node("Squeeze", ["x", "axes"]),), {"axes": i64(-3)}, exact=True),
    "Unsqueeze": Case((node("Unsqueeze", ["x", "axes"]),), {"axes": i64(1, -1)}, exact=True),
    "Transpose": Case((node("Transpose", ["x"], perm=[2, 0, 1]),), exact=True),
    "Transpose reversed": Case((node("Transpose", ["x"]),), exact=True),
    "Slice view": Case(
        (node("Slice", ["x", "from", "to", "axis"]),),
        {"from": i64(1), "to": i64(2**62), "axis": i64(1)},
        exact=True,
    ),
    "Slice copy of two axes": Case(
        (
            node("Reshape", ["x", "shape"], ["r"]),
            node("Slice", ["r", "from", "to", "axes", "steps"]),
        ),
        {
            "shape": i64(1, 3, 4, -1),
            "from": i64(1, -3),
            "to": i64(3, -1),
            "axes": i64(1, -2),
            "steps": i64(1, 1),
        },
        n_chans=12,
        exact=True,
    ),
    "Split": Case(
        transposed(
            node("Split", ["frames", "sizes"], ["a", "b", "c"], axis=2),
            node("Mul", ["a", "c"], ["ac"]),
            node("Add", ["ac", "b"]),
        ),
        {"sizes": i64(1, 4, 1)},
        n_chans=6,
        exact=True,
    ),
    "Split even": Case(
        (node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2), node("Sub", ["b", "a"])),
        n_chans=4,
        exact=True,
    ),
    "Ceil": unary("Ceil", exact=True),
    "Celu": unary("Celu", alpha=0.7),
    "Elu": unary("Elu", alpha=1.3),
    "Erf": unary("Erf"),
    "Floor": unary("Floor", exact=True),
    "Gelu": unary("Gelu"),
    "Gelu tanh": unary("Gelu", approximate="tanh"),
    "HardSigmoid": unary("HardSigmoid", alpha=0.3, beta=0.4),
    "HardSwish": unary("HardSwish"),
    "LeakyRelu": unary("LeakyRelu", exact=True, alpha=0.2),
    "Log": positive("Log"),
    "Mish": unary("Mish"),
    "Reciprocal": unary("Reciprocal", exact=True),
    "Round": unary("Round", exact=True),
    "Selu": unary("Selu"),
    "Shrink": unary("Shrink", exact=True, lambd=0.3, bias=0.1),
    "Sign": unary("Sign", exact=True),
    "Softsign": unary("Softsign"),
    "Sqrt": positive("Sqrt"),
    "ThresholdedRelu": unary("ThresholdedRelu", exact=True, alpha=0.5),
    "Clip": Case(
        (node("Clip", ["x", "low", "high"]),), {"low": np.float32(-0.5), "high": np.float32(1.0)}, exact=True
    ),
    "Clip above": Case((node("Clip", ["x", "", "high"]),), {"high": np.float32(0.25)}, exact=True),
    "PRelu": Case((node("PRelu", ["x", "w"]),), {"w": weights(3, 1)}, exact=True),
    "Pow squared": power(2, exact=True),
    "Pow cubed": power(3),
    "Pow root": power(0.5),
    "Pow inverse": Case(
        (node("Exp", ["x"], ["a"]), node("Pow", ["a", "e"])), {"e": np.array([-1], dtype=np.float32)}
    ),
    "Pow broken": power(1.7),
    "Max": Case((node("Neg", ["x"], ["n"]), node("Max", ["x", "n", "w"])), {"w": weights(3, 1)}, exact=True),
    "Min": Case((node("Min", ["x", "w"]),), {"w": weights(3, 1)}, exact=True),
    "Max of one": Case((node("Max", ["x"]),), exact=True),
    "Sum": Case((node("Abs", ["x"], ["a"]), node("Sum", ["x", "a", "w"])), {"w": weights(3, 1)}, exact=True),
    "Mean": Case((node("Abs", ["x"], ["a"]), node("Mean", ["x", "a", "w"])), {"w": weights(3, 1)}),
    **{
        op_type: comparison(op_type)
        for op_type in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
    },
    **{op_type: logical(op_type) for op_type in ("And", "Or", "Xor")},
    "Not": Case(
        (
            node("Greater", ["x", "w"], ["p"]),
            node("Not", ["p"], ["truth"]),
            node("Cast", ["truth"], to=onnx.TensorProto.FLOAT),
        ),
        {"w": weights(3, 1)},
        exact=True,
    ),
    "Cast to truth and back": Case(
        (
            node("Relu", ["x"], ["r"]),
            node("Cast", ["r"], ["truth"], to=onnx.TensorProto.BOOL),
            node("Cast", ["truth"], to=onnx.TensorProto.FLOAT),
        ),
        exact=True,
    ),
    "Where": Case(
        (node("Greater", ["x", "w"], ["p"]), node("Where", ["p", "x", "w"])), {"w": weights(3, 1)}, exact=True
    ),
    **{
        op_type: reduction(op_type)
        for op_type in (
            *("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMean", "ReduceProd"),
            *("ReduceSum", "ReduceSumSquare"),
        )
    },
    "ReduceMax": reduction("ReduceMax", exact=True, keepdims=0),
    "ReduceMin": reduction("ReduceMin", exact=True),
    "ReduceMean of two axes": Case(
        (node("Reshape", ["x", "shape"], ["r"]), node("ReduceMean", ["r", "axes"], keepdims=0)),
        {"shape": i64(2, 3, N_TIMES), "axes": i64(0, 1)},
        n_chans=6,
    ),
    "ArgMax": Case(
        (
            node("Round", ["x"], ["r"]),
            node("ArgMax", ["r"], ["place"], axis=1, select_last_index=1),
            node("Cast", ["place"], to=onnx.TensorProto.FLOAT),
        ),
        n_chans=6,
        exact=True,
    ),
    "ArgMin": Case(
        (
            node("Round", ["x"], ["r"]),
            node("ArgMin", ["r"], ["place"], axis=1, keepdims=0),
            node("Cast", ["place"], to=onnx.TensorProto.FLOAT),
        ),
        n_chans=6,
        exact=True,
    ),
    "CumSum over time": Case((node("CumSum", ["x", "axis"]),), {"axis": i64(2)[0]}),
    "CumSum over time, exclusive": Case((node("CumSum", ["x", "axis"], exclusive=1),), {"axis": i64(2)[0]}),
    "CumSum reverse": Case((node("CumSum", ["x", "axis"], reverse=1),), {"axis": i64(1)[0]}),
    "Softmax": Case((node("Softmax", ["x"], axis=1),), n_chans=5),
    "LogSoftmax": Case(transposed(node("LogSoftmax", ["frames"], axis=-1)), n_chans=5),
    "LayerNormalization": Case(
        transposed(node("LayerNormalization", ["frames", "g", "b"], axis=-1, epsilon=1e-3)),
        {"g": weights(8), "b": weights(8)},
        n_chans=8,
    ),
    "LayerNormalization without bias": Case(
        transposed(node("LayerNormalization", ["frames", "g"], axis=-1)), {"g": weights(8)}, n_chans=8
    ),
    "Concat": Case(
        (node("Abs", ["x"], ["a"]), node("Neg", ["x"], ["n"]), node("Concat", ["x", "a", "n"], axis=1)),
        exact=True,
    ),
    "Concat inner": Case(
        transposed(node("Abs", ["frames"], ["a"]), node("Concat", ["frames", "a"], axis=2)), exact=True
    ),
    **{
        f"Pad {mode}": Case(
            (node("Pad", ["x", "pads"], mode=mode),), {"pads": i64(0, 2, 0, 0, 1, 0)}, exact=True
        )
        for mode in ("constant", "edge", "reflect", "wrap")
    },
    "Pad away": Case(
        (node("Pad", ["x", "pads", "value"]),),
        {"pads": i64(0, -1, 0, 0, 2, 0), "value": np.float32(0.5)},
        exact=True,
    ),
    "Slice of all time": Case(
        (node("Slice", ["x", "from", "to", "axis"]),),
        {"from": i64(0), "to": i64(2**62), "axis": i64(2)},
        exact=True,
    ),
    "Slice of a padded convolution": Case(
        (
            node("Conv", ["x", "w"], ["c"], dilations=[2], pads=[4, 4]),
            node("Slice", ["c", "from", "to", "axis"]),
        ),
        {"w": weights(2, 3, 3), "from": i64(0), "to": i64(-4), "axis": i64(-1)},
    ),
    "Gather": Case((node("Gather", ["x", "places"], axis=1),), {"places": i64(2, -3, 2)}, exact=True),
    "Gather one": Case((node("Gather", ["x", "place"], axis=1),), {"place": i64(1)[0]}, exact=True),
    "Expand": Case((node("Expand", ["x", "shape"]),), {"shape": i64(2, 3, N_TIMES)}, exact=True),
    "Tile": Case((node("Tile", ["x", "repeats"]),), {"repeats": i64(1, 3, 1)}, exact=True),
    "Flatten": Case((node("Flatten", ["x"], axis=2),), exact=True),
    "Slice every second, backwards": Case(
        (node("Slice", ["x", "from", "to", "axis", "step"]),),
        {"from": i64(-1), "to": i64(-(2**62)), "axis": i64(1), "step": i64(-2)},
        n_chans=6,
        exact=True,
    ),
    "MatMul from the left": Case((node("MatMul", ["w", "x"]),), {"w": weights(5, 3)}),
    "MatMul by itself": Case(
        transposed(
            node("Reshape", ["frames", "rows"], ["a"]),
            node("Reshape", ["frames", "columns"], ["b"]),
            node("MatMul", ["a", "b"]),
        ),
        {"rows": i64(N_TIMES, 2, 3), "columns": i64(N_TIMES, 3, 2)},
        n_chans=6,
    ),
    "Shape folded": Case(
        (
            node("Shape", ["x"], ["shape"]),
            node("Gather", ["shape", "last"], ["n"]),
            node("Unsqueeze", ["n", "axis"], ["end"]),
            node("Concat", ["lead", "end"], ["target"], axis=0),
            node("Reshape", ["x", "target"]),
        ),
        {"last": i64(2)[0], "axis": i64(0), "lead": i64(1, 1, 3)},
        exact=True,
    ),
    "Lif": Case(
        transposed(node("Lif", ["frames", "beta", "threshold"], domain=DOMAIN)),
        {"beta": weights(3, low=0.3, high=0.95), "threshold": weights(3, low=0.3, high=1.0)},
    ),
    "SelectiveScan": Case(
        transposed(
            node("MatMul", ["frames", "wd"], ["d"]),
            node("Softplus", ["d"], ["delta"]),
            node("MatMul", ["frames", "wb"], ["B"]),
            node("MatMul", ["frames", "wc"], ["C"]),
            node("SelectiveScan", ["frames", "delta", "A", "B", "C", "D"], domain=DOMAIN),
        ),
        {
            "wd": weights(3, 3),
            "wb": weights(3, 4),
            "wc": weights(3, 4) * 0.5,
            "A": weights(3, 4, low=-2.0, high=-0.1),
            "D": weights(3),
        },
    ),
}


NEEDS_WINDOW = {"DepthToSpace", "GroupNormalization", "InstanceNormalization", "SpaceToDepth"}
"""Operators that look along every axis and so have no streaming form; the node tests run them."""

NEWER_THAN_THIS_OPSET = {"RMSNormalization", "Swish"}
"""Operators of later opsets than ONNX Runtime is asked for here; the node tests run them."""


def test_every_operator_of_the_set_has_a_case():
    folder = Path(__file__).parent
    elsewhere = "".join((folder / f"test_{name}.py").read_text() for name in OTHER_FILES)
    covered = {(n.domain, n.op_type) for case in CASES.values() for n in case.nodes}
    missing = {name for domain, name in set(FROM_ONNX) - covered if f'"{name}"' not in elsewhere}
    assert missing == NEEDS_WINDOW | NEWER_THAN_THIS_OPSET


@pytest.mark.parametrize("name", CASES)
def test_operator_is_the_same_everywhere(name, onnx_model, counts, as_input, native):
    case = CASES[name]
    model = onnx_model(case.nodes, case.weights, shape=(1, case.n_chans, N_TIMES))
    offline = simplify(import_onnx(model, "op"))
    samples = counts(N_TIMES, case.n_chans)
    x = as_input(samples)
    truth = reference.run(offline, {"x": x}).tensors["y"]

    if all(n.domain == "" for n in case.nodes):
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        (expected,) = session.run(["y"], {"x": x})
        assert expected.shape == truth.shape
        if case.exact:
            np.testing.assert_array_equal(truth, expected)
        else:
            np.testing.assert_allclose(truth, expected, rtol=2e-6, atol=2e-6)

    step = stream(offline, HOP)
    axis = step.tensors["y"].time_axis
    chunks, states = [], None
    for start in range(0, N_TIMES, HOP):
        result = reference.run(step, {"x": x[:, :, start : start + HOP]}, states)
        states = result.states
        chunks.append(result.tensors["y"])
    same_bits(np.concatenate(chunks, axis=axis), truth)
    same_bits(native(step).push(samples), by_step(truth, axis, step.tensors["y"].frames))
    in_onnxruntime = run_steps(step, {"x": x})["y"]
    np.testing.assert_allclose(in_onnxruntime, truth, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["Conv", "Linear"])
def test_a_bias_of_minus_zero_stays_minus_zero(kind, native):
    """Sums start from the bias: 0 added to it first would lose its sign in NumPy and not in C."""
    op, perm = (Conv(), (0, 1, 2)) if kind == "Conv" else (Linear(), (0, 2, 1))
    weight = np.full((1, 1, 1) if kind == "Conv" else (1, 1), -1.0, dtype=np.float32)
    nodes = (Node("turn", Transpose(perm), ("x",), ("f",)), Node("sum", op, ("f", "w", "b"), ("y",)))
    constants = {"w": weight, "b": np.array([-0.0], dtype=np.float32)}
    step = stream(Graph("zero", {"x": TensorType((1, 1, 2), 2, 1)}, ("y",), nodes, constants))
    x = np.zeros((1, 1, 1), dtype=np.float32)
    assert np.signbit(reference.run(step, {"x": x}).tensors["y"]).all()
    assert np.signbit(native(step).push(np.zeros((1, 1), dtype=np.int16))).all()


def same_bits(a, b):
    np.testing.assert_array_equal(a.view(np.uint32), b.view(np.uint32))
