"""The judge of a model built from snnTorch: the author's own module, called step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from edgeeeg_export.capture import evaluating, quiet
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.module_outputs import output_names
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
        self, samples: Mapping[str, Array], forced: Mapping[str, Array] | None = None
    ) -> dict[str, Array]:
        """Spikes and outputs of the module itself, and the layers between of the program."""
        tensors = self.traced.run(samples, forced)
        (x,) = samples.values()
        original = StepByStep(self.adapted.original.model, self.adapted.original.form)
        layers = {
            path: layer for path, layer in spiking_layers(original.model).items() if path in self.spikes
        }
        decisions = {
            path: _Decisions(layer, None if forced is None else forced.get(self.spikes[path]))
            for path, layer in layers.items()
        }
        with torch.no_grad(), quiet(), evaluating(original):
            leaves, _ = pytree.tree_flatten(original(torch.from_numpy(x)))
        own = {self.spikes[path]: seen.taken() for path, seen in decisions.items()}
        names = output_names(self.traced.program)
        outputs = {
            name: in_order(value, axes).numpy()
            for name, value, axes in zip(names, leaves, self.adapted.axes, strict=True)
        }
        return tensors | own | outputs


class _Decisions:
    """What a layer decides at every step, and the decisions that it is made to follow if there are any.

    snnTorch asks twice a step: whether the membrane left by the step before is reset, and whether it fires.
    """

    def __init__(self, layer: Any, forced: Array | None) -> None:
        self.layer: Any = layer
        self.own: list[Tensor] = []
        self.forced = None if forced is None else torch.from_numpy(forced[0])
        self.flipped: Tensor | None = None
        if self.forced is None:
            layer.register_forward_hook(self._record)
        else:
            self.layer.mem_reset = self._reset
            self.layer.fire = self._fire

    def taken(self) -> Array:
        """The layer's own spikes, (1, time, n)."""
        spikes: Array = torch.stack(self.own, dim=1).numpy()
        return spikes

    def _record(self, layer: nn.Module, inputs: Any, output: Any) -> None:
        spikes = output[0] if isinstance(output, tuple) else output
        self.own.append(spikes.flatten(1))

    def _reset(self, mem: Tensor) -> Tensor:
        reset: Tensor = type(self.layer).mem_reset(self.layer, mem)
        if self.flipped is None:
            return reset
        if self.layer.reset_delay:
            assert self.forced is not None
            return self.forced[len(self.own) - 1].reshape(mem.shape)
        # one that fired at a rounding of the threshold, and should not have, is not past it either
        return torch.where(self.flipped, 0.0, reset)

    def _fire(self, mem: Tensor) -> Tensor:
        assert self.forced is not None
        own: Tensor = type(self.layer).fire(self.layer, mem)
        follow = self.forced[len(self.own)].reshape(mem.shape)
        self.own.append(own.flatten(1))
        self.flipped = own != follow
        return follow


def _spiking_nodes(program: ExportedProgram) -> dict[str, str]:
    """The node of every snnTorch layer's spikes, by the layer's path."""
    ours = torch.ops.edgeeeg
    cells = (ours.lif.default, ours.synaptic.default, ours.recurrent_lif.default)
    nodes: dict[str, str] = {}
    for node in program.graph.nodes:
        if node.target in cells:
            paths = [path for path, _ in node.meta["nn_module_stack"].values()]
            nodes[_path(paths[-1])] = node.name
    if not nodes and any(node.target in cells for node in program.graph.nodes):
        raise CaptureError("torch's exporter lost which layer each spike belongs to")
    return nodes


def _path(traced: str) -> str:
    """The path of a layer in the user's model from the one in the traced wrapper."""
    return traced.split("model", 1)[-1].lstrip(".")
