"""What EEG models do that torch.export cannot trace, undone in a copy: the numbers stay.

Weights kept below a norm are the commonest of it: a layer that renormalizes its `weight.data` in every
forward pass (EEGNet's maximum-norm constraint). In a trained model that changes nothing any more.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

from edgeeeg_export.errors import CaptureError

if TYPE_CHECKING:
    import torch


def traceable(model: torch.nn.Module) -> torch.nn.Module:
    """The model itself, or a copy with plain tensors and layers in place of those that cannot be traced."""
    constrained = _constrained(model)
    tensors = (*model.parameters(), *model.buffers())
    if not constrained and not any(tensor.is_inference() for tensor in tensors):
        return model
    model = copy.deepcopy(model)  # its tensors are plain ones, also where those were made in inference mode
    for path, plain in constrained.items():
        _settle(path, model.get_submodule(path), plain)
    return model


def _constrained(model: torch.nn.Module) -> dict[str, type[torch.nn.Module]]:
    """Layers by path that assign to their own weights as they run, and the plain layer each derives from."""
    import torch

    plain = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.Linear)
    found: dict[str, type[torch.nn.Module]] = {}
    for path, layer in model.named_modules():
        base = next((kind for kind in plain if isinstance(layer, kind)), None)
        if base is not None and type(layer).forward is not base.forward and _assigns_data(layer):
            found[path] = base
    return found


def _assigns_data(layer: torch.nn.Module) -> bool:
    """Whether the code of its forward pass stores into `.data` of a parameter."""
    code = type(layer).forward.__code__
    return "data" in code.co_names and "renorm" in code.co_names


def _settle(path: str, layer: torch.nn.Module, plain: type[torch.nn.Module]) -> None:
    """Let the layer apply its constraint to its weights once, and make it the plain layer with them.

    Raises
    ------
    CaptureError
        If the plain layer then gives another result: its forward pass does more than that.
    """
    import torch

    if isinstance(layer, torch.nn.Linear):
        shape: tuple[int, ...] = (1, layer.in_features)
    else:
        shape = (1, int(layer.in_channels), *(reach + 1 for reach in _reach(layer)))  # type: ignore[arg-type]
    with torch.no_grad():
        x = torch.linspace(-1.0, 1.0, math.prod(shape)).reshape(shape)
        own = layer(x)
        layer.__class__ = plain
        if not torch.equal(own, layer(x)):
            raise CaptureError(
                f"layer '{path}' sets its own weights as it runs and does more than constrain their norm; "
                "write the constraint into the training loop"
            )


def _reach(layer: torch.nn.Module) -> tuple[int, ...]:
    """Elements per axis that one output of a convolution sees."""
    pairs = zip(layer.kernel_size, layer.dilation, strict=True)  # type: ignore[arg-type]
    return tuple(int(dilation) * (int(kernel) - 1) + 1 for kernel, dilation in pairs)
