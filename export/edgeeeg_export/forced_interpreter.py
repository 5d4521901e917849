"""Runs an exported torch program node by node, with the spikes of another implementation forced if given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.export.graph_signature import InputKind

from edgeeeg.cells import adaptive_lif, lif, recurrent_lif, synaptic
from edgeeeg.cells.firing import Forced
from edgeeeg_export.module_outputs import output_names
from edgeeeg_export.ops import spiking
from edgeeeg_export.tensor import Array

SPIKING: dict[Any, Callable[..., Tensor]] = {
    torch.ops.edgeeeg.adaptive_lif.default: adaptive_lif.from_rest,
    torch.ops.edgeeeg.lif.default: lif.from_rest,
    torch.ops.edgeeeg.recurrent_lif.default: recurrent_lif.from_rest,
    torch.ops.edgeeeg.synaptic.default: synaptic.from_rest,
}
"""The spiking cells, and what runs each with decisions forced."""


def interpret(
    program: torch.export.ExportedProgram, samples: Sequence[Array], forced: Mapping[str, spiking.Forced]
) -> dict[str, Array]:
    """Every tensor of the program by its node's name, and the outputs under the names of the ONNX export.

    `samples` has each input (1, n_chans, n_times) in the order of the program's arguments.
    """
    waiting = iter(samples)
    interpreter = _Interpreter(program, forced)
    arguments: list[Any] = []
    for spec in program.graph_signature.input_specs:
        if spec.kind is InputKind.USER_INPUT:
            arguments.append(torch.from_numpy(np.ascontiguousarray(next(waiting))))
        elif spec.kind is InputKind.CONSTANT_TENSOR:
            arguments.append(program.constants[str(spec.target)])
        elif str(spec.target) in program.state_dict:
            arguments.append(program.state_dict[str(spec.target)])
        else:  # a buffer that the state dict leaves out
            arguments.append(program.constants[str(spec.target)])
    results = interpreter.run(*arguments)
    names = output_names(program)
    outputs = {name: value.numpy() for name, value in zip(names, results, strict=True)}
    return interpreter.seen | outputs


class _Interpreter(torch.fx.Interpreter):
    def __init__(self, program: torch.export.ExportedProgram, forced: Mapping[str, spiking.Forced]) -> None:
        super().__init__(program.graph_module)
        self.forced = forced
        self.seen: dict[str, Array] = {}

    def run_node(self, n: torch.fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.seen[n.name] = result.numpy()
        if n.target in SPIKING and n.name in self.forced:
            forced = Forced(*(torch.from_numpy(value) for value in self.forced[n.name]))
            args, kwargs = self.fetch_args_kwargs_from_env(n)
            self.seen[n.name] = SPIKING[n.target](*args, **kwargs, forced=forced).numpy()
            return forced.spikes
        return result
