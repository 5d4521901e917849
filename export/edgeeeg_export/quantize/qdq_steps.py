"""What one step of every tensor in integers is worth, all over a graph of them."""

from __future__ import annotations

import numpy as np

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.concat import Concat
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.quantize_linear import QuantizeLinear
from edgeeeg_export.ops.requantize import Requantize
from edgeeeg_export.ops.slice import Slice
from edgeeeg_export.quantize.integer_program import IntegerProgram
from edgeeeg_export.tensor import Array

PARTS = ".parts"
"""What ends the name of a layer's result of which each slice has steps of its own."""


def steps(graph: Graph, program: IntegerProgram) -> dict[str, Array]:
    """What a step of each tensor of integers is worth: one float32, or one per channel of a layer in parts.

    Parameters
    ----------
    graph : Graph
        Of integers, over a recording or a step. What streaming put into it keeps the steps of its operand.
    program : IntegerProgram
        That it was made with.
    """
    chosen: dict[str, np.float32] = {}
    for (
        own
    ) in program.integers.values():  # the same integers may be read later as a multiple of what they are
        chosen.setdefault(own.name, own.scale)
    originals = {node.name: node for node in program.graph.nodes}
    found: dict[str, Array] = {}
    for node in graph.nodes:
        (name, *_), op = node.outputs, node.op.core
        known = [found[source] for source in node.inputs if source in found]
        if graph.tensors[name].dtype not in ("int8", "int16"):
            continue
        if isinstance(op, QuantizeLinear):
            found[name] = np.asarray(op.scale, dtype=np.float32)
        elif name.endswith(PARTS) and node.name in originals:
            found[name] = _of_parts(program, originals[node.name], op)
        elif name in chosen:
            found[name] = np.asarray(chosen[name], dtype=np.float32)
        elif isinstance(op, Requantize):
            found[name] = _of_operand(graph, node, op, known, chosen)
        elif known:
            found[name] = known[0]
    return found


def _of_parts(program: IntegerProgram, original: Node, op: Op) -> Array:
    """The steps of each channel: those of the slice that it goes to."""
    (name,) = original.outputs
    channels = program.graph.tensors[name].shape[1 if isinstance(op, Conv) else -1]
    worth = np.ones(channels, dtype=np.float32)
    for reader in program.graph.consumers(name):
        cut = reader.op.core
        if isinstance(cut, Slice):
            worth[cut.start : cut.stop : cut.step] = program.format_of(reader.outputs[0]).scale
    return worth


def _of_operand(
    graph: Graph, node: Node, op: Requantize, known: list[Array], chosen: dict[str, np.float32]
) -> Array:
    """The steps of the concatenation that reads it; else those that its multiplier says."""
    for reader in graph.consumers(node.outputs[0]):
        if isinstance(reader.op.core, Concat) and reader.outputs[0] in chosen:
            return np.asarray(chosen[reader.outputs[0]], dtype=np.float32)
    return np.asarray(known[0] / np.float32(op.multiplier), dtype=np.float32)
