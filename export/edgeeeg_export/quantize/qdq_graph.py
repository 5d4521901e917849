"""What the pairs of a QDQ model say about the tensors between them, without a rounding more or less.

A pair behind a rectifier or a reshape rounds what is in front of it too, since rounding commutes with both. A
function of one tensor over several layers is rounded once, behind the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.concat import Concat
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.ops.pointwise import Broadcast, Unary
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.slice import Slice
from edgeeeg_export.passes.rewriting import read_elsewhere
from edgeeeg_export.quantize.format import Format, Formats
from edgeeeg_export.quantize.moves import keeps_steps
from edgeeeg_export.quantize.own_integers import OwnIntegers
from edgeeeg_export.quantize.quantized import Quantized
from edgeeeg_export.tensor import Array

FLOAT = Format("float32")


def settle(
    graph: Graph,
    formats: Formats,
    weights: Mapping[str, Array],
    hidden: frozenset[str] = frozenset(),
    states: Formats = MappingProxyType({}),
) -> Quantized:
    """Give every tensor its format.

    Parameters
    ----------
    graph : Graph
        Imported from a model of which the pairs were taken out; not rewritten since.
    formats, weights, hidden, states : as in `qdq_read.QdqModel`.
    """
    known = {name: form for name, form in formats.items() if name in graph.tensors}
    graph, rows = _with_biases(graph, known, dict(weights))
    _backward(graph, known)
    _forward(graph, known)
    own = OwnIntegers(rows, frozenset(known), hidden)
    known |= _parted(graph, known, rows)
    known |= _inside_functions(graph, known)
    _multiples(graph, known)
    varying = (name for name in graph.tensors if name not in graph.constants)
    return Quantized(graph, {name: known.get(name, FLOAT) for name in varying} | dict(states), own)


def _core(node: Node) -> Op:
    return node.op.op if isinstance(node.op, PerWindow) else node.op


def _with_biases(graph: Graph, known: Formats, rows: dict[str, Array]) -> tuple[Graph, dict[str, Array]]:
    """A sum with a constant vector behind a dense layer, not rounded in between, is its bias."""
    nodes = {node.name: node for node in graph.nodes}
    for node in graph.nodes:
        (result,) = node.outputs[:1]
        if not isinstance(_core(node), Linear) or len(node.inputs) != 2 or result in known:
            continue
        if read_elsewhere(graph, result) is not None:
            continue
        (reader,) = graph.consumers(result)
        others = [name for name in reader.inputs if name != result]
        if not isinstance(_core(reader), Add) or len(others) != 1 or others[0] not in graph.constants:
            continue
        if graph.constants[others[0]].shape != graph.constants[node.inputs[1]].shape[1:]:
            continue
        op = node.op
        if isinstance(op, PerWindow):
            op = replace(op, varying=(*op.varying, False))
        del nodes[node.name]
        nodes[reader.name] = replace(node, op=op, inputs=(*node.inputs, *others), outputs=reader.outputs)
        if result in rows:
            rows[reader.outputs[0]] = rows.pop(result)
    return graph.with_nodes(tuple(nodes.values())), rows


def _parted(graph: Graph, known: Formats, rows: Mapping[str, Array]) -> dict[str, Format]:
    """A format for each layer of whose result only slices are read, rounded in steps of their own.

    Multipliers bring each output row into the steps of its slice: nothing reads the format's own steps.
    """
    made = {}
    for name in rows:
        readers = graph.consumers(name)
        forms = [known.get(reader.outputs[0]) for reader in readers if isinstance(_core(reader), Slice)]
        if name not in known and name not in graph.outputs and len(forms) == len(readers) and forms:
            first = forms[0]
            if first is not None and all(form is not None and form.dtype == first.dtype for form in forms):
                made[name] = first
    return made


def _backward(graph: Graph, known: dict[str, Format]) -> None:
    """What is read by a rectifier or a move alone has the format of its result."""
    for node in reversed(graph.nodes):
        moves = isinstance(_core(node), Relu) or keeps_steps(_core(node))
        source = node.inputs[0]
        if not moves or source in known or source in graph.constants or node.outputs[0] not in known:
            continue
        if read_elsewhere(graph, source) is None:
            known[source] = known[node.outputs[0]]


def _forward(graph: Graph, known: dict[str, Format]) -> None:
    """Elements that are moved, joined or rectified have the format that they had."""
    for node in graph.nodes:
        op = _core(node)
        if node.outputs[0] in known:
            continue
        if isinstance(op, Relu) or keeps_steps(op):
            varying = [node.inputs[0]]
        elif isinstance(op, Concat):
            varying = list(node.inputs)
        else:
            continue
        forms = {known.get(name) for name in varying}
        (form,) = forms if len(forms) == 1 else (None,)
        if form is not None:
            known[node.outputs[0]] = form


def _multiples(graph: Graph, known: dict[str, Format]) -> None:
    """The product of a rounded tensor and one positive number: the same integers, each worth as much more."""
    for node in graph.nodes:
        (name, *_), factors = node.outputs, [n for n in node.inputs if n in graph.constants]
        varying = [source for source in node.inputs if source in known]
        if name in known or not isinstance(_core(node), Mul) or len(varying) != 1 or len(factors) != 1:
            continue
        factor = graph.constants[factors[0]]
        if factor.size == 1 and factor.item() > 0:
            own = known[varying[0]]
            known[name] = Format(own.dtype, float(np.float32(own.scale) * np.float32(factor.item())))


def _inside_functions(graph: Graph, known: Formats) -> dict[str, Format]:
    """Tensors within a function of one tensor, with a format that makes it one table: they are never rounded.

    The quantizer tabulates what lies between two formats and drops the tensors in between, if none but the
    function's own layers reads them.
    """
    origins: dict[str, frozenset[str]] = {name: frozenset((name,)) for name in known}
    inside: dict[str, Format] = {}
    whole: set[str] = set()
    for node in graph.nodes:
        if not isinstance(_core(node), Unary | Broadcast):
            continue
        varying = [name for name in node.inputs if name not in graph.constants]
        single = all(graph.constants[name].size == 1 for name in node.inputs if name in graph.constants)
        if not single or not all(name in origins for name in varying):
            continue
        found = frozenset().union(*(origins[name] for name in varying))
        if len(found) != 1:
            continue
        whole.add(node.name)
        if node.outputs[0] not in known:
            origins[node.outputs[0]] = found
            inside[node.outputs[0]] = known[next(iter(found))]
    while True:
        alive = known.keys() | inside.keys()
        kept = {name: form for name, form in inside.items() if _stays_inside(graph, name, whole, alive)}
        if len(kept) == len(inside):
            return kept
        inside = kept


def _stays_inside(graph: Graph, name: str, whole: set[str], alive: Set[str]) -> bool:
    """Whether only layers of functions read a tensor, whose results are rounded or stay inside too."""
    return name not in graph.outputs and all(
        reader.name in whole and reader.outputs[0] in alive for reader in graph.consumers(name)
    )
