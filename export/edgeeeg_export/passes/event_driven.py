"""Dense layers behind spikes read the weights of neurons that fired alone, where that is the cheaper form.

The sums are the same to the last bit: what is left out is 0 times a weight, and a sum of floats that does not
begin at -0 never comes to it, so adding 0 changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.concat import Concat
from edgeeeg_export.ops.event_kernels import break_even
from edgeeeg_export.ops.event_linear import EventLinear
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.quantized_event_linear import QuantizedEventLinear
from edgeeeg_export.ops.quantized_lif import QuantizedLif
from edgeeeg_export.ops.quantized_linear import QuantizedLinear
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.slice import Slice
from edgeeeg_export.ops.spiking import Spiking
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.rewriting import Change, Rewritten, maker, rewrite

FIRING = (Spiking, QuantizedLif)
MOVING = (Reshape, Slice, Transpose, Concat)
"""What only selects from its operands."""


def event_driven(graph: Graph) -> Rewritten:
    """Give every dense layer behind spikes its event-driven form."""
    return rewrite(graph, _attempt)


def _attempt(graph: Graph, node: Node) -> Change | str | None:
    form = _form(node.op)
    if form is None or not _are_spikes(graph, node.inputs[0]):
        return None
    weights = [graph.constants[name] for name in node.inputs[1:]]
    if not isinstance(form, QuantizedEventLinear) and len(weights) == 2 and _negative_zero(weights[1]):
        return "reads spikes, but a bias of -0 would be lost where none comes: stays dense"
    layer = form.dense(graph.types(node.inputs))
    k, most = layer.k, break_even(layer, "dsp")
    if most < 1:
        return f"reads spikes, but not one of {k} is worth looking for on Cortex-M4: stays dense"
    above = "never multiplies" if most == k else f"multiplies above {100 * most / k:.0f} % ({most} of {k})"
    done = f"adds the weights of neurons that fired; on Cortex-M4 it {above}"
    return Change((node,), (replace(node, op=form),), done)


def _form(op: Op) -> EventLinear | QuantizedEventLinear | None:
    """The event-driven form of a dense layer."""
    if type(op) is Linear:
        return EventLinear()
    if type(op) is QuantizedLinear:
        return QuantizedEventLinear(width=op.width)
    return None


def _are_spikes(graph: Graph, name: str) -> bool:
    """Whether every element of a tensor is a spike of 0 or 1."""
    source = maker(graph, name)
    if source is None:
        return False
    if isinstance(source.op, FIRING):
        return name == source.outputs[0]
    if not isinstance(source.op, MOVING):
        return False
    operands = source.inputs if isinstance(source.op, Concat) else source.inputs[:1]
    return all(_are_spikes(graph, operand) for operand in operands)


def _negative_zero(bias: np.ndarray) -> bool:
    return bool(((bias == 0) & np.signbit(bias)).any())
