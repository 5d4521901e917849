"""The model as its author has it: the program that every target is compared with."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import onnx

from edgeeeg_export.errors import CaptureError
from edgeeeg_export.ops import DOMAIN
from edgeeeg_export.ops.spiking import Forced
from edgeeeg_export.tensor import Array

if TYPE_CHECKING:
    import torch


class Source(Protocol):
    """An original model that can be run offline with all of its intermediate tensors in view."""

    @property
    def kind(self) -> str:
        """What runs it: 'torch' or 'onnx'."""

    def longest(self, n_times: int) -> int:
        """How many of `n_times` samples of its first input it can take in one pass."""

    def run(
        self, samples: Mapping[str, Array], forced: Mapping[str, Forced] | None = None
    ) -> dict[str, Array]:
        """Tensors by name for samples from zero state.

        Parameters
        ----------
        samples : mapping of str to array (1, n_chans, n_times)
            Each input by name, in the order of the model's arguments.
        forced : mapping of str to Forced, optional
            Decisions of the reference, by the name of the spikes, which the layers behind and the resets then
            follow; what is returned under those names are the model's own.
        """


class TorchSource:
    """A torch module or an exported program, run node by node.

    The program is as the ONNX exporter had it last: its nodes bear the names of the tensors to compare with.
    """

    kind = "torch"

    def __init__(self, program: torch.export.ExportedProgram, module: torch.nn.Module | None = None) -> None:
        self.program, self.module = program, module

    def longest(self, n_times: int) -> int:
        """All of it for a module, which is traced at any length; a `.pt2` file is bound to its own.

        So is a module with an LSTM, GRU or RNN: torch traces their steps one by one, an hour for ten minutes.
        """
        import torch

        layers = () if self.module is None else self.module.modules()
        if self.module is None or any(isinstance(layer, torch.nn.RNNBase) for layer in layers):
            return min(n_times, self._traced_times())
        return n_times

    def _traced_times(self) -> int:
        placeholder = next(
            node
            for node in self.program.graph.nodes
            if node.name == self.program.graph_signature.user_inputs[0]
        )
        return int(placeholder.meta["val"].shape[-1])

    def run(
        self, samples: Mapping[str, Array], forced: Mapping[str, Forced] | None = None
    ) -> dict[str, Array]:
        """Interpret the traced program on this many samples."""
        import torch

        from edgeeeg_export.capture import to_onnx, trace_inputs
        from edgeeeg_export.forced_interpreter import interpret

        program, arrays = self.program, tuple(samples.values())
        if arrays[0].shape[2] != self._traced_times():
            if self.module is None:
                raise CaptureError(
                    f"the exported program takes {self._traced_times()} samples, not {arrays[0].shape[2]}"
                )
            program = to_onnx(trace_inputs(self.module, tuple(array.shape for array in arrays))).program
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return interpret(program, arrays, forced or {})


class OnnxSource:
    """A foreign ONNX model in standard operators, run by ONNX Runtime at its own length."""

    kind = "onnx"

    def __init__(self, model: onnx.ModelProto) -> None:
        if any(node.domain == DOMAIN for node in model.graph.node):
            raise CaptureError(
                "a model with edgeeeg nodes has no independent runtime; bring the torch module"
            )
        self.model = model

    def longest(self, n_times: int) -> int:
        """Its own length."""
        given = {tensor.name for tensor in self.model.graph.initializer}  # old files list weights as inputs
        first = next(value for value in self.model.graph.input if value.name not in given)
        own: int = first.type.tensor_type.shape.dim[-1].dim_value
        return min(n_times, own)

    def run(
        self, samples: Mapping[str, Array], forced: Mapping[str, Forced] | None = None
    ) -> dict[str, Array]:
        """The model's outputs; it has no spiking layers to force."""
        import onnxruntime

        session: Any = onnxruntime.InferenceSession(
            self.model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        names = [output.name for output in self.model.graph.output]
        values = session.run(names, dict(samples))
        return {name: np.asarray(value) for name, value in zip(names, values, strict=True)}
