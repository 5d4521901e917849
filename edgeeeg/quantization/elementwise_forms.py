"""Which layers that work element by element compute in integers: tables, gains, sums, products, means."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import fx, nn

from edgeeeg.quantization.activation import ActivationQuantizer
from edgeeeg.quantization.channel_affine import GAIN_AND_OFFSET, ChannelAffine
from edgeeeg.quantization.elementwise import Rescaling
from edgeeeg.quantization.functions import EXACT, ValueFunction
from edgeeeg.quantization.integers import HIGH, LOW
from edgeeeg.quantization.mean import Mean
from edgeeeg.quantization.table import Table, every_value
from edgeeeg.quantization.tracing import arguments

if TYPE_CHECKING:
    from edgeeeg.quantization.prepare import Preparation

aten = torch.ops.aten


def one_value(preparation: Preparation, node: fx.Node) -> bool:
    """A function of one tensor of integers, over however many layers: one table, made behind the last."""
    read = [arg for arg in arguments(node) if isinstance(arg, fx.Node)]
    if not read or not all(arg.name in preparation.integers for arg in read):
        return False
    of = {arg: preparation.functions.get(arg.name, ValueFunction(arg.name)) for arg in read}
    sources = {function.source for function in of.values()}
    source = next(each for each in preparation.traced.graph.nodes if each.name in sources)
    if len(sources) > 1 or preparation.shape(source) != preparation.shape(node):
        return False
    operands = tuple(of[arg] if isinstance(arg, fx.Node) else arg for arg in arguments(node))
    function = ValueFunction(source.name, node.target, operands, tuple(node.kwargs.items()))
    step = np.float32(preparation.ranges[source.name] / HIGH)
    if not np.isfinite(every_value(function, step)).all():
        return False
    if _stays_inside(node, source):
        preparation.functions[node.name] = function
        return True
    factor = arguments(node)[1] if node.target is aten.mul.Tensor else None
    if isinstance(factor, int | float) and 0 < factor < math.inf:
        preparation.functions[node.name] = function
        return preparation.make(node, Rescaling(factor), read[0])
    return preparation.make(node, Table(function, preparation.quantizer(node)), source)


def _stays_inside(node: fx.Node, source: fx.Node) -> bool:
    """Whether only functions of the same tensor read a function of it, as x · sigmoid(x) reads sigmoid(x)."""
    return bool(node.users) and all(
        user.target in EXACT
        and {arg for arg in arguments(user) if isinstance(arg, fx.Node)} <= {node, source}
        for user in node.users
    )


def one_or_two_values(
    kind: Callable[[ActivationQuantizer], nn.Module],
) -> Callable[[Preparation, fx.Node], bool]:
    """Of one tensor and numbers, a table; with a constant per channel, a gain or an offset; else of two."""

    def form(preparation: Preparation, node: fx.Node) -> bool:
        return (
            one_value(preparation, node)
            or channel_affine(preparation, node)
            or _two_values(preparation, node, kind)
        )

    return form


def one_value_or_channels(preparation: Preparation, node: fx.Node) -> bool:
    """A quotient: of one tensor and numbers, a table; by a constant per channel, a gain."""
    return one_value(preparation, node) or channel_affine(preparation, node)


def channel_affine(preparation: Preparation, node: fx.Node) -> bool:
    """One operation with a constant of several elements, which does not widen the tensor."""
    operands = arguments(node)
    if node.kwargs or len(operands) != 2 or not all(isinstance(arg, fx.Node) for arg in operands):
        return False
    fixed = [preparation.is_constant(arg) for arg in operands]
    if sum(fixed) != 1 or (node.target, fixed[0]) not in GAIN_AND_OFFSET:
        return False
    constant, x = operands if fixed[0] else operands[::-1]
    if x.name not in preparation.integers or constant.meta["val"].numel() == 1:
        return False
    if preparation.shape(x) != preparation.shape(node):
        return False
    layer = ChannelAffine(node.target, fixed[0], preparation.quantizer(node))
    return preparation.make(node, layer, x, constant)


def _two_values(
    preparation: Preparation, node: fx.Node, kind: Callable[[ActivationQuantizer], nn.Module]
) -> bool:
    """A sum, a difference or a product of two tensors, which broadcast."""
    operands = arguments(node)
    if node.kwargs or not all(isinstance(arg, fx.Node) for arg in operands):
        return False
    if not all(arg.name in preparation.integers for arg in operands):
        return False
    return preparation.make(node, kind(preparation.quantizer(node)), *operands)


def mean(preparation: Preparation, node: fx.Node) -> bool:
    """A mean over axes that do not change, of no more elements than int32 has room for."""
    x, axes, keepdim = (*arguments(node), False)[:3]
    sizes: Any = x.meta["val"].shape
    if node.kwargs or not axes or not all(isinstance(sizes[axis], int) for axis in axes):
        return False
    if x.name not in preparation.integers or math.prod(sizes[axis] for axis in axes) * -LOW >= 2**31:
        return False
    return preparation.make(node, Mean(tuple(axes), keepdim, preparation.quantizer(node)), x)
