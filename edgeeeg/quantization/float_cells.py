"""Recurrent cells that stay float32 in a program of integers: the form of each that torch differentiates.

An exported program keeps such a cell as one operator, which has no gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from edgeeeg.cells import lif, selective_scan, wkv4
from edgeeeg.cells.firing import Firing


def _selective_scan(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    params = selective_scan.ScanParams(A, D)
    return selective_scan.scan(params, selective_scan.ScanInput(u, delta, B, C))[0]


def _wkv4(k: Tensor, v: Tensor, w: Tensor, u: Tensor) -> Tensor:
    return wkv4.scan(wkv4.Wkv4Params(w, u), wkv4.Wkv4Input(k, v))[0]


def _lif(
    x: Tensor,
    beta: Tensor,
    threshold: Tensor,
    reset: str = "subtract",
    reset_delay: bool = True,
    fires: str = "above",
) -> Tensor:
    firing = Firing(reset, reset_delay, fires, "arctan")
    return lif.scan(lif.LifParams(beta, threshold), x, firing=firing)[0]


DIFFERENTIABLE: Mapping[Any, Callable[..., Tensor]] = MappingProxyType(
    {
        torch.ops.edgeeeg.selective_scan.default: _selective_scan,
        torch.ops.edgeeeg.wkv4.default: _wkv4,
        torch.ops.edgeeeg.lif.default: _lif,
    }
)
"""By the operator of an exported program."""
