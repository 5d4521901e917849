"""From a trained float model to one that trains on: every layer that has a form in integers takes it.

from edgeeeg.quantization.prepare import prepare
model = prepare(trained, windows, recordings)   # then the usual loop: optimizer, loss, backward
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, get_args

import torch
from torch import Tensor, fx, nn

from edgeeeg.errors import ModelError
from edgeeeg.quantization import tracing
from edgeeeg.quantization.activation import ActivationQuantizer
from edgeeeg.quantization.average_pool import AveragePool
from edgeeeg.quantization.concatenation import Concatenation
from edgeeeg.quantization.elementwise import Difference, Product, Sum
from edgeeeg.quantization.elementwise_forms import mean, one_or_two_values, one_value, one_value_or_channels
from edgeeeg.quantization.float_cells import DIFFERENTIABLE
from edgeeeg.quantization.functions import EXACT, ValueFunction
from edgeeeg.quantization.integer_cells import CELL_FORMS, State
from edgeeeg.quantization.quantized_model import QuantizedModel, is_move
from edgeeeg.quantization.ranges import observe
from edgeeeg.quantization.recurrence import Direction, Recurrence
from edgeeeg.quantization.recurrent_cells import CELLS
from edgeeeg.quantization.state_ranges import Largest, observe_states
from edgeeeg.quantization.tracing import arguments
from edgeeeg.quantization.weighted_layer import WeightedLayer, brevitas_layer

aten = torch.ops.aten
CUTS = (aten.chunk.default, aten.split.Tensor, aten.split_with_sizes.default)

DESCRIPTION = ("n_chans", "n_times", "sfreq", "ch_names", "unit", "threshold", "inputs", "layout")
"""Attributes in which a model says what it takes and gives."""
PIECES = 4
"""Times the length of the sample that recordings may have where torch unrolls a recurrence."""


def prepare(
    model: nn.Module, sample: Tensor, recordings: Tensor, states: State = "float32"
) -> QuantizedModel:
    """A model with the same parameters, batch norms folded, that computes and trains in integers.

    Parameters
    ----------
    model : trained, of torch's layers and ours; it is not changed.
    sample : (batch, n_chans, n_times), as long as what it will be trained on and exported with.
    recordings : (n_recordings, n_chans, n_times) that ranges are taken from, the state carried through each.
    states : what LIF neurons, selective scans and WKV-4 carry; integers make all of the cell one of integers.

    Raises
    ------
    ModelError
        If torch cannot trace the model, or it is not finite on the recordings; a cell that has no gradient in
        an exported program, or a recurrence of several layers, by name.
    """
    if states not in get_args(State):
        raise ModelError(f"states of {states!r}: choose one of {', '.join(get_args(State))}")
    _require_pieces(model, sample, recordings)
    traced, whole = tracing.trace(model, sample), tracing.trace(model, recordings)
    ranges = observe(whole, recordings)
    carried = {} if states == "float32" else observe_states(whole, recordings)
    preparation = Preparation(traced, ranges, carried, states)
    preparation.add_all()
    while preparation.quantizers.keys() - preparation.demanded:
        # what one layer demands in integers is there in integers for the layers before it in order too
        preparation = Preparation(traced, ranges, carried, states, frozenset(preparation.quantizers))
        preparation.add_all()
    described = {name: getattr(model, name) for name in DESCRIPTION if hasattr(model, name)}
    inside = frozenset(preparation.functions) - preparation.layers.keys()
    return QuantizedModel(preparation.traced, preparation.layers, preparation.quantizers, inside, described)


def _require_pieces(model: nn.Module, sample: Tensor, recordings: Tensor) -> None:
    """Raise for recordings that torch would trace step after step for minutes."""
    recurrent = next((name for name, layer in model.named_modules() if isinstance(layer, nn.RNNBase)), None)
    length, most = recordings.shape[-1], PIECES * sample.shape[-1]
    if recurrent is not None and length > most:
        raise ModelError(
            f"torch traces the recurrence '{recurrent}' step by step, for minutes over {length} samples: cut "
            f"the recordings into pieces of at most {most}, {PIECES} times the sample"
        )


@dataclass(slots=True)
class Preparation:
    """Which nodes of a traced model compute in integers, and how.

    Parameters
    ----------
    traced : of floats.
    ranges : magnitude of each node's values.
    carried : magnitudes of the states of the cells that carry integers.
    states : what these carry.
    demanded : nodes of floats that some layer reads in integers, as far as they are known.
    integers : nodes whose values are integers.
    functions : what a node that is not rounded anew is as a function of another one's integers.
    """

    traced: fx.GraphModule
    ranges: Mapping[str, float]
    carried: Mapping[str, Largest]
    states: State
    demanded: frozenset[str] = frozenset()
    layers: dict[str, tuple[nn.Module, tuple[str, ...]]] = field(default_factory=dict)
    quantizers: dict[str, ActivationQuantizer] = field(default_factory=dict)
    integers: set[str] = field(default_factory=set)
    functions: dict[str, ValueFunction] = field(default_factory=dict)

    def add_all(self) -> None:
        """Give each node its form, in order."""
        for node in self.traced.graph.nodes:
            self.add(node)
            if node.name in self.demanded:
                self.require_integers(node)

    def add(self, node: fx.Node) -> None:
        """Give a node its form in integers, if it has one."""
        if getattr(node.target, "namespace", "") == "edgeeeg" and node.target not in DIFFERENTIABLE:
            raise ModelError(
                f"'{node.name}' ({node.target}) has no gradient in a traced model; train with "
                f"{', '.join(sorted(str(cell) for cell in DIFFERENTIABLE))}, or without quantization"
            )
        form = FORMS.get(node.target, one_value if node.target in EXACT else None)
        if (form is not None and form(self, node)) or (
            is_move(node) and arguments(node)[0].name in self.integers
        ):
            self.integers.add(node.name)

    def make(self, node: fx.Node, layer: nn.Module, *sources: fx.Node) -> bool:
        """Set the integer form of a node."""
        self.layers[node.name] = (layer, tuple(source.name for source in sources))
        return True

    def require_integers(self, node: fx.Node) -> None:
        """Round the values of a node of floats, where they were before they were moved, for all readers."""
        while node.name not in self.integers and is_move(node) and node.target is not aten.relu.default:
            self.integers.add(node.name)
            node = arguments(node)[0]
        if node.name not in self.integers:
            self.quantizers[node.name] = self.quantizer(node)
            self.integers.add(node.name)

    def quantizer(self, node: fx.Node) -> ActivationQuantizer:
        """For the range of a node, or of the rectifier that alone reads it."""
        reader = next(iter(node.users)) if len(node.users) == 1 else node
        rectified = reader if reader.target is aten.relu.default else node
        return ActivationQuantizer(self.ranges[rectified.name])

    def parameter(self, node: Any) -> nn.Parameter | None:
        """What a node reads."""
        if not isinstance(node, fx.Node):
            return None
        found = tracing.value(self.traced, node)
        return found if isinstance(found, nn.Parameter) else nn.Parameter(found)

    def is_constant(self, node: fx.Node) -> bool:
        """Whether a node is made of parameters and buffers alone."""
        if node.op == "get_attr":
            return True
        return (
            node.op == "call_function"
            and bool(node.all_input_nodes)
            and all(self.is_constant(each) for each in node.all_input_nodes)
        )

    def shape(self, node: fx.Node) -> tuple[str, ...]:
        """The axes of a node's result as they were traced; that of the batch is a symbol."""
        return tuple(map(str, node.meta["val"].shape))


