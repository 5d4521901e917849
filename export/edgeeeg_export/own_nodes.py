"""Nodes of our own in ONNX: what the custom operators of our cells and layers become when torch exports them.

Names, operands and attributes follow from the schema of the torch operator: `selective_scan(Tensor u, …)` is
the node `edgeeeg::SelectiveScan` with an operand `u`; arguments that are not tensors are its attributes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import onnx

from edgeeeg_export.errors import CaptureError
from edgeeeg_export.ops import DOMAIN

if TYPE_CHECKING:
    import torch

AttrType = onnx.defs.OpSchema.AttrType

DEFINED_IN = {
    "adaptive_lif": "edgeeeg.cells.adaptive_lif",
    "biquad": "edgeeeg.cells.biquad",
    "exponential_moving_average": "edgeeeg.cells.exponential_moving_average",
    "interleave": "edgeeeg.layers.interleave",
    "lif": "edgeeeg.cells.lif",
    "linear_attention": "edgeeeg.cells.linear_attention",
    "recurrent_lif": "edgeeeg.cells.recurrent_lif",
    "running_z_score": "edgeeeg.cells.running_z_score",
    "s4d": "edgeeeg.cells.s4d",
    "selective_scan": "edgeeeg.cells.selective_scan",
    "wkv4": "edgeeeg.cells.wkv4",
    "wkv6": "edgeeeg.cells.wkv6",
    "synaptic": "edgeeeg.cells.synaptic",
}
"""The torch operators, and the module that defines each."""

SAID_IN = ("edgeeeg.quantization.rounding", "edgeeeg.quantization.state_in_steps")
"""What defines the operators by which a frozen model says where it rounds."""

ATTRIBUTES = {
    "bool": (bool, AttrType.INT),
    "float": (float, AttrType.FLOAT),
    "str": (str, AttrType.STRING),
}
"""What an argument of this type is in Python and in ONNX."""


def register_operators() -> None:
    """Make torch know the operators of our own that a program may contain."""
    for module in (*DEFINED_IN.values(), *SAID_IN):
        import_module(module)


def operators() -> dict[str, torch._ops.OpOverload]:
    """The torch operator of each node of our own, by the node's name."""
    import torch

    register_operators()
    found = {name: getattr(torch.ops.edgeeeg, name).default for name in DEFINED_IN}
    return {"".join(word.capitalize() for word in name.split("_")): op for name, op in found.items()}


def translations(opset: int) -> dict[Callable[..., Any], Callable[..., Any]]:
    """What torch's exporter shall make of our operators, and of one of torch's that it would take apart."""
    import onnxscript
    import torch

    from edgeeeg.quantization.rounding import ROUND_TO_STEPS
    from edgeeeg.quantization.state_in_steps import STATE_IN_STEPS

    standard = onnxscript.values.Opset("", opset)

    def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
        # torch returns x itself above its threshold: from 20 on that is the same float32
        if beta == 1.0 and threshold >= 20.0:
            return standard.Softplus(x)
        raise CaptureError(
            f"Softplus with beta={beta}, threshold={threshold} is not supported; use the defaults"
        )

    def round_to_steps(x: Any, scale: Any, axis: int) -> Any:
        # behind a pair that varies or is constant alike: what reads QDQ models takes it apart again
        zero = standard.Cast(standard.Mul(scale, 0.0), to=onnx.TensorProto.INT8)
        whole = standard.QuantizeLinear(x, scale, zero, axis=axis)
        return standard.DequantizeLinear(whole, scale, zero, axis=axis)

    table: dict[Callable[..., Any], Callable[..., Any]] = {
        torch.ops.aten.softplus.default: softplus,
        ROUND_TO_STEPS: round_to_steps,
        STATE_IN_STEPS: _translation("StateInSteps", STATE_IN_STEPS),
    }
    for name, op in operators().items():
        table[op] = _translation(name, op)
    return table


def _translation(name: str, op: torch._ops.OpOverload) -> Callable[..., Any]:
    """A function with the operator's own signature, which the exporter reads, that makes the node."""
    import onnxscript

    arguments = op._schema.arguments
    tensors = [a.name for a in arguments if str(a.type) not in ATTRIBUTES]
    schema = onnx.defs.OpSchema(
        name,
        DOMAIN,
        1,
        inputs=[onnx.defs.OpSchema.FormalParameter(tensor, "T") for tensor in tensors],
        outputs=[onnx.defs.OpSchema.FormalParameter("y", "T")],
        type_constraints=[("T", ["tensor(float)"], "float32")],
        attributes=[
            onnx.defs.OpSchema.Attribute(a.name, ATTRIBUTES[str(a.type)][1])
            for a in arguments
            if str(a.type) in ATTRIBUTES
        ],
    )
    node = onnxscript.values.Op(onnxscript.values.Opset(DOMAIN, 1), name, schema)
    parameters = []
    for argument in arguments:
        default = argument.default_value if argument.has_default_value() else inspect.Parameter.empty
        parameters.append(
            inspect.Parameter(
                argument.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=default,
                annotation=ATTRIBUTES.get(str(argument.type), (Any, None))[0],
            )
        )
    signature = inspect.Signature(parameters)

    def translate(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        operands, attributes = [], {}
        for argument in arguments:
            value = bound.arguments[argument.name]
            if str(argument.type) in ATTRIBUTES:
                attributes[argument.name] = int(value) if isinstance(value, bool) else value
            else:
                operands.append(value)
        return node(*operands, **attributes)

    translate.__signature__ = signature  # type: ignore[attr-defined]
    return translate
