"""The one-step ONNX model in TVM: built by Relax for a target, run on its virtual machine, states carried.

TVM's importer knows no functions and no Scan, so functions are inlined and a Scan becomes its body, once a
frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
import onnx.inliner
from onnx import helper, numpy_helper

from edgeeeg.errors import MissingDependency
from edgeeeg_export.errors import ExportError
from edgeeeg_export.targets.onnx_step import NEXT
from edgeeeg_export.tensor import Array

HOST: Mapping[str, Any] = MappingProxyType({"kind": "llvm"})
"""Any processor of this machine's kind."""


def unrolled(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model in standard operators without functions and Scans.

    Raises
    ------
    ExportError
        If the frames of a Scan are not known.
    """
    inlined = onnx.inliner.inline_local_functions(model)
    shapes = _shapes(inlined)
    graph = inlined.graph
    nodes = [
        made for node in graph.node for made in (_frames(node, shapes) if node.op_type == "Scan" else (node,))
    ]
    flat = helper.make_graph(nodes, graph.name, graph.input, graph.output, graph.initializer)
    standard = [opset for opset in inlined.opset_import if opset.domain == ""]
    result = helper.make_model(flat, opset_imports=standard, ir_version=inlined.ir_version)
    onnx.checker.check_model(result, full_check=True)
    return result


def _shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    return {
        value.name: tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)
        for value in (*graph.input, *graph.value_info, *graph.output)
    }


def _frames(node: onnx.NodeProto, shapes: Mapping[str, tuple[int, ...]]) -> Iterator[onnx.NodeProto]:
    """The nodes of a Scan: of each frame the slices it reads, then its body; at last the stacked results."""
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    body, n_scanned = attributes["body"], attributes["num_scan_inputs"]
    carried = list(node.input[: len(node.input) - n_scanned])
    scanned = list(node.input[len(carried) :])
    read_axes = attributes.get("scan_input_axes", [0] * n_scanned)
    made_axes = attributes.get("scan_output_axes", [0] * (len(node.output) - len(carried)))
    shape = shapes.get(scanned[0], ())
    frames = shape[read_axes[0]] if shape else 0
    if frames < 1:
        raise ExportError(
            f"{node.name or node.output[0]}: a Scan over an unknown number of frames; fix its shape"
        )
    pieces: list[list[str]] = [[] for _ in made_axes]
    formal = [value.name for value in body.input]
    for frame in range(frames):
        stem = f"{node.output[0]}.frame{frame}"
        names = dict(zip(formal, carried, strict=False))
        index = f"{stem}.index"
        yield helper.make_node(
            "Constant", (), (index,), value=numpy_helper.from_array(np.array(frame), index)
        )
        for inside, source, axis in zip(formal[len(carried) :], scanned, read_axes, strict=True):
            names[inside] = f"{stem}.{inside}"
            yield helper.make_node("Gather", (source, index), (names[inside],), axis=axis)
        made_here = [name for inner in body.node for name in inner.output]
        names |= {name: f"{stem}.{name}" for name in made_here}
        for inner in body.node:
            copy = onnx.NodeProto()
            copy.CopyFrom(inner)
            copy.name = f"{stem}.{inner.name}"
            copy.input[:] = [names.get(name, name) for name in inner.input]
            copy.output[:] = [names.get(name, name) for name in inner.output]
            yield copy
        results = [names.get(value.name, value.name) for value in body.output]
        carried = results[: len(carried)]
        for piece, result, axis in zip(pieces, results[len(carried) :], made_axes, strict=True):
            where, widened = f"{result}.axis", f"{result}.frame"
            yield helper.make_node(
                "Constant", (), (where,), value=numpy_helper.from_array(np.array([axis]), where)
            )
            yield helper.make_node("Unsqueeze", (result, where), (widened,))
            piece.append(widened)
    for value, name in zip(carried, node.output, strict=False):
        yield helper.make_node("Identity", (value,), (name,))
    for piece, name, axis in zip(pieces, node.output[len(carried) :], made_axes, strict=True):
        yield helper.make_node("Concat", piece, (name,), axis=axis)


class TvmStep:
    """A one-step model on TVM's virtual machine, whose states stay in TVM's tensors.

    Parameters
    ----------
    model : onnx.ModelProto
        As `onnx_step.emit` gives it: a state NAME is an input, its next value the output `NAME.next`.
    states : mapping of str to array
        Initial values of all states.
    target : mapping of str to value
        What TVM builds for, in its own words: `kind`, `mcpu` and the like.

    Raises
    ------
    MissingDependency
        If TVM is not installed.
    ExportError
        If it refuses the model, or a state has no initial value.
    """

    def __init__(
        self, model: onnx.ModelProto, states: Mapping[str, Array], target: Mapping[str, Any] = HOST
    ) -> None:
        try:
            import tvm
            from tvm import relax
            from tvm.relax.frontend.onnx import from_onnx
        except ImportError as error:
            raise MissingDependency("this needs TVM; install it with: pip install 'edgeeeg[tvm]'") from error
        flat = unrolled(model)
        names = tuple(value.name for value in flat.graph.input)
        outputs = tuple(value.name for value in flat.graph.output)
        self._carried = tuple(name for name in names if f"{name}{NEXT}" in outputs)
        lacking = sorted(set(self._carried) - set(states))
        if lacking:
            raise ExportError(f"states without an initial value: {', '.join(lacking)}; give one for each")
        self._inputs = tuple(name for name in names if name not in self._carried)
        self._order = names
        self._single = len(outputs) == 1  # the virtual machine gives one tensor as it is, several as an array
        self._outputs = tuple(name for name in outputs if not name.endswith(NEXT))
        self._next = tuple(outputs.index(f"{name}{NEXT}") for name in self._carried)
        self._tensor: Any = tvm.runtime.tensor
        self._initial = {name: np.asarray(states[name]) for name in self._carried}
        try:
            module = from_onnx(flat, sanitize_input_names=False)
            self._library: Any = tvm.compile(module, tvm.target.Target(dict(target)))
        except (RuntimeError, NotImplementedError, ValueError) as error:  # TVM's own are some of these
            said = str(error).strip().splitlines() or [type(error).__name__]
            raise ExportError(f"TVM refuses {flat.graph.name}: {said[-1]}") from error
        self._main: Any = relax.VirtualMachine(self._library, tvm.cpu())["main"]
        self.reset()

    def reset(self) -> None:
        """Back to the initial states."""
        self._states = {name: self._tensor(value) for name, value in self._initial.items()}

    def tensors(self, inputs: Mapping[str, Array]) -> dict[str, Any]:
        """Inputs of one step as TVM's tensors."""
        return {name: self._tensor(np.ascontiguousarray(inputs[name])) for name in self._inputs}

    def advance(self, tensors: Mapping[str, Any]) -> list[Any]:
        """One step on TVM's tensors; the outputs in their order, as tensors, and the states carried on."""
        operands = [self._states[name] if name in self._states else tensors[name] for name in self._order]
        results = self._main(*operands)
        found = [results] if self._single else list(results)
        self._states = {name: found[at] for name, at in zip(self._carried, self._next, strict=True)}
        return found[: len(self._outputs)]

    def step(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Outputs of one step by name."""
        found = self.advance(self.tensors(inputs))
        return {name: tensor.numpy() for name, tensor in zip(self._outputs, found, strict=True)}

    def save(self, path: Path) -> Path:
        """Write what was built as a shared library."""
        self._library.export_library(str(path))
        return path
