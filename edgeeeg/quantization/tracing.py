"""A trained module as a flat program of torch's operators, batch norms folded into the layers in front."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx, nn

from edgeeeg.errors import ModelError

aten = torch.ops.aten

CONVOLUTIONS = (aten.conv1d.default, aten.conv2d.default, aten.conv3d.default)
PADDED = (aten.conv1d.padding, aten.conv2d.padding, aten.conv3d.padding)
"""Convolutions whose padding is a word."""


def trace(model: nn.Module, sample: Tensor) -> fx.GraphModule:
    """The operators that a module runs in evaluation mode, on its own parameters, for a batch of any size.

    Parameters
    ----------
    sample : (batch, n_chans, n_times); every axis but the batch keeps its size.

    Raises
    ------
    ModelError
        If torch cannot trace it.
    """
    modes = [(layer, layer.training) for layer in model.modules()]
    # two, as torch takes a batch of one for a constant
    example = sample[:1].repeat(2, *(1,) * (sample.ndim - 1))
    try:
        with _quiet():
            batch = ({0: torch.export.Dim("batch", min=1)},)
            program = torch.export.export(model.eval(), (example,), dynamic_shapes=batch)
            exported = program.module(check_guards=False)
            # a plain one has modes of training and evaluation, which layers inside of it need
            traced = fx.GraphModule(exported, exported.graph)
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelError(
            f"torch.export cannot trace {type(model).__name__} on input {tuple(sample.shape)}: {reason}"
        ) from error
    finally:
        for layer, training in modes:
            layer.training = training
    fold_batch_norms(traced)
    return traced


def fold_batch_norms(traced: fx.GraphModule) -> None:
    """W' = W γ / σ, b' = (b - µ) γ / σ + β where a batch norm alone reads a convolution or a dense layer."""
    for node in list(traced.graph.nodes):
        if node.target is not aten.batch_norm.default:
            continue
        front = arguments(node)[0]
        if front.target not in (*CONVOLUTIONS, *PADDED, aten.linear.default) or len(front.users) > 1:
            continue
        gamma, beta, mean, variance = (
            None if arg is None else value(traced, arg) for arg in arguments(node)[1:5]
        )
        weight = value(traced, front.args[1])
        if mean is None or variance is None or (front.target is aten.linear.default and mean.ndim != 1):
            continue
        bias = front.args[2] if len(front.args) > 2 else None
        start = torch.zeros_like(mean) if bias is None else value(traced, bias)
        with torch.no_grad():
            factor = torch.rsqrt(variance + arguments(node)[7])
            factor = factor if gamma is None else factor * gamma
            folded = weight * factor.reshape(-1, *(1,) * (weight.ndim - 1))
            shift = (start - mean) * factor
            shift = shift if beta is None else shift + beta
        with traced.graph.inserting_before(front):
            parameters = [
                _parameter(traced, f"{front.name}_{what}", data)
                for what, data in (("weight", folded), ("bias", shift))
            ]
        front.args = (front.args[0], *parameters, *front.args[3:])
        node.replace_all_uses_with(front)
        traced.graph.erase_node(node)
    traced.graph.eliminate_dead_code()
    traced.recompile()
    traced.delete_all_unused_submodules()


def arguments(node: fx.Node) -> tuple[Any, ...]:
    """What a node was called with, in order."""
    return node.args


def value(traced: fx.GraphModule, node: fx.Node) -> Tensor:
    """The parameter or buffer that a node reads.

    Raises
    ------
    ModelError
        If it is computed.
    """
    if node.op != "get_attr":
        raise ModelError(f"'{node.name}' is computed as the model runs; quantized layers need parameters")
    found: Any = traced
    for part in str(node.target).split("."):
        found = getattr(found, part)
    assert isinstance(found, Tensor)
    return found


def _parameter(traced: fx.GraphModule, name: str, data: Tensor) -> fx.Node:
    traced.register_parameter(name, nn.Parameter(data.clone()))
    return traced.graph.get_attr(name)


@contextmanager
def _quiet() -> Iterator[None]:
    """No warnings and no log lines of torch's: what goes wrong is raised."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
