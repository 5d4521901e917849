"""The recurrence as it is defined: one step after another along time.

A model may bring a cell of its own this way: while torch exports it, the loop is torch's `scan`, which stays
one node, `Scan`, and streams as any recurrence does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from edgeeeg.errors import ModelError

Params = TypeVar("Params")
Input = TypeVar("Input")
State = TypeVar("State")


def step_loop(
    step: Callable[[Params, Input, State], tuple[Tensor, State]], params: Params, x: Input, state: State
) -> tuple[Tensor, State]:
    """Apply `step` to every frame in order: x (batch, time, ...) to y (batch, time, ...) and the last state.

    Parameters
    ----------
    step : a cell's definition, step(params, x, state) -> (y, state) of one frame.
    x : tensor or named tuple of tensors, each (batch, time, ...).

    Raises
    ------
    ModelError
        For a sequence without a frame, or parts of it that differ in length.
    """
    parts = (x,) if isinstance(x, Tensor) else cast("tuple[Tensor, ...]", x)
    lengths = {part.shape[1] for part in parts}
    if len(lengths) != 1 or lengths == {0}:
        raise ModelError(
            f"step loop: inputs of {sorted(lengths)} frames; give each the same number, at least 1"
        )
    if torch.compiler.is_exporting():
        return _one_node(step, params, x, parts, state)
    ys = []
    # unbind, not part[:, t]: the backward of an index writes a whole zero tensor for each step
    for frame in zip(*(part.unbind(1) for part in parts), strict=True):
        x_t: Any = frame[0] if isinstance(x, Tensor) else type(x)(*frame)
        y, state = step(params, x_t, state)
        ys.append(y)
    return torch.stack(ys, dim=1), state


def _one_node(
    step: Callable[[Params, Input, State], tuple[Tensor, State]],
    params: Params,
    x: Input,
    parts: tuple[Tensor, ...],
    state: State,
) -> tuple[Tensor, State]:
    """The loop as torch's `scan`, whose trace does not grow with time."""
    from torch._higher_order_ops.scan import scan

    make_state: Any = type(state)

    def combine(memories: tuple[Tensor, ...], frame: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], Tensor]:
        x_t: Any = frame[0] if isinstance(x, Tensor) else type(x)(*frame)
        y, following = step(params, x_t, make_state(*memories))
        return tuple(cast("tuple[Tensor, ...]", following)), y

    memories, y = scan(combine, tuple(cast("tuple[Tensor, ...]", state)), parts, dim=1)
    return cast(Tensor, y), make_state(*memories)
