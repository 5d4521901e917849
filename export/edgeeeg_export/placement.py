"""Where each layer of a model runs: along time, on a batch of whole windows, or on each window by itself.

A layer is tried along time first. What needs its whole window (dense over time, global pooling, a backward
recurrence, attention) reads windows of its operands, and everything behind it stays there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Literal

import onnx

from edgeeeg_export.errors import GraphError, UnsupportedOperator
from edgeeeg_export.graph import Node
from edgeeeg_export.imported_node import ImportedNode, Surroundings, operator_key
from edgeeeg_export.ops import DOMAIN, FROM_ONNX
from edgeeeg_export.ops.apart import Apart
from edgeeeg_export.ops.fresh import Fresh
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.windows import Windows
from edgeeeg_export.tensor import TensorType

Semantics = Literal["continuous", "windowed"]
"""How a program runs on an endless recording: its state carried for ever, or anew in every window."""
SEMANTICS: tuple[Semantics, ...] = ("continuous", "windowed")


class Domain(IntEnum):
    """Where a tensor that varies in time lies."""

    STREAM = 0  # along time
    WINDOWS = 1  # a batch of windows
    APART = 2  # each window by itself


_Lowered = tuple[Op, tuple[str, ...], tuple[str, ...], tuple[TensorType, ...]]
"""An operator, its inputs, its outputs and their types."""


class Placement:
    """Operators placed so far, with the types of their tensors and where these lie.

    Parameters
    ----------
    inputs : mapping of str to TensorType
    semantics : "continuous" or "windowed"
    surroundings : Surroundings
        What nodes may ask for; its types are those of the placement.
    """

    def __init__(
        self, inputs: Mapping[str, TensorType], semantics: Semantics, surroundings: Surroundings
    ) -> None:
        self.types = dict(inputs)
        self.nodes: list[Node] = []
        self.semantics = semantics
        self.surroundings = surroundings
        self.windows: dict[tuple[str, Domain], str] = {}
        self.domains: dict[str, Domain] = {}
        self.names: set[str] = set()

    def place(self, node: ImportedNode) -> None:
        """Append the operators that an ONNX node becomes.

        Raises
        ------
        GraphError, UnsupportedOperator
            If it runs nowhere; the message names the layer.
        """
        for op, inputs, outputs, produced in self._lowered(node):
            self.types.update(zip(outputs, produced, strict=True))
            domains = {self._domain(name) for name in inputs if self._varies(name)}
            domain = Domain.WINDOWS if isinstance(op, Windows) else max(domains, default=Domain.STREAM)
            self.domains.update(dict.fromkeys(outputs, domain))
            unique = self._unique(_layer_name(node.path, op.kind))
            self.nodes.append(Node(unique, op, inputs, outputs, node.path))

    def _varies(self, name: str) -> bool:
        return name in self.types and self.types[name].time_axis is not None

    def _lowered(self, node: ImportedNode) -> list[_Lowered]:
        """Along time if it can; else on a batch of windows, if it leaves the batch alone; else on each alone.

        Where none of them will do, the reason of the last: it is the one without time.
        """
        varying = [name for name in node.inputs if self._varies(name)]
        lowest = max((self._domain(name) for name in varying), default=Domain.STREAM)
        possible = [Domain.STREAM, Domain.WINDOWS]
        along_time: Exception | None = None
        if not all(self._free(name) for name in varying if self._domain(name) is Domain.STREAM):
            possible.remove(Domain.WINDOWS)  # a batch would be one axis more than the operator knows of
        if lowest < Domain.APART:
            for domain in (d for d in possible if d >= lowest):
                try:
                    return self._lower(self._reading(node, domain))
                except (GraphError, UnsupportedOperator) as error:
                    if not varying:
                        raise
                    along_time = along_time or error
        apart = self._reading(node, Domain.APART)
        try:
            fresh = self._lower_fresh(apart)
        except GraphError as error:
            raise along_time or error from error  # what it lacks along time, it lacks on a window
        return self._lower_apart(apart) if fresh is None else fresh

    def _domain(self, name: str) -> Domain:
        return self.domains.get(name, Domain.STREAM)

    def _free(self, name: str) -> list[int]:
        """The axes that may take the windows of a tensor as their batch."""
        type_ = self.types[name]
        return [axis for axis, extent in enumerate(type_.shape) if extent == 1 and axis != type_.time_axis]

    def _lower_fresh(self, node: ImportedNode) -> list[_Lowered] | None:
        """A layer of our own that carries a state, on windows from its initial one; None for any other."""
        if node.proto.domain != DOMAIN:
            return None
        made = FROM_ONNX[operator_key(node.proto)](node)
        if len(made) != 1 or not made[0][0].window_axes:
            return None
        ((op, inputs, outputs),) = made
        operands = tuple(self._known_type(node, name) for name in inputs)
        varying = tuple(type_.time_axis is not None for type_ in operands)
        apart = PerWindow(Fresh(op, op.window_axes[: len(inputs)]), varying)
        try:
            results = apart.infer(operands)
        except GraphError as error:
            raise GraphError(f"layer {node.label}: {error}") from error
        return [(apart, inputs, outputs, results)]

    def _known_type(self, node: ImportedNode, name: str) -> TensorType:
        """The type of an operand, which may be a constant that nothing has read yet."""
        if name not in self.types:
            self.types[name] = TensorType(tuple(node.known_constant(name).shape))
        return self.types[name]

    def _lower(self, node: ImportedNode) -> list[_Lowered]:
        """What a node becomes, with the types of the results; an error if it needs its whole window."""
        lowered: list[_Lowered] = []
        types = dict(self.types)
        for op, inputs, outputs in FROM_ONNX[operator_key(node.proto)](node):
            for name in inputs:
                if name not in types:
                    types[name] = self._known_type(node, name)
            operands = tuple(types[name] for name in inputs)
            try:
                produced = op.infer(operands)
            except GraphError as error:
                raise GraphError(f"layer {node.label}: {error}") from error
            if self.semantics == "windowed" and op.states(operands):
                raise GraphError(f"layer {node.label} has a state, which begins anew in every window")
            reason = op.obstacle(operands)
            if reason is not None:
                raise GraphError(f"layer {node.label} cannot stream: {reason}")
            types.update(zip(outputs, produced, strict=True))
            lowered.append((op, inputs, outputs, produced))
        return lowered

    def _lower_apart(self, node: ImportedNode) -> list[_Lowered]:
        """What a node becomes where each window is computed by itself, without a time axis."""
        types = dict(self.types)
        single = {name: TensorType(types[name].shape[1:]) for name in node.inputs if self._varies(name)}
        try:
            self.types = types | single
            lowered = self._lower(node)
            added = {name: type_ for name, type_ in self.types.items() if name not in types}
        finally:
            self.types = types
        self.types |= added
        varying = set(single)
        wrapped: list[_Lowered] = []
        known = dict(self.types)
        for op, inputs, outputs, produced in lowered:
            if not varying.intersection(inputs):
                wrapped.append((op, inputs, outputs, produced))
                known.update(zip(outputs, produced, strict=True))
                continue
            apart = PerWindow(op, tuple(name in varying for name in inputs))
            results = apart.infer(tuple(known[name] for name in inputs))
            varying.update(outputs)
            known.update(zip(outputs, results, strict=True))
            wrapped.append((apart, inputs, outputs, results))
        return wrapped

    def _reading(self, node: ImportedNode, domain: Domain) -> ImportedNode:
        """The same node reading its varying operands as windows of that kind."""
        proto = onnx.NodeProto()
        proto.CopyFrom(node.proto)
        for k, name in enumerate(node.inputs):
            if not self._varies(name):
                continue
            if self._domain(name) < Domain.WINDOWS <= domain:
                name = self._window(name, node)
            if self._domain(name) < Domain.APART <= domain:
                name = self._apart(name, node)
            proto.input[k] = name
        return ImportedNode(proto, self.surroundings)

    def _window(self, name: str, node: ImportedNode, result: str = "") -> str:
        """The windows of a tensor, made when they are first asked for."""
        type_ = self.types[name]
        free = self._free(name)
        if type_.time_axis is None:
            raise node.refuse(f"its operand '{name}' does not vary in time")
        if not free and (name, Domain.STREAM) not in self.windows:
            leading = f"{name}.batch"
            shape = tuple(-1 if k == type_.time_axis else n for k, n in enumerate(type_.shape))
            self._add(node, Reshape((1, *shape)), name, leading, Domain.STREAM)
            self.windows[name, Domain.STREAM] = leading
        name = self.windows.get((name, Domain.STREAM), name)
        type_ = self.types[name]
        key = (name, Domain.WINDOWS)
        if key not in self.windows:
            op = Windows(type_.time_axis or 0, 0 if not free else free[0], type_.frames)
            domain = Domain.WINDOWS if free else Domain.APART
            self.windows[key] = self._add(node, op, name, result or f"{name}.windows", domain)
        return self.windows[key]

    def _apart(self, name: str, node: ImportedNode) -> str:
        """Windows of a tensor on an axis of their own, made when they are first asked for."""
        key = (name, Domain.APART)
        if key not in self.windows:
            op = Apart(self.types[name].time_axis or 0)
            self.windows[key] = self._add(node, op, name, f"{name}.apart", Domain.APART)
        return self.windows[key]

    def _add(self, node: ImportedNode, op: Op, source: str, result: str, domain: Domain) -> str:
        """Append an operator with one operand and one result."""
        (self.types[result],) = op.infer((self.types[source],))
        self.domains[result] = domain
        unique = self._unique(_layer_name(node.path, op.kind))
        self.nodes.append(Node(unique, op, (source,), (result,), node.path))
        return result

    def window_outputs(self, outputs: tuple[str, ...]) -> None:
        """Give out windows of those outputs that run along time, each under its own name."""
        for name in outputs:
            if not self._varies(name) or self._domain(name) > Domain.STREAM:
                continue
            early = f"{name}.stream"
            self.nodes = [made.renamed({name: early}) for made in self.nodes]
            self.types[early] = self.types.pop(name)
            identity = onnx.helper.make_node("Identity", [early], [name], name=name)
            self._window(early, ImportedNode(identity, self.surroundings), name)

    def _unique(self, wanted: str) -> str:
        stem = "".join(c if c.isalnum() else "_" for c in wanted).strip("_").lower() or "node"
        name, count = stem, 1
        while name in self.names:
            count += 1
            name = f"{stem}_{count}"
        self.names.add(name)
        return name


def _layer_name(path: str, kind: str) -> str:
    """Module path and operator, `mamba_selective_scan`; the path alone where it ends in that name."""
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind).strip("_")
    if not path or path.lower().endswith(snake):
        return path or snake
    return f"{path}_{snake}"
