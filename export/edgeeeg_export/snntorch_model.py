"""A model built from snnTorch layers as one over (1, n_chans, n_times), as it is written.

Two forms are written: a module that is called with one step after the other, its states hidden in its layers
(`init_hidden=True`); and one that loops over the time axis of its input, from states at rest. Both see one
step at a time, so both can be called once with time in place of the batch: (n_times, n_chans), or a batch of
n_times recordings of one step each, over which the loop runs once.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from edgeeeg_export.capture import evaluating, quiet
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.snntorch_adapter import OverTime
from edgeeeg_export.snntorch_neuron import read_neuron, spiking_layers

STEPS = 23
"""Steps of the probe that tells how a model is written: a number that is hardly one of channels."""

TOLERANCE = 1e-4
"""Of the probe's outputs, absolute up to a magnitude of 1 and relative above it."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a model takes (1, n_chans, n_times): `whole`, and `once` with time in place of the batch."""

    name: str
    whole: Callable[[Tensor], Tensor]
    once: Callable[[Tensor], Tensor]


STEP = Form("step", lambda x: x[0].t(), lambda x: x[0].t())
FORMS = (
    STEP,
    Form("nct", lambda x: x, lambda x: x.permute(2, 1, 0)),
    Form("tnc", lambda x: x.permute(2, 0, 1), lambda x: x.permute(0, 2, 1)),
    Form("ntc", lambda x: x.transpose(1, 2), lambda x: x.permute(2, 0, 1)),
)
"""Tried in this order: a step (batch, channels), or the axes of what is looped over."""


@dataclass(frozen=True, slots=True)
class Axes:
    """Where an output has time and batch; a step's output has no time axis, it is stacked along a new one."""

    time: int
    batch: int


class StepByStep(nn.Module):
    """The original model, called step by step or with its own loop: (1, n_chans, n_times) from rest.

    It is a copy, so that nobody's hidden states change; of the model itself nothing is replaced.
    """

    def __init__(self, model: nn.Module, form: Form) -> None:
        super().__init__()
        self.model = copied(model)
        self.form = form

    def forward(self, x: Tensor) -> Any:
        """Outputs as the model gives them, those of steps stacked along a first axis."""
        for layer in spiking_layers(self.model).values():
            layer.reset_mem()  # type: ignore[operator] # torch types every attribute as tensor or module
        whole = self.form.whole(x)
        if self.form is not STEP:
            return self.model(whole)
        steps = [pytree.tree_flatten(self.model(frame)) for frame in whole.unsqueeze(1).unbind(0)]
        return pytree.tree_unflatten(
            [torch.stack(values) for values in zip(*(leaves for leaves, _ in steps), strict=True)],
            steps[0][1],
        )


class TimeAsBatch(nn.Module):
    """The model over (1, n_chans, n_times) in one call, its snnTorch layers being cells along time."""

    def __init__(self, model: nn.Module, form: Form) -> None:
        super().__init__()
        self.model = _with_cells(copied(model))
        self.form = form
        self.axes: tuple[Axes, ...] = ()
        """Of every output that is called with time in place of the batch, once they are known."""

    def forward(self, x: Tensor) -> Any:
        """Outputs (1, features, n_times), in the containers that the model gives them in."""
        leaves, containers = pytree.tree_flatten(self.raw(x))
        rows = [in_order(value, axes) for value, axes in zip(leaves, self.axes, strict=True)]
        return pytree.tree_unflatten(rows, containers)

    def raw(self, x: Tensor) -> Any:
        """Outputs as the model gives them."""
        for layer in self.model.modules():
            if isinstance(layer, OverTime):
                layer.begin()
        return self.model(self.form.once(x))


@dataclass(frozen=True, slots=True)
class Adapted:
    """The two ways to run a model: `original` as its author does, and `model` in one call."""

    original: StepByStep
    model: TimeAsBatch
    axes: tuple[Axes, ...]
    """Of the original's outputs."""


class _Failed(CaptureError):
    """The model itself raised something as it was called in a form."""


def adapt_snntorch(model: nn.Module, n_chans: int, layout: str | None = None) -> Adapted:
    """Find out how a model of snnTorch layers is written, and make it one over (1, n_chans, n_times).

    It is of the first of `FORMS` in which it runs on a few steps of noise and gives the numbers that it gives
    when it is called step by step. A `layout` says that it loops, and over which axes.

    Raises
    ------
    CaptureError
        For a layer that is no cell here, or if no form fits; the message says what was tried.
    """
    for path, layer in spiking_layers(model).items():
        read_neuron(path, layer)
    name = type(model).__name__
    forms = tuple(form for form in FORMS if layout is None or form.name == layout)
    if not forms:
        raise CaptureError(
            f"{name} is built from snnTorch layers, which layout '{layout}' does not suit: give one of "
            f"{', '.join(form.name for form in FORMS if form is not STEP)}, or none"
        )
    reasons: dict[str, list[str]] = {}
    failures: dict[str, list[str]] = {}
    for form in forms:
        try:
            return _adapted(model, n_chans, form)
        except _Failed as error:
            failures.setdefault(str(error), []).append(_called(form, n_chans))
        except CaptureError as error:
            reasons.setdefault(str(error), []).append(_called(form, n_chans))
    # a form in which the model runs, but not as this needs it, says more than those in which it fails
    said = "; ".join(f"called as {' or '.join(tried)}: {why}" for why, tried in (reasons or failures).items())
    raise CaptureError(f"{name} cannot run its snnTorch layers along time; {said}{_convolutions(model)}")