def _weighted(preparation: Preparation, node: fx.Node) -> bool:
    """A convolution or a dense layer on parameters; parts of its result have scales of their own."""
    x, weight_node = arguments(node)[:2]
    if weight_node.op != "get_attr":
        return False
    weight, bias = preparation.parameter(weight_node), preparation.parameter((*arguments(node), None)[2])
    assert weight is not None
    options = arguments(node)[3:]
    target: Any = node.target
    preparation.require_integers(x)
    if target is aten.linear.default:
        kind, axis, groups = "linear", -1, {}
    else:
        kind, axis, groups = "conv", 1, {"groups": (*options, *(1, 0, 1, 1)[len(options) :])[3]}

    def kernel(x: Tensor, weight: Tensor) -> Tensor:
        y: Tensor = target(x, weight, None, *options)
        return y

    cuts = _parts(node, axis, weight.shape[0], len(preparation.shape(node)))
    parts = tuple(cuts.values()) or (slice(None),)
    outputs = tuple(preparation.quantizer(cut) for cut in cuts) or (preparation.quantizer(node),)
    layer = brevitas_layer(kind, weight, bias, **groups)
    return preparation.make(node, WeightedLayer(layer, kernel, axis, parts, outputs), x)


def _parts(node: fx.Node, axis: int, channels: int, rank: int) -> dict[fx.Node, slice]:
    """What reads a layer's result cut up on its output channels, in order, if nothing else reads it."""
    (reader, *others) = node.users
    if others or reader.target not in CUTS:
        return {}
    dim = arguments(reader)[2] if len(arguments(reader)) > 2 else 0
    if dim % rank != axis % rank:
        return {}
    pieces = reader.target(torch.arange(channels), arguments(reader)[1], 0)
    taken = {arguments(part)[1]: part for part in reader.users}
    if len(taken) != len(pieces) or len(reader.users) != len(pieces):
        return {}
    return {taken[k]: slice(int(piece[0]), int(piece[-1]) + 1) for k, piece in enumerate(pieces)}


