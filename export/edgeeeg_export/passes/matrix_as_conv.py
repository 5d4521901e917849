"""A constant matrix over the channels is a convolution of one tap: y = A x, (n_out, n_chans) times (…, time).

A montage, a reference (x - mean over electrodes) or a spatial filter is written so. As a convolution it can
merge with the first one behind it; the sums and their order are the same.
"""

from __future__ import annotations

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.matmul import MatMul
from edgeeeg_export.passes.rewriting import Change, Rewritten, fresh, rewrite


def matrix_as_conv(graph: Graph) -> Rewritten:
    """Turn every product of a constant matrix with (batch, channels, time)."""
    return rewrite(graph, _attempt)


def _attempt(graph: Graph, node: Node) -> Change | str | None:
    if not isinstance(node.op, MatMul) or node.inputs[0] not in graph.constants:
        return None
    matrix, x = graph.constants[node.inputs[0]], graph.tensors[node.inputs[1]]
    if matrix.size != matrix.shape[-2] * matrix.shape[-1] or (len(x.shape), x.time_axis) != (3, 2):
        return None
    if len(matrix.shape) > len(x.shape):
        return None
    n_out, n_chans = matrix.shape[-2:]
    weight = fresh(graph, f"{node.inputs[0]}.taps")
    conv = Node(node.name, Conv(), (node.inputs[1], weight), node.outputs, node.path)
    done = f"its matrix {n_out}×{n_chans} over the channels became a convolution of one tap"
    return Change((node,), (conv,), done, {weight: matrix.reshape(n_out, n_chans, 1)})
