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
        y, state = step(params, _frame(x, frame), state)
        ys.append(y)
    return torch.stack(ys, dim=1), state


def _frame(x: Any, parts: tuple[Tensor, ...]) -> Any:
    """One frame in the form of the sequence: a tensor, or a named tuple of them."""
    return parts[0] if isinstance(x, Tensor) else type(x)(*parts)


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
    start = tuple(cast("tuple[Tensor, ...]", state))

    # one step by itself: what is wrong with it is said by its own name here, and by none inside of scan
    _, after = step(params, _frame(x, tuple(part[:, 0] for part in parts)), state)
    _check_state(start, tuple(cast("tuple[Tensor, ...]", after)))

    def combine(memories: tuple[Tensor, ...], frame: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], Tensor]:
        y, following = step(params, _frame(x, frame), make_state(*memories))
        # scan refuses a tensor that it sees twice, as where a state is the output too
        return tuple(map(_apart, cast("tuple[Tensor, ...]", following))), _apart(y)

    try:
        # contiguous: scan holds the layout of a memory to that of its initial value
        memories, y = scan(combine, tuple(map(_apart, start)), parts, dim=1)
    except RuntimeError as error:
        raise ModelError(
            f"step loop: torch's scan cannot trace the step ({_bottom(error)}); a step reads its params, its "
            "frame and its state alone, is made of tensor operations, does not branch on values and changes "
            "nothing in place"
        ) from error
    return cast(Tensor, y), make_state(*memories)


def _bottom(error: BaseException) -> str:
    """The first line of what set off an error."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _apart(x: Tensor) -> Tensor:
    """The same values in memory of their own, in the order of the axes."""
    return x.clone(memory_format=torch.contiguous_format)


def _check_state(before: tuple[Tensor, ...], after: tuple[Tensor, ...]) -> None:
    """Raise ModelError unless a step returns a state like the one that it was given."""
    for kind in ("shape", "dtype"):
        was, becomes = ([getattr(each, kind) for each in state] for state in (before, after))
        if was != becomes:
            given, returned = (
                ", ".join(str(tuple(one) if kind == "shape" else one) for one in values)
                for values in (was, becomes)
            )
            raise ModelError(
                f"step loop: the step is given states of {kind} {given} and returns {returned}; return a "
                "state like the one it is given"
            )