def _average_pool(preparation: Preparation, node: fx.Node) -> bool:
    """A pool that counts its padding."""
    x, kernel, *options = arguments(node)
    target: Any = node.target
    stride, padding, ceil, counts = (*options, *([], 0, False, True)[len(options) :])[:4]
    if ceil or not counts:
        return False
    preparation.require_integers(x)

    def pool(x: Tensor) -> Tensor:
        y: Tensor = target(x, kernel, stride, padding, ceil, counts)
        return y

    return preparation.make(node, AveragePool(pool, math.prod(kernel), preparation.quantizer(node)), x)


def _recurrence(preparation: Preparation, node: fx.Node) -> bool:
    """One layer of GRU, LSTM or RNN; rounded hidden values are its result."""
    x, initial, parameters, biased, n_layers, _, _, bidirectional, batch_first = arguments(node)
    if n_layers != 1:
        raise ModelError(
            f"'{node.name}' is a recurrence of {n_layers} layers; chain {n_layers} of one layer each, so "
            "that each has a range of its own"
        )
    cell = CELLS[node.target]
    sequence = next((user for user in node.users if arguments(user)[1] == 0), None)
    if sequence is None:
        raise ModelError(f"nothing reads the hidden values over time of '{node.name}'; read its output")
    preparation.require_integers(x)
    each = [preparation.parameter(part) for part in parameters]
    n = 4 if biased else 2
    directions = tuple(
        Direction(cell, *each[k * n : k * n + n], *(() if biased else (None, None)))  # type: ignore[arg-type]
        for k in range(1 + bidirectional)
    )
    starts = initial if isinstance(initial, list | tuple) else (initial,)
    quantizer = preparation.quantizer(sequence)
    preparation.quantizers[sequence.name] = quantizer
    preparation.integers.add(sequence.name)
    preparation.make(node, Recurrence(cell, directions, quantizer, batch_first), x, *starts)
    return False  # its memories are floats


def _concatenation(preparation: Preparation, node: fx.Node) -> bool:
    """Operands that are all of integers."""
    operands, axis = arguments(node)[0], (*arguments(node), 0)[1]
    if not all(arg.name in preparation.integers for arg in operands):
        return False
    return preparation.make(node, Concatenation(axis), *operands)


FORMS: Mapping[Any, Callable[[Preparation, fx.Node], bool]] = MappingProxyType(
    {
        **dict.fromkeys((*tracing.CONVOLUTIONS, *tracing.PADDED, aten.linear.default), _weighted),
        **dict.fromkeys((aten.avg_pool1d.default, aten.avg_pool2d.default), _average_pool),
        **dict.fromkeys(CELLS, _recurrence),
        **CELL_FORMS,
        aten.add.Tensor: one_or_two_values(Sum),
        aten.sub.Tensor: one_or_two_values(Difference),
        aten.mul.Tensor: one_or_two_values(Product),
        aten.div.Tensor: one_value_or_channels,
        aten.mean.dim: mean,
        aten.cat.default: _concatenation,
    }
)
"""Gives a node its form in integers, by torch's operator; False if it has none. Functions: `EXACT`."""