def _convolutions(model: nn.Module) -> str:
    """What to do where a convolution over several samples comes before the loop, if the model has any."""
    wide = (nn.Conv1d, nn.Conv2d)
    names = [
        f"'{path}'"
        for path, layer in model.named_modules()
        if isinstance(layer, wide) and max(layer.kernel_size) > 1
    ]
    if not names:
        return ""
    return (
        f"; if {', '.join(names)} runs along time before the loop, it would see one sample: use "
        "edgeeeg.layers.CausalConv1d and then edgeeeg.layers.Lif, which has snnTorch's semantics"
    )


def _called(form: Form, n_chans: int) -> str:
    """How a form is called, for messages."""
    if form is STEP:
        return f"a step (1, {n_chans})"
    sizes = {"n": "1", "c": str(n_chans), "t": "time"}
    return f"a loop over ({', '.join(sizes[axis] for axis in form.name)})"


def _adapted(model: nn.Module, n_chans: int, form: Form) -> Adapted:
    original, once = StepByStep(model, form), TimeAsBatch(model, form)
    noise = torch.randn(1, n_chans, STEPS, generator=torch.Generator().manual_seed(0))
    x = noise * torch.logspace(-1, 2, STEPS)  # from a tenth to a hundred: some of it passes a threshold
    with torch.no_grad(), quiet(), evaluating(original), evaluating(once):
        theirs, containers = pytree.tree_flatten(_tried(original, x, form))
        ours, own = pytree.tree_flatten(_tried(once.raw, x, form))
    if containers != own or not all(isinstance(value, Tensor) for value in (*theirs, *ours)):
        raise CaptureError("it returns something else than tensors, alone or in a tuple, list or dict")
    places = [_axes(tuple(a.shape), tuple(b.shape), form) for a, b in zip(theirs, ours, strict=True)]
    for value, other, (at, at_once) in zip(theirs, ours, places, strict=True):
        expected, got = in_order(value, at), in_order(other, at_once)
        if not torch.allclose(expected, got, rtol=TOLERANCE, atol=TOLERANCE):
            raise CaptureError(
                "a batch of steps gives other outputs than the steps one by one, so a layer other than "
                "snnTorch's has a state or mixes its batch"
            )
    once.axes = tuple(at_once for _, at_once in places)
    return Adapted(original, once, tuple(at for at, _ in places))


def _tried(run: Callable[[Tensor], Any], x: Tensor, form: Form) -> Any:
    """What a user's forward pass returns; whatever it raises becomes the reason.

    Raises
    ------
    CaptureError
        In the words of the error, or of what to do about it.
    """
    try:
        return run(x)
    except CaptureError:
        raise
    except Exception as error:
        text = str(error).strip()
        reason = text.splitlines()[0] if text else "without a message"
        said = f"{type(error).__name__}: {reason}"
        if form is not STEP and isinstance(error, (IndexError, RuntimeError)) and _past_the_end(reason, form):
            raise CaptureError(
                f"its loop has a fixed length ({said}); loop over x.shape[{form.name.index('t')}]: a stream "
                "has no length"
            ) from error
        raise _Failed(said) from error


def _past_the_end(reason: str, form: Form) -> bool:
    """Whether torch says that an index is beyond the time axis of a form: all steps, or the one."""
    axis, sizes = form.name.index("t"), f"({STEPS}|1)"
    return (
        re.search(rf"out of bounds for dimension {axis} with size {sizes}$", reason) is not None
        or re.search(rf"index \d+ out of range for tensor of size .* at dimension {axis}$", reason)
        is not None
    )


def _axes(whole: tuple[int, ...], once: tuple[int, ...], form: Form) -> tuple[Axes, Axes]:
    """Where an output of the original and of the adapted model has time and batch.

    Raises
    ------
    CaptureError
        If the original has no output for every step.
    """
    if form is STEP:
        if len(whole) >= 2 and whole[1] == 1 and once == (STEPS, *whole[2:]):
            return Axes(time=0, batch=1), Axes(time=0, batch=-1)
    elif len(whole) == len(once):
        differing = [axis for axis, sizes in enumerate(zip(whole, once, strict=True)) if sizes[0] != sizes[1]]
        pairs = {axis: (whole[axis], once[axis]) for axis in differing}
        if sorted(pairs.values()) == [(1, STEPS), (STEPS, 1)]:
            time, batch = sorted(differing, key=lambda axis: whole[axis], reverse=True)
            return Axes(time, batch), Axes(batch, time)
    raise CaptureError(
        f"it returns {whole} for {STEPS} steps and {once} for a batch of {STEPS}, so not one output a step; "
        "return the outputs of all steps, stacked, and sum or average them behind the model"
    )


def in_order(value: Tensor, axes: Axes) -> Tensor:
    """An output as (1, features, n_times); a batch axis of -1 says that there is none beside time."""
    if axes.batch < 0:
        return value.flatten(1).t().unsqueeze(0) if value.ndim > 1 else value.reshape(1, 1, -1)
    ordered = value.movedim((axes.batch, axes.time), (0, -1))
    return ordered.flatten(1, -2) if value.ndim > 2 else ordered.unsqueeze(1)


def copied(model: nn.Module) -> nn.Module:
    """A copy of a model whose hidden states may still hang on the graph of its last training step."""
    kept = {id(state): state.detach().clone() for state in model.buffers() if not state.is_leaf}
    return copy.deepcopy(model, kept)


def _with_cells(model: nn.Module) -> nn.Module:
    """The model with an adapter in place of every snnTorch layer; one layer in two places stays one."""
    adapters = {layer: OverTime(read_neuron(path, layer)) for path, layer in spiking_layers(model).items()}
    if model in adapters:
        return adapters[model]
    for parent in [module for module in model.modules() if module not in adapters]:
        for name, child in list(parent._modules.items()):
            if child in adapters:
                setattr(parent, name, adapters[child])
    return model
