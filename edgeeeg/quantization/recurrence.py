"""GRU, LSTM and RNN with matrices of int8: sums are exact, gates and carried state are float32.

Row r of a sum is (b_r + float(Σ W_rk·x_k) · m_r) + float(Σ R_rj·q_j) · n_r with q = saturate(h / S_h),
m_r = S_W,r · S_x and n_r = S_R,r · S_h; h itself is carried unrounded (SPEC section 8, item 7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgeeeg.cells.straight_through import straight_through
from edgeeeg.floatmath import Array
from edgeeeg.quantization.activation import ActivationQuantizer
from edgeeeg.quantization.integers import HIGH, LOW, Integers
from edgeeeg.quantization.recurrent_cells import DIFFERENTIABLE, EXACT, Memory, RecurrentCell, Values
from edgeeeg.quantization.weighted_layer import brevitas_layer, whole_weight


@dataclass(frozen=True, slots=True)
class Matrices:
    """One direction's sums: `past` of h (batch, hidden), and the biases that stand before them."""

    drive: Values  # (batch, time, gates hidden), its bias included
    past: Callable[[Values], Values]
    late: Values  # (1, hidden)


class Direction(nn.Module):
    """The matrices of a layer that walks over time one way.

    Parameters
    ----------
    cell : which sums meet where.
    weight, recurrent : (gates hidden, inputs) and (gates hidden, hidden).
    bias, recurrent_bias : (gates hidden,), or None.
    """

    inputs: Any  # torch takes what a module holds for any of a tensor and a module
    hidden: Any

    def __init__(
        self,
        cell: RecurrentCell,
        weight: nn.Parameter,
        recurrent: nn.Parameter,
        bias: nn.Parameter | None,
        recurrent_bias: nn.Parameter | None,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.inputs = brevitas_layer("linear", weight, bias)
        self.hidden = brevitas_layer("linear", recurrent, recurrent_bias)

    def biases(self) -> tuple[Tensor, Tensor]:
        """What stands before the sum over inputs, and what the last gate keeps apart, (1, hidden)."""
        rows, hidden = self.hidden.weight.shape
        zeros = self.hidden.weight.new_zeros(rows)
        first = zeros if self.inputs.bias is None else self.inputs.bias
        second = zeros if self.hidden.bias is None else self.hidden.bias
        if not self.cell.late_gate:
            return first + second, zeros[None, :hidden]
        split = rows - hidden
        return torch.cat([first[:split] + second[:split], first[split:]]), second[None, split:]

    def differentiable(self, x: Tensor, quantizer: ActivationQuantizer) -> Matrices:
        """Dequantized arithmetic: weights and hidden values rounded by Brevitas."""
        start, late = self.biases()
        weight, recurrent = (layer.quant_weight().value for layer in (self.inputs, self.hidden))
        return Matrices(F.linear(x, weight) + start, lambda h: F.linear(quantizer(h).value, recurrent), late)

    def exact(self, x: Integers, h_scale: Tensor) -> Matrices:
        """Sums of integers, and the float32 of a device."""
        start, late = (each.detach().numpy() for each in self.biases())
        (weight, of_x), (recurrent, of_h) = (
            tuple(part.numpy() for part in whole_weight(layer.weight)) for layer in (self.inputs, self.hidden)
        )
        of_x, of_h, step = of_x * x.scale.numpy(), of_h * h_scale.numpy(), h_scale.numpy()

        def past(h: Array) -> Array:
            whole = np.rint(np.clip(h / step, np.float32(LOW), np.float32(HIGH)))
            scaled: Array = _sums(whole, recurrent) * of_h
            return scaled

        return Matrices(start + _sums(x.whole.numpy(), weight) * of_x, past, late)


class Recurrence(nn.Module):
    """A layer of one or both directions from integers (batch, time, inputs), or with time first.

    Parameters
    ----------
    cell : its step.
    directions : one, or forwards and backwards.
    quantizer : of hidden values on their way into their matrix, and of the result.
    batch_first : whether time is the second axis.
    """

    def __init__(
        self,
        cell: RecurrentCell,
        directions: tuple[Direction, ...],
        quantizer: ActivationQuantizer,
        batch_first: bool,
    ) -> None:
        super().__init__()
        self.cell, self.quantizer, self.batch_first = cell, quantizer, batch_first
        self.directions = nn.ModuleList(directions)

    def forward(self, x: Integers, *initial: Tensor) -> tuple[Tensor, ...]:
        """Hidden values over time, then each memory after the last step, as torch returns them.

        Parameters
        ----------
        initial : each memory (directions, batch, hidden).
        """
        value = x.value if self.batch_first else x.value.transpose(0, 1)
        results = []
        for k, direction in enumerate(self.directions):
            assert isinstance(direction, Direction)
            seen = Integers(value.flip(1) if k else value, x.scale.detach())
            results.append(self._walk(direction, seen, tuple(memory[k] for memory in initial)))
        hidden = [y.flip(1) if k else y for k, (y, *_) in enumerate(results)]
        y = torch.cat(hidden, -1)
        finals = (torch.stack(parts) for parts in zip(*(after for _, *after in results), strict=True))
        return (y if self.batch_first else y.transpose(0, 1), *finals)

    def _walk(self, direction: Direction, x: Integers, initial: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Hidden values (batch, time, hidden) of one direction, then its memories after the last step."""

        def soft_step(drive: Values, past: Values, late: Values, memory: Memory) -> Memory:
            return self.cell.step(drive, past, late, memory, DIFFERENTIABLE)

        def exact_step(drive: Values, past: Values, late: Values, memory: Memory) -> Memory:
            return self.cell.step(drive, past, late, memory, EXACT)

        soft, soft_after = _loop(soft_step, direction.differentiable(x.value, self.quantizer), initial)
        with torch.no_grad():
            matrices = direction.exact(x, self.quantizer.scale())
            hidden, after = _loop(exact_step, matrices, tuple(each.numpy() for each in initial))
            exact = torch.from_numpy(np.stack(hidden, axis=1))
        finals = (
            straight_through(torch.from_numpy(values), differentiable)
            for values, differentiable in zip(after, soft_after, strict=True)
        )
        return (straight_through(exact, torch.stack(soft, dim=1)), *finals)


def _loop(
    step: Callable[[Values, Values, Values, Memory], Memory], matrices: Matrices, memory: Memory
) -> tuple[list[Values], Memory]:
    """h of every step, and the memories after the last."""
    hidden = []
    for t in range(matrices.drive.shape[1]):
        memory = step(matrices.drive[:, t], matrices.past(memory[0]), matrices.late, memory)
        hidden.append(memory[0])
    return hidden, memory


def _sums(values: Array, weight: Array) -> Array:
    """Σ_k values[..., k] weight[:, k] of integers, exact in float64, rounded once to float32."""
    total: Array = values.astype(np.float64) @ weight.astype(np.float64).T
    return total.astype(np.float32)
