"""Windowed semantics: every window equals an offline pass over it alone, yet its middle is computed once.

A layer that pads time makes other frames at the ends of a window than a stream makes there. Only those are
computed anew for each window, from the frames at its ends; the rest is taken from the stream. Where the edges
are no fewer than the frames of the whole window would be, the whole window is computed anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from edgeeeg_export.errors import GraphError
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.blocks import Blocks
from edgeeeg_export.ops.concat import Concat
from edgeeeg_export.ops.op import Op, Sliding, TimeWindow, time_window
from edgeeeg_export.ops.windows import Windows
from edgeeeg_export.passes.drop_dead import drop_dead


@dataclass(frozen=True, slots=True)
class _Edged:
    """A window of `length` frames of a stream: its first and last ones lie in tensors of their own.

    `left` and `right` are streams with a block of `n_left` and `n_right` frames for every window.
    """

    stream: str
    length: int
    left: str = ""
    n_left: int = 0
    right: str = ""
    n_right: int = 0

    @property
    def inner(self) -> int:
        """Where the right edge begins."""
        return self.length - self.n_right


def exact_windows(graph: Graph) -> Graph:
    """The same graph with the edges of every window computed as that window has them.

    Parameters
    ----------
    graph : Graph
        Imported with windowed semantics: its layers without windows have no state. `at_hop` has been chosen.
    """
    return _Rewriting(graph).build()


class _Rewriting:
    """One walk over the nodes, which follows the edges of every tensor that runs along time."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[Node] = []
        self.types = dict(graph.tensors)
        self.names = {node.name for node in graph.nodes}
        windows = [node for node in graph.nodes if isinstance(node.op, Windows)]
        self.hop = max(
            (Fraction(graph.tensors[node.outputs[0]].samples_per_frame) for node in windows), default=None
        )
        self.edged = {name: _Edged(name, type_.frames) for name, type_ in graph.inputs.items()}

    def build(self) -> Graph:
        """The rewritten graph."""
        if self.hop is None:
            return self.graph
        for node in self.graph.nodes:
            varying = [name for name in node.inputs if name in self.edged]
            if isinstance(node.op, Windows) and varying:
                self._take(node, node.op, self.edged[varying[0]])
            elif varying:
                self._follow(node, varying)
            else:
                self.nodes.append(node)
        return drop_dead(
            self.graph.with_nodes(tuple(self.nodes))
        ).graph  # streams of which only edges are left

    def _follow(self, node: Node, varying: list[str]) -> None:
        """A layer along time, and what it makes of the edges."""
        self.nodes.append(node)
        op, window = node.op, time_window(node.op, self.graph.types(node.inputs))
        if isinstance(op, Sliding) and window is not None:
            self._slide(node, op, window, self.edged[varying[0]])
        else:
            self._pointwise(node, varying)

    def _pointwise(self, node: Node, varying: list[str]) -> None:
        """The same operator on the edges of its operands, made equally long."""
        edges = [self.edged[name] for name in varying]
        n_left, n_right = (max(getattr(edge, side) for edge in edges) for side in ("n_left", "n_right"))
        if any(n_left + n_right > edge.length for edge in edges):
            n_left, n_right = edges[0].length, 0
        length = edges[0].length
        sides = {"left": (0, n_left), "right": (length - n_right, length)}
        made: dict[str, dict[str, str]] = {name: {} for name in node.outputs}
        for side, (first, last) in sides.items():
            if first == last:
                continue
            names = {
                name: self._blocks(edge, first, last, node) for name, edge in zip(varying, edges, strict=True)
            }
            names |= {name: f"{name}.{side}" for name in node.outputs}
            twin = replace(
                node.renamed(names),
                name=self._unique(f"{node.name}_{side}"),
                path=node.path or node.name,
            )
            produced = twin.op.infer(tuple(self.types[name] for name in twin.inputs))
            self.types.update(zip(twin.outputs, produced, strict=True))
            self.nodes.append(twin)
            for name in node.outputs:
                made[name][side] = names[name]
        for name in node.outputs:
            left, right = made[name].get("left", ""), made[name].get("right", "")
            self.edged[name] = _Edged(name, length, left, n_left, right, n_right)

    def _slide(self, node: Node, op: Sliding, window: TimeWindow, x: _Edged) -> None:
        """A window of time: the outputs that see an edge or padding are edges."""
        (result,) = node.outputs
        length = self.graph.tensors[result].frames
        n_left = max(-(-(x.n_left + window.before) // window.stride), 0)
        whole = (x.inner - window.reach + window.before) // window.stride + 1
        n_right = max(length - max(whole, 0), 0)
        per_hop = int(self.hop_of(result))
        seen = (n_left - 1) * window.stride - window.before + window.reach
        first = (length - n_right) * window.stride - window.before
        if n_left + n_right + per_hop >= length or seen > x.length or first < 0:
            left = self._edge(node, op, x, (0, x.length), (window.before, window.after), "whole")
            self.edged[result] = _Edged(result, length, left, length)
            return
        left = right = ""
        # an edge may see nothing but padding; then it reads a frame and leaves it out
        if n_left:
            last = max(seen, 1)
            left = self._edge(node, op, x, (0, last), (window.before, seen - last), "left")
        if n_right:
            start = min(first, x.length - 1)
            right = self._edge(node, op, x, (start, x.length), (start - first, window.after), "right")
        self.edged[result] = _Edged(result, length, left, n_left, right, n_right)

    def hop_of(self, name: str) -> Fraction:
        """Frames of a stream in one hop."""
        return (self.hop or Fraction(0)) / Fraction(self.graph.tensors[name].samples_per_frame)

    def _edge(
        self,
        node: Node,
        op: Sliding,
        x: _Edged,
        frames: tuple[int, int],
        padding: tuple[int, int],
        side: str,
    ) -> str:
        """Blocks of what a layer makes of some frames of the window, padded as the window's end is."""
        types = self.graph.types(node.inputs)
        source = self._batch(x, *frames, node)
        result = f"{node.outputs[0]}.{side}"
        padded = op.over(types, *padding)
        self._add(f"{node.name}_{side}", padded, (source, *node.inputs[1:]), f"{result}.windows", node)
        axis, batch = self.types[node.outputs[0]].time_axis, self.types[f"{result}.windows"].time_axis
        blocks = Blocks(axis or 0, batch or 0)
        return self._add(f"{node.name}_{side}_blocks", blocks, (f"{result}.windows",), result, node)

    def _blocks(self, x: _Edged, first: int, last: int, node: Node) -> str:
        """Frames of the window as a stream with a block for each."""
        if (first, last) == (0, x.n_left):
            return x.left
        if x.n_right and (first, last) == (x.inner, x.length):
            return x.right
        axis, batch = self._axes(x.stream)
        source = self._batch(x, first, last, node)
        return self._add(f"{node.name}_edge", Blocks(axis, batch), (source,), f"{source}.blocks", node)

    def _take(self, node: Node, op: Windows, x: _Edged) -> None:
        """Windows of an edged tensor: its edges and its middle joined."""
        if x.n_left == x.n_right == 0:
            self.nodes.append(node)
            return
        joined = self._batch(x, op.skip, op.skip + op.length, node, op.batch)
        self.nodes[-1] = self.nodes[-1].renamed({joined: node.outputs[0]})

    def _batch(self, x: _Edged, first: int, last: int, node: Node, batch: int | None = None) -> str:
        """Frames [first, last) of every window, as a batch of windows."""
        axis, free = self._axes(x.stream)
        batch = free if batch is None else batch
        parts = (
            (x.left, 0, x.n_left, x.n_left),
            (x.stream, x.n_left, x.inner, int(self.hop_of(x.stream))),
            (x.right, x.inner, x.length, x.n_right),
        )
        pieces = []
        for name, start, stop, stride in parts:
            low, high = max(first, start), min(last, stop)
            if low >= high:
                continue
            origin, whole = (0, x.length) if name == x.stream else (start, stop - start)
            op = Windows(axis, batch, high - low, stride, low - origin, whole - (high - origin))
            target = f"{name}.{low}.{high}.{len(self.nodes)}"
            pieces.append(self._add(f"{node.name}_frames", op, (name,), target, node))
        if len(pieces) == 1:
            return pieces[0]
        target = f"{x.stream}.{first}.{last}.{len(self.nodes)}"
        return self._add(f"{node.name}_joined", Concat(axis), tuple(pieces), target, node)

    def _axes(self, name: str) -> tuple[int, int]:
        """The axes of time and of the batch."""
        type_ = self.graph.tensors[name]
        free = [axis for axis, extent in enumerate(type_.shape) if extent == 1 and axis != type_.time_axis]
        if type_.time_axis is None or not free:
            raise GraphError(
                f"tensor '{name}' {type_.shape} has no axis left for the batch of windows; keep the batch an "
                "axis of its own, or export with continuous semantics"
            )
        return type_.time_axis, free[0]

    def _add(self, name: str, op: Op, inputs: tuple[str, ...], output: str, origin: Node) -> str:
        (self.types[output],) = op.infer(tuple(self.types[source] for source in inputs))
        path = origin.path or origin.name
        self.nodes.append(Node(self._unique(name), op, inputs, (output,), path))
        return output

    def _unique(self, wanted: str) -> str:
        name, count = wanted, 1
        while name in self.names:
            count += 1
            name = f"{wanted}_{count}"
        self.names.add(name)
        return name
