"""From a model that was trained in integers to one that can be exported.

from edgeeeg.quantization.freeze import freeze
export_model(freeze(model), "out/mine", sfreq=256)
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, fx, nn

from edgeeeg.quantization.activation import ActivationQuantizer
from edgeeeg.quantization.channel_affine import ChannelAffine
from edgeeeg.quantization.concatenation import Concatenation
from edgeeeg.quantization.integer_cells import INTEGER_CELLS
from edgeeeg.quantization.integers import Integers
from edgeeeg.quantization.lif import LifNeurons
from edgeeeg.quantization.quantized_model import QuantizedModel
from edgeeeg.quantization.recurrence import Recurrence
from edgeeeg.quantization.rounding import ROUND_TO_STEPS
from edgeeeg.quantization.state_formats import StateFormats
from edgeeeg.quantization.state_in_steps import STATE_IN_STEPS
from edgeeeg.quantization.tracing import arguments
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
    with warnings.catch_warnings():
        # torch copies its own programs by a way that it deprecates
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)`", FutureWarning)
        model = copy.deepcopy(model).eval().requires_grad_(False)
        rounded = fx.GraphModule(model.traced, copy.deepcopy(model.traced.graph))
    nodes = {node.name: node for node in rounded.graph.nodes}
    values = model.silent()
    scales = {name: value.scale for name, value in values.items() if isinstance(value, Integers)}
    for name, layer in model.integer_layers():
        if isinstance(layer, WeightedLayer):
            weight, (x,) = arguments(nodes[name])[1], model.operands[name]
            assert isinstance(weight, fx.Node)
            steps = whole_weight(layer.weight, layer.finest(scales[x]))[1]
            _round(rounded, weight, steps, nodes[name])
        if isinstance(layer, Recurrence):
            _round_initial(rounded, nodes[name], layer)
        if isinstance(layer, (*INTEGER_CELLS, ChannelAffine)):
            _settle_constants(rounded, nodes[name], values)
        if isinstance(layer, WeightedLayer) and len(layer.parts) > 1:
            (cut,) = nodes[name].users
            parts = sorted(cut.users, key=lambda part: int(arguments(part)[1]))
            for part, output in zip(parts, layer.outputs, strict=True):
                _round(rounded, part, _steps(output))
        elif isinstance(layer, (Concatenation, LifNeurons)):
            _round(rounded, nodes[name], scales[name])
        elif isinstance(quantizer := _output(layer), ActivationQuantizer):
            _round(rounded, nodes[name], _steps(quantizer))
        if isinstance(layer, INTEGER_CELLS):
            _say_states(rounded, nodes[name], layer.states)
    for name, boundary in model.rounded_floats():
        _round(rounded, nodes[name], _steps(boundary))
    rounded.recompile()
    return FrozenModel(model, rounded)


def _output(layer: nn.Module) -> nn.Module | None:
    """What rounds a layer's only result; None if nothing does, as where a factor changes the steps."""
    if isinstance(layer, WeightedLayer):
        return layer.outputs[0]
    return None if isinstance(layer, Recurrence) else getattr(layer, "output", None)


def _round_initial(rounded: fx.GraphModule, node: fx.Node, layer: Recurrence) -> None:
    """Round what h is at the start, which says in what steps it is rounded ever after.

    A device begins one recording, not a batch; rounding keeps an h of 0.
    """
    initial = arguments(node)[1]
    first = initial[0] if isinstance(initial, list | tuple) else initial
    assert isinstance(first, fx.Node)
    if first.target is torch.ops.aten.zeros.default:
        directions, _, hidden = arguments(first)[0]
        rounded.register_buffer(f"{first.name}_value", torch.zeros(directions, 1, hidden))
        with rounded.graph.inserting_before(first):
            start = rounded.graph.get_attr(f"{first.name}_value")
        node.replace_input_with(first, start)
        first = start
    _round(rounded, first, _steps(layer.quantizer), node)


def _settle_constants(rounded: fx.GraphModule, node: fx.Node, values: Mapping[str, Any]) -> None:
    """Operands that are computed of parameters become numbers: an export's exp is not torch's last bit."""
    for operand in node.all_input_nodes:
        value = values.get(operand.name)
        if isinstance(value, Tensor) and operand.op != "get_attr":
            name = f"{operand.name}_value"
            rounded.register_buffer(name, value.detach().clone())
            with rounded.graph.inserting_before(operand):
                operand.replace_all_uses_with(rounded.graph.get_attr(name))


def _say_states(rounded: fx.GraphModule, node: fx.Node, states: StateFormats) -> None:
    """Say behind a cell in what steps each of its states is carried."""
    for name, wish in states.wishes():
        readers = tuple(node.users)
        with rounded.graph.inserting_after(node):
            said = rounded.graph.call_function(STATE_IN_STEPS, (node, name, states.width.name, wish))
        for reader in readers:
            reader.replace_input_with(node, said)


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
