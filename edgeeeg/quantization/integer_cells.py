"""Recurrent cells whose states are integers: which nodes of a traced model become which."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import fx

from edgeeeg.cells.firing import Firing
from edgeeeg.cells.state_width import WIDTHS
from edgeeeg.quantization.lif import LifNeurons
from edgeeeg.quantization.selective_scan import SelectiveScan
from edgeeeg.quantization.state_formats import StateFormats
from edgeeeg.quantization.tracing import arguments
from edgeeeg.quantization.wkv4 import Wkv4

if TYPE_CHECKING:
    from edgeeeg.quantization.prepare import Preparation

State = Literal["float32", "int16", "int32"]
"""What the states of a model's cells are carried in."""
INTEGER_CELLS = (LifNeurons, SelectiveScan, Wkv4)
OPERATORS = torch.ops.edgeeeg


def _lif(preparation: Preparation, node: fx.Node) -> bool:
    """LIF neurons with constant decays and thresholds."""
    x, beta, threshold = arguments(node)[:3]
    if not _is_open(preparation, (x,), (beta, threshold)):
        return False
    # torch leaves out arguments that are as by default, which are those of Firing
    layer = LifNeurons(Firing(*arguments(node)[3:]), _states(preparation, node))
    return preparation.make(node, layer, x, beta, threshold)


def _selective_scan(preparation: Preparation, node: fx.Node) -> bool:
    """A scan with a constant A and D."""
    u, delta, A, B, C, D = arguments(node)
    if not _is_open(preparation, (u, delta, B, C), (A, D)):
        return False
    layer = SelectiveScan(_states(preparation, node), preparation.quantizer(node))
    return preparation.make(node, layer, u, delta, A, B, C, D)


def _wkv4(preparation: Preparation, node: fx.Node) -> bool:
    """An average with constant decays and bonuses."""
    k, v, w, u = arguments(node)
    if not _is_open(preparation, (k, v), (w, u)):
        return False
    return preparation.make(node, Wkv4(_states(preparation, node), preparation.quantizer(node)), k, v, w, u)


def _is_open(preparation: Preparation, varying: tuple[fx.Node, ...], constants: tuple[fx.Node, ...]) -> bool:
    """Whether a cell is to carry integers; its operands are rounded then, if its parameters are constant."""
    if preparation.states == "float32" or not all(map(preparation.is_constant, constants)):
        return False
    for operand in varying:
        preparation.require_integers(operand)
    return True


def _states(preparation: Preparation, node: fx.Node) -> StateFormats:
    return StateFormats(WIDTHS[preparation.states], preparation.carried[node.name])


CELL_FORMS: Mapping[Any, Callable[[Preparation, fx.Node], bool]] = MappingProxyType(
    {
        OPERATORS.lif.default: _lif,
        OPERATORS.selective_scan.default: _selective_scan,
        OPERATORS.wkv4.default: _wkv4,
    }
)
"""By the operator of an exported program."""
