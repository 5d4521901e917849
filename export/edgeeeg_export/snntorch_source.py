"""The judge of a model built from snnTorch: the author's own module, called step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from edgeeeg_export.capture import evaluating, quiet
from edgeeeg_export.forced_interpreter import SPIKING
from edgeeeg_export.module_outputs import output_names
from edgeeeg_export.ops.spiking import Forced
from edgeeeg_export.snntorch_model import Adapted, StepByStep, in_order
from edgeeeg_export.snntorch_neuron import spiking_layers
from edgeeeg_export.source import TorchSource
from edgeeeg_export.tensor import Array

if TYPE_CHECKING:
    from torch.export import ExportedProgram

LONGEST = 16384
"""Steps over which the module is run: one call of Python for each layer and step, some ten seconds in all."""


class SnnTorchSource:
    """A module of snnTorch layers, run sequentially from rest with its states in its own layers.

    Spikes and outputs are the module's; the tensors in between are those of the traced program, which is the
    same layers with time in place of the batch, under the same spikes.
    """

    kind = "torch"

    def __init__(self, program: ExportedProgram, adapted: Adapted) -> None:
        self.adapted = adapted
        self.traced = TorchSource(program, adapted.model)
        self.spikes = _spiking_nodes(program)

    def longest(self, n_times: int) -> int:
        """At most `LONGEST`: a step at a time is slow."""
        return min(self.traced.longest(n_times), LONGEST)

    def run(
        self, samples: Mapping[str, Array], forced: Mapping[str, Forced] | None = None
    ) -> dict[str, Array]:
        """Spikes and outputs of the module itself, and the layers between of the program."""
        tensors = self.traced.run(samples, forced)
        (x,) = samples.values()
        original = StepByStep(self.adapted.original.model, self.adapted.original.form)
        layers = {
            path: layer for path, layer in spiking_layers(original.model).items() if path in self.spikes
        }
        heard = {
            path: _Followed(layer, forced[self.spikes[path]]).own if forced else _listen(layer)
            for path, layer in layers.items()
        }
        with torch.no_grad(), quiet(), evaluating(original):
            leaves, _ = pytree.tree_flatten(original(torch.from_numpy(x)))
        own = {self.spikes[path]: torch.stack(steps, dim=1).numpy() for path, steps in heard.items()}
        names = output_names(self.traced.program)
        outputs = {
            name: in_order(value, axes).numpy()
            for name, value, axes in zip(names, leaves, self.adapted.axes, strict=True)
        }
        return tensors | own | outputs


class _Followed:
    """A layer that is made to follow decisions of another implementation, and says what its own were.

    snnTorch asks twice a step: whether the membrane left by the step before is reset, and whether it fires.
    """

    def __init__(self, layer: Any, forced: Forced) -> None:
        self.layer = layer
        self.spikes, self.reset = (torch.from_numpy(decisions[0]) for decisions in forced)
        self.own: list[Tensor] = []
        layer.mem_reset, layer.fire = self._reset, self._fire

    def _reset(self, mem: Tensor) -> Tensor:
        return self.reset[len(self.own)].reshape(mem.shape)

    def _fire(self, mem: Tensor) -> Tensor:
        self.own.append(type(self.layer).fire(self.layer, mem).flatten(1))
        return self.spikes[len(self.own) - 1].reshape(mem.shape)


def _listen(layer: nn.Module) -> list[Tensor]:
    """The spikes (1, n) of every step that a layer will take, as it takes them."""
    heard: list[Tensor] = []

    def note(layer: nn.Module, inputs: Any, output: Any) -> None:
        heard.append((output[0] if isinstance(output, tuple) else output).flatten(1))

    layer.register_forward_hook(note)
    return heard


def _spiking_nodes(program: ExportedProgram) -> dict[str, str]:
    """The node of every snnTorch layer's spikes, by the layer's path."""
    return {
        _path([path for path, _ in node.meta["nn_module_stack"].values()][-1]): node.name
        for node in program.graph.nodes
        if node.target in SPIKING
    }


def _path(traced: str) -> str:
    """The path of a layer in the user's model from the one in the traced wrapper."""
    return traced.removeprefix("model").removeprefix(".")
