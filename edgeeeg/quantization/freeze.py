"""From a model that was trained in integers to one that can be exported.

from edgeeeg.quantization.freeze import freeze
export_model(freeze(model), "out/mine", sfreq=256)
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, fx, nn

from edgeeeg.quantization.activation import ActivationQuantizer
from edgeeeg.quantization.quantized_model import QuantizedModel
from edgeeeg.quantization.recurrence import Recurrence
from edgeeeg.quantization.rounding import ROUND_TO_STEPS
from edgeeeg.quantization.weighted_layer import WeightedLayer, whole_weight


class FrozenModel(nn.Module):
    """A trained model in integers whose exported program says where, and in what steps, it rounds.

    Run by torch it gives the integers' values; traced, it is the model of floats with a rounding behind every
    tensor that has integers, and on every weight. It keeps the attributes of the model that was trained, such
    as `n_chans` and `sfreq`.

    Parameters
    ----------
    model : whose parameters and scales no longer change.
    rounded : the same model of floats, with its roundings.
    """

    def __init__(self, model: QuantizedModel, rounded: fx.GraphModule) -> None:
        super().__init__()
        self.model, self.rounded = model, rounded
        for name, value in model.attributes.items():
            setattr(self, name, value)

    def forward(self, *inputs: Tensor) -> Any:
        """What the exported program of integers gives."""
        return self.rounded(*inputs) if torch.compiler.is_exporting() else self.model(*inputs)


def freeze(model: QuantizedModel) -> FrozenModel:
    """A copy of a model with its parameters and scales as they are now, to be exported."""
    model = copy.deepcopy(model).eval().requires_grad_(False)
    rounded = fx.GraphModule(model.traced, copy.deepcopy(model.traced.graph))
    nodes = {node.name: node for node in rounded.graph.nodes}
    for name, layer in model.integer_layers():
        for weight, each in _weights(nodes[name], layer):
            _round(rounded, weight, each, nodes[name])
        if isinstance(layer, WeightedLayer) and len(layer.parts) > 1:
            (cut,) = nodes[name].users
            parts = sorted(cut.users, key=lambda part: int(part.args[1]))  # type: ignore[arg-type]
            for part, output in zip(parts, layer.outputs, strict=True):
                _round(rounded, part, _steps(output))
        elif isinstance(output := _output(layer), ActivationQuantizer):
            _round(rounded, nodes[name], _steps(output))
    for name, quantizer in model.rounded_floats():
        _round(rounded, nodes[name], _steps(quantizer))
    rounded.recompile()
    return FrozenModel(model, rounded)


def _output(layer: nn.Module) -> nn.Module | None:
    """What rounds a layer's only result; None if nothing does, as where elements are joined."""
    if isinstance(layer, WeightedLayer):
        return layer.outputs[0]
    return None if isinstance(layer, Recurrence) else getattr(layer, "output", None)


def _weights(node: fx.Node, layer: nn.Module) -> list[tuple[fx.Node, Tensor]]:
    """Each node of weights that a layer reads, and what a step of each of its rows is worth."""
    if isinstance(layer, WeightedLayer):
        weight = node.args[1]
        assert isinstance(weight, fx.Node)
        return [(weight, whole_weight(layer.weight)[1])]
    return []


def _steps(quantizer: nn.Module) -> Tensor:
    assert isinstance(quantizer, ActivationQuantizer)
    return quantizer.scale().detach()


def _round(rounded: fx.GraphModule, node: fx.Node, scale: Tensor, reader: fx.Node | None = None) -> None:
    """Let everything that reads a node, or one reader alone, read it rounded."""
    name = f"{node.name}_scale" if reader is None else f"{reader.name}_{node.name}_scale"
    rounded.register_buffer(name, scale)
    with rounded.graph.inserting_after(node):
        steps = rounded.graph.get_attr(name)
    with rounded.graph.inserting_after(steps):
        result = rounded.graph.call_function(ROUND_TO_STEPS, (node, steps, 0))
    if reader is not None:
        reader.replace_input_with(node, result)
    else:
        node.replace_all_uses_with(result, lambda user: user is not result)
