"""What a program of mixed precision costs: bytes of constants, counted; instructions of a step, modelled.

The model is a line: so much for each multiply-accumulate by what it multiplies, and for each element that
anything else makes. Its figures are what `edgeeeg profile` counted on the emulated Cortex-M4
(qemu:mps2-an386) for the layers of the GRU and the causal Mamba of docs/quantization.md: dense layers and
convolutions along time. Convolutions that pad several axes take up to twice as much in every type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.passes.stream import stream

OF_MAC: Mapping[str, float] = MappingProxyType({"int8": 6.3, "int16": 6.4, "float32": 7.9})
"""Instructions of a multiply-accumulate, by the type of the layer's operand."""
OF_CELL_MAC: Mapping[str, float] = MappingProxyType(
    {"SelectiveScan": 17.6, "QuantizedGru": 7.9, "QuantizedLstm": 7.9, "QuantizedRnn": 7.9}
)
"""The same where gates and exponentials of floats come with it."""
OF_ELEMENT: Mapping[str, float] = MappingProxyType(
    {
        "QuantizeLinear": 18.0,
        "DequantizeLinear": 7.0,
        "Table": 5.0,
        "InterpolatedTable": 15.0,
        "Requantize": 20.0,
        "QuantizedAdd": 25.0,
        "QuantizedMul": 21.0,
        "Relu": 8.0,
        "LeakyRelu": 8.0,
        "Abs": 8.0,
        "Neg": 8.0,
        "Clip": 8.0,
    }
)
"""Instructions of an element of the result, by operator."""
OF_FUNCTION, OF_OTHER = 65.0, 6.0
"""The same of exponentials, sigmoids and their like in floats, and of everything else."""


@dataclass(frozen=True, slots=True)
class ProgramCost:
    """`flash_bytes` of weights and tables (counted), `instructions` of one step on a Cortex-M4 (modelled)."""

    flash_bytes: int
    instructions: int


def cost_of(graph: Graph, hop: int) -> ProgramCost:
    """The cost of a captured graph as a step program of `hop` samples."""
    step = stream(graph, hop)
    flash = sum(value.nbytes for value in step.constants.values())
    return ProgramCost(flash, round(sum(_instructions(step, node) for node in step.nodes)))


def _instructions(step: Graph, node: Node) -> float:
    types = step.types(node.inputs)
    if node.op.view(types) is not None:
        return 0.0
    macs = node.op.macs(types)
    if macs:
        return macs * OF_CELL_MAC.get(node.op.kind, OF_MAC[types[0].dtype])
    each = OF_ELEMENT.get(node.op.kind, OF_FUNCTION if isinstance(node.op.core, Unary) else OF_OTHER)
    return each * sum(step.tensors[name].size for name in node.outputs)
