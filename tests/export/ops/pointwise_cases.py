"""Cases of operators that take each element by itself, or with its like in a second tensor."""

from __future__ import annotations

import numpy as np
import onnx
from operator_case import Case, i64, node, transposed, unary, weights


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


def power(exponent, exact=False):
    return Case(
        (node("Abs", ["x"], ["a"]), node("Pow", ["a", "e"])), {"e": np.float32(exponent)}, exact=exact
    )


def binary(op_type, operand, first=False):
    inputs = ["w", "x"] if first else ["x", "w"]
    return Case((node(op_type, inputs),), {"w": operand}, exact=True)


POINTWISE_CASES = {
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
}
