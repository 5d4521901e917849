"""x W, then + b, becomes one dense layer that starts its sum from b: one pass over the outputs less."""

from __future__ import annotations

from dataclasses import replace

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.linear import Linear


def fuse_bias(graph: Graph) -> Graph:
    """Fuse every constant vector added to the result of a dense layer that nothing else reads."""
    nodes = list(graph.nodes)
    for add in graph.nodes:
        match = _match(graph, add)
        if match is None:
            continue
        dense, bias = match
        fused = replace(dense, inputs=(*dense.inputs, bias), outputs=add.outputs)
        # the sum takes the place of the addition: both of its operands exist there
        nodes[nodes.index(add)] = fused
        nodes.remove(dense)
    return graph.with_nodes(tuple(nodes))


def _match(graph: Graph, add: Node) -> tuple[Node, str] | None:
    if not isinstance(add.op, Add):
        return None
    for result, bias in (add.inputs, add.inputs[::-1]):
        makers = [n for n in graph.nodes if result in n.outputs]
        if not makers or not isinstance(makers[0].op, Linear) or len(makers[0].inputs) != 2:
            continue
        width = graph.tensors[makers[0].inputs[1]].shape[1]
        alone = len(graph.consumers(result)) == 1 and result not in graph.outputs
        if bias in graph.constants and graph.constants[bias].shape == (width,) and alone:
            return makers[0], bias
    return None
