"""One step of GRU, LSTM and RNN, defined once for what a device computes and for what torch differentiates.

`drive` is the bias and the inputs' sum, (batch, gates hidden) with the gates in torch's order; `past` the
hidden values' sum; `late` the bias (batch or 1, hidden) that a gate scales with the past; `memory` h, and c
of an LSTM, each (batch, hidden). All are NumPy arrays or all are tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch

from edgeeeg import floatmath

Values = Any
"""float32: an array or a tensor."""
Memory = tuple[Values, ...]


@dataclass(frozen=True, slots=True)
class Nonlinearities:
    """Sigmoid and hyperbolic tangent of arrays or of tensors."""

    sigmoid: Callable[[Values], Values]
    tanh: Callable[[Values], Values]


EXACT = Nonlinearities(floatmath.sigmoid, floatmath.tanh)
DIFFERENTIABLE = Nonlinearities(torch.sigmoid, torch.tanh)


def gru(drive: Values, past: Values, late: Values, memory: Memory, of: Nonlinearities) -> Memory:
    """r, z = σ(drive + past);  g = tanh(drive_g + r (late + past_g));  h = (1 - z) g + z h."""
    (h,) = memory
    n = h.shape[1]
    gates = of.sigmoid(drive[:, : 2 * n] + past[:, : 2 * n])
    r, z = gates[:, :n], gates[:, n:]
    g = of.tanh(drive[:, 2 * n :] + r * (late + past[:, 2 * n :]))
    return ((1 - z) * g + z * h,)


def lstm(drive: Values, past: Values, late: Values, memory: Memory, of: Nonlinearities) -> Memory:
    """i, f, o = σ(drive + past);  g = tanh(drive_g + past_g);  c = f c + i g;  h = o tanh(c)."""
    h, c = memory
    n, total = h.shape[1], drive + past
    i, f = of.sigmoid(total[:, :n]), of.sigmoid(total[:, n : 2 * n])
    c = f * c + i * of.tanh(total[:, 2 * n : 3 * n])
    return of.sigmoid(total[:, 3 * n :]) * of.tanh(c), c


def rnn(drive: Values, past: Values, late: Values, memory: Memory, of: Nonlinearities) -> Memory:
    """h = tanh(drive + past)."""
    return (of.tanh(drive + past),)


@dataclass(frozen=True, slots=True)
class RecurrentCell:
    """A step, and how many memories it has; `late_gate` says whether its last gate keeps a bias apart."""

    step: Callable[[Values, Values, Values, Memory, Nonlinearities], Memory]
    memories: int = 1
    late_gate: bool = False


CELLS: Mapping[Any, RecurrentCell] = MappingProxyType(
    {
        torch.ops.aten.gru.input: RecurrentCell(gru, late_gate=True),
        torch.ops.aten.lstm.input: RecurrentCell(lstm, memories=2),
        torch.ops.aten.rnn_tanh.input: RecurrentCell(rnn),
    }
)
"""Cells by torch's operator over sequences."""
