"""A model in training whose forward pass is that of its integer program."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from edgeeeg.quantization.activation import ActivationQuantizer
from edgeeeg.quantization.float_cells import DIFFERENTIABLE
from edgeeeg.quantization.integers import Integers
from edgeeeg.quantization.tracing import arguments

aten = torch.ops.aten

MOVES = frozenset(
    {
        aten.alias.default,
        aten.chunk.default,
        aten.clone.default,
        aten.contiguous.default,
        aten.dropout.default,
        aten.flatten.using_ints,
        aten.flip.default,
        aten.max_pool1d.default,
        aten.max_pool2d.default,
        aten.permute.default,
        aten.relu.default,
        aten.reshape.default,
        aten.select.int,
        aten.slice.Tensor,
        aten.split.Tensor,
        aten.split_with_sizes.default,
        aten.squeeze.dim,
        aten.squeeze.dims,
        aten.transpose.int,
        aten.unflatten.int,
        aten.unsqueeze.default,
        aten.view.default,
    }
)
"""Operators whose results are elements of their first operand, or 0: they do the same with integers."""


PREFIX = "at_"


class QuantizedModel(nn.Module):
    """A traced model, (batch, n_chans, n_times) to its outputs, whose layers compute in integers.

    Every tensor that is rounded is so for all that read it. What has no form in integers computes in float32
    on what the integers stand for.

    Parameters
    ----------
    traced : the model of floats, with the parameters that are trained.
    layers : integer forms of nodes, by name, and the nodes that each reads.
    quantizers : of tensors of floats that integer layers read, by name.
    inside : nodes that tables of later ones take in.
    attributes : what the model says of itself, such as its number of channels.
    """

    def __init__(
        self,
        traced: fx.GraphModule,
        layers: Mapping[str, tuple[nn.Module, tuple[str, ...]]],
        quantizers: Mapping[str, ActivationQuantizer],
        inside: frozenset[str],
        attributes: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.traced = traced
        self.inside, self.attributes = inside, dict(attributes)
        self.operands = {name: names for name, (_, names) in layers.items()}
        self.layers = nn.ModuleDict({_key(name): layer for name, (layer, _) in layers.items()})
        self.quantizers = nn.ModuleDict({_key(name): each for name, each in quantizers.items()})

    def forward(self, *inputs: Tensor) -> Any:
        """What the program of integers gives for these inputs, from its initial state."""
        return self.run(*inputs)[1]

    def logits(self, x: Tensor) -> Tensor:
        """The same of a model with one output, as `edgeeeg.training` trains it."""
        y: Tensor = self(x)
        return y

    def integer_layers(self) -> Iterator[tuple[str, nn.Module]]:
        """Nodes by name, and their forms in integers."""
        return ((name, self.layers[_key(name)]) for name in self.operands)

    def rounded_floats(self) -> Iterator[tuple[str, ActivationQuantizer]]:
        """Nodes of floats by name whose values are rounded, and what rounds them."""
        for key, quantizer in self.quantizers.items():
            assert isinstance(quantizer, ActivationQuantizer)
            yield key.removeprefix(PREFIX), quantizer

    @torch.no_grad()
    def silent(self) -> dict[str, Any]:
        """Every node's value by name where the inputs are 0: scales and parameters do not depend on them."""
        inputs = [node.meta["val"] for node in self.traced.graph.nodes if node.op == "placeholder"]
        return self.run(*(torch.zeros(1, *each.shape[1:]) for each in inputs))[0]

    def scales(self) -> dict[str, Tensor]:
        """What one step of every node that has integers is worth, by name."""
        return {name: value.scale for name, value in self.silent().items() if isinstance(value, Integers)}

    def run(self, *inputs: Tensor) -> tuple[dict[str, Any], Any]:
        """Every node's value by name, `Integers` where it has integers, and the outputs."""
        values: dict[str, Any] = {}
        waiting = iter(inputs)
        outputs: Any = None
        for node in self.traced.graph.nodes:
            if node.op == "placeholder":
                result: Any = next(waiting)
            elif node.op == "output":
                outputs = _floats(arguments(node)[0], values)
                break
            elif node.name in self.inside:
                continue
            else:
                result = self._result(node, values)
            if _key(node.name) in self.quantizers:
                result = self.quantizers[_key(node.name)](result)
            values[node.name] = result
        return values, self.traced.graph.process_outputs(outputs)

    def _result(self, node: fx.Node, values: Mapping[str, Any]) -> Any:
        if node.op == "get_attr":
            return _attribute(self.traced, str(node.target))
        if node.name in self.operands:
            return self.layers[_key(node.name)](*(values[name] for name in self.operands[node.name]))
        if is_move(node) and isinstance(first := values[_first(node)], Integers | tuple):
            return _moved(node, first)
        args, options = _floats((arguments(node), dict(node.kwargs)), values)
        function: Any = DIFFERENTIABLE.get(node.target, node.target)
        return function(*args, **options)


def is_move(node: fx.Node) -> bool:
    """Whether a node's results are elements of its first operand, or 0."""
    if node.target is aten.pad.default:
        mode, number = (*arguments(node), *("constant", None)[len(arguments(node)) - 2 :])[2:]
        return mode == "constant" and not number
    return node.target in MOVES or node.target is operator.getitem


def _moved(node: fx.Node, first: Any) -> Any:
    """The same operator on integers; parts that have scales of their own are cut already."""
    if not isinstance(first, Integers):
        return first[arguments(node)[1]] if node.target is operator.getitem else first
    function: Any = node.target
    result = function(first.value, *arguments(node)[1:], **node.kwargs)
    if isinstance(result, Tensor):
        return Integers(result, first.scale)
    return tuple(Integers(part, first.scale) for part in result)


def _first(node: fx.Node) -> str:
    first = arguments(node)[0]
    assert isinstance(first, fx.Node)
    return first.name


def _attribute(traced: fx.GraphModule, path: str) -> Any:
    found: Any = traced
    for part in path.split("."):
        found = getattr(found, part)
    return found


def _floats(arguments: Any, values: Mapping[str, Any]) -> Any:
    """Arguments of a node, with what their integers stand for in the place of the nodes that they read."""

    def read(node: fx.Node) -> Any:
        value = values[node.name]
        return value.value if isinstance(value, Integers) else value

    return pytree.tree_map_only(fx.Node, read, arguments)


def _key(name: str) -> str:
    """A name that no attribute of a module has, as torch demands of a `ModuleDict`."""
    return PREFIX + name
