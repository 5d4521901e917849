"""An ONNX model in the making: nodes, constants and functions, with names that are the same in every run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edgeeeg_export.capture import OPSET
from edgeeeg_export.ops import DOMAIN
from edgeeeg_export.ops.op import OnnxBuilder
from edgeeeg_export.tensor import DType

FUNCTIONS_VERSION = 1
"""Version of our domain, in which the functions of a model are defined."""


class _Builder(ABC):
    """What every builder does: nodes, and constants once per value."""

    def __init__(self, functions: dict[str, onnx.FunctionProto], stem: str = "") -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.read: set[str] = set()
        self.functions = functions
        self._stem = stem
        self._known: dict[tuple[str, bytes], str] = {}

    def add(self, op_type: str, inputs: Sequence[str], name: str | None = None, **attributes: Any) -> str:
        """Append a node with one output."""
        output = name or f"{self._stem}{op_type.lower()}.{len(self.nodes)}"
        self._append(op_type, inputs, (output,), output, **attributes)
        return output

    def add_several(
        self, op_type: str, inputs: Sequence[str], count: int, **attributes: Any
    ) -> tuple[str, ...]:
        """Append a node with several outputs."""
        stem = f"{self._stem}{op_type.lower()}.{len(self.nodes)}"
        outputs = tuple(f"{stem}.{k}" for k in range(count))
        self._append(op_type, inputs, outputs, stem, **attributes)
        return outputs

    def constant(self, value: Any, dtype: str = "float32") -> str:
        """Add a constant, once per value."""
        array = np.asarray(value, dtype=dtype)
        key = (f"{dtype}{array.shape}", array.tobytes())
        if key not in self._known:
            name = f"{self._stem}constant.{len(self._known)}"
            self._known[key] = name
            self._keep(name, array)
        return self._known[key]

    def call(
        self,
        function: str,
        body: Callable[[OnnxBuilder], None],
        formal_inputs: Sequence[str],
        formal_outputs: Sequence[str],
        inputs: Sequence[str],
        outputs: Sequence[str],
        attributes: Mapping[str, Any],
    ) -> None:
        """Append a node of our own domain; functions of one name that differ are numbered."""
        inside = _BodyBuilder(self.functions)
        body(inside)
        name, count = function, 1
        while True:
            made = helper.make_function(
                DOMAIN,
                name,
                list(formal_inputs),
                list(formal_outputs),
                inside.nodes,
                [helper.make_opsetid("", OPSET)],
                list(attributes),
            )
            if self.functions.setdefault(name, made) == made:
                break
            count += 1
            name = f"{function}{count}"
        self._append(name, inputs, outputs, outputs[0], domain=DOMAIN, **attributes)

    def scan(
        self,
        body: Callable[[OnnxBuilder], None],
        formal_inputs: Sequence[str],
        formal_outputs: Sequence[str],
        inputs: Sequence[str],
        outputs: Sequence[str],
        types: Mapping[str, DType],
        **axes: Sequence[int],
    ) -> None:
        """Append a Scan."""
        inside = _BodyBuilder(self.functions, f"{outputs[0]}.")
        body(inside)
        graph = helper.make_graph(
            inside.nodes,
            f"{outputs[0]}.step",
            [_value(name, types) for name in formal_inputs],
            [_value(name, types) for name in formal_outputs],
        )
        self.read |= inside.read
        scanned = {name: list(values) for name, values in axes.items()}
        count = len(scanned["scan_input_axes"])
        self._append("Scan", inputs, outputs, outputs[0], body=graph, num_scan_inputs=count, **scanned)

    def _append(
        self, op_type: str, inputs: Sequence[str], outputs: Sequence[str], stem: str, **attributes: Any
    ) -> None:
        name = f"{stem}.node"
        self.read.update(inputs)
        self.nodes.append(helper.make_node(op_type, list(inputs), list(outputs), name=name, **attributes))

    @abstractmethod
    def _keep(self, name: str, value: np.ndarray) -> None:
        """Put a constant where it belongs."""


class GraphBuilder(_Builder):
    """The nodes of a model's own graph; constants are its initializers."""

    def __init__(self) -> None:
        super().__init__({})
        self.initializers: list[onnx.TensorProto] = []

    def _keep(self, name: str, value: np.ndarray) -> None:
        self.initializers.append(numpy_helper.from_array(value, name))


class _BodyBuilder(_Builder):
    """The nodes of a function or of a Scan's body; constants are nodes among them."""

    def _keep(self, name: str, value: np.ndarray) -> None:
        self._append("Constant", (), (name,), name, value=numpy_helper.from_array(value))


def _value(name: str, types: Mapping[str, DType]) -> onnx.ValueInfoProto:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(types.get(name, "float32")))
    return helper.make_tensor_value_info(name, kind, None)
