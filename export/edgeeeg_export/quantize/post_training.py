"""Post-training quantization: a float graph becomes one of integers where operators have a form in them.

What has none (spectra, divisions of two tensors), or whose state is to be float32, stays float32 between a
DequantizeLinear and a QuantizeLinear; on boards with an FPU that is where it is best.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.op import Op
from edgeeeg_export.passes.drop_dead import drop_dead
from edgeeeg_export.quantize.cells import neurons, selective_scan, wkv4
from edgeeeg_export.quantize.elementwise import (
    exact_relu,
    gain_and_offset,
    mean,
    one_value,
    rescaled,
    several_values,
)
from edgeeeg_export.quantize.format import Formats
from edgeeeg_export.quantize.integer_program import IntegerProgram
from edgeeeg_export.quantize.moves import join, move
from edgeeeg_export.quantize.own_integers import OwnIntegers
from edgeeeg_export.quantize.standardized import standardized
from edgeeeg_export.quantize.weighted_layers import pool, recurrence, weighted_layer

Form = Callable[[IntegerProgram, Node, Op], bool]
"""Appends the integer form of a layer, whose operator comes without its wrappers; False if it has none."""

FORMS: tuple[Form, ...] = (
    weighted_layer,
    pool,
    recurrence,
    neurons,
    selective_scan,
    wkv4,
    rescaled,
    exact_relu,
    one_value,
    gain_and_offset,
    several_values,
    mean,
    standardized,
    move,
    join,
)


def quantize(graph: Graph, formats: Formats, own: OwnIntegers | None = None) -> Graph:
    """The graph in integers; its inputs and outputs stay float32.

    Parameters
    ----------
    graph : Graph
        Captured and simplified, not yet streaming.
    formats : Formats
        How each tensor that is not constant is to be stored; inputs and outputs have float32 beside that.
    own : OwnIntegers, optional
        What the model says of its integers, if it was quantized elsewhere.
    """
    program = program_of(graph, formats, own)
    made = Graph(graph.name, graph.inputs, graph.outputs, tuple(program.nodes), program.constants)
    return drop_dead(made).graph


def program_of(graph: Graph, formats: Formats, own: OwnIntegers | None = None) -> IntegerProgram:
    """What `quantize` makes, with its account of which tensor is stored how; nothing is dropped yet."""
    program = IntegerProgram(graph, formats, own)
    for node in graph.nodes:
        if not any(form(program, node, node.op.core) for form in FORMS):
            operands = tuple(program.as_float(name) for name in node.inputs)
            program.make_float(replace(node, inputs=operands))
        for name in node.outputs:
            program.keep_rounding(name)
    for name in graph.outputs:
        program.as_float(name)
    return program
