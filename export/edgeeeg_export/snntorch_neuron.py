"""What an snnTorch layer computes, read from the layer itself: decays, threshold, reset, when it fires."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from edgeeeg_export.errors import CaptureError
from edgeeeg_export.neuron import KINDS, Neuron

if TYPE_CHECKING:
    import torch
    from torch import Tensor

REMEDIES = {
    "Lapicque": "use Leaky with beta = 1 - time_step / (R C), and the input scaled by time_step / C",
    "Alpha": "use Synaptic",
    "RSynaptic": "use RLeaky",
    "SLSTM": "use nn.LSTM on whole sequences",
    "SConv2dLSTM": "use nn.LSTM on whole sequences",
    "LeakyParallel": "use Leaky or RLeaky",
    "StateLeaky": "use Leaky",
    "LinearLeaky": "use nn.Linear and Leaky",
}
"""What to take in place of the layers of snnTorch that are not."""


def spiking_layers(model: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """The snnTorch layers of a model by path; none where snnTorch was never imported."""
    if "snntorch" not in sys.modules:
        return {}
    return {
        path: layer
        for path, layer in model.named_modules()
        if any(base.__module__.split(".")[0] == "snntorch" for base in type(layer).__mro__)
        and not _inside(model, path)
    }


def _inside(model: torch.nn.Module, path: str) -> bool:
    """Whether a layer is a part of an snnTorch layer, as the one-to-one connection of an RLeaky is."""
    parents = (path.rsplit(".", k)[0] for k in range(1, path.count(".") + 1))
    return any(
        type(model.get_submodule(parent)).__module__.startswith("snntorch.") for parent in parents
    ) or (path != "" and type(model).__module__.startswith("snntorch."))


def read_neuron(path: str, layer: torch.nn.Module) -> Neuron:
    """Read a layer's semantics from its parameters and functions.

    Raises
    ------
    CaptureError
        For another layer than `KINDS`, and for options that no cell here has; it names layer and remedy.
    """
    kind = type(layer).__name__
    own = kind in KINDS and type(layer).__module__.startswith("snntorch.")
    if not own:
        remedy = REMEDIES.get(kind, f"use one of {', '.join(KINDS)} itself")
        raise _refuse(path, kind, "it is not a cell here", remedy)
    settings: Any = layer
    if settings.inhibition:
        raise _refuse(path, kind, "inhibition=True couples its neurons", "leave it out")
    if settings.state_quant:
        raise _refuse(path, kind, "it quantizes its state (state_quant)", "leave state_quant out")
    if (settings.graded_spikes_factor != 1).any():
        factor = settings.graded_spikes_factor.detach().flatten().tolist()
        raise _refuse(
            path, kind, f"graded_spikes_factor is {factor}", "scale the weights of the layer behind it"
        )
    recurrent, bias = _recurrent(path, settings) if kind == "RLeaky" else (None, None)
    return Neuron(
        path,
        kind,
        settings.beta.detach().clamp(0, 1),
        settings.threshold.detach(),
        _reset(path, settings),
        bool(settings.reset_delay),
        _fires(path, settings),
        returns_states=bool(settings.output or not settings.init_hidden),
        alpha=settings.alpha.detach().clamp(0, 1) if kind == "Synaptic" else None,
        V=recurrent,
        bias=bias,
    )


def _reset(path: str, layer: Any) -> str:
    """The reset that the layer computes, which it fixed when it was built; its buffer may say another."""
    computed = {"_base_sub": "subtract", "_base_zero": "zero", "_base_int": "none"}
    reset: str = computed[layer.state_function.__name__]
    said = ("subtract", "zero", "none")[int(layer.reset_mechanism_val)]
    if said != reset:
        raise _refuse(
            path,
            type(layer).__name__,
            f"it was built with reset_mechanism='{reset}' and now says '{said}', of which it does half",
            f"build it with reset_mechanism='{said}'",
        )
    return reset


def _fires(path: str, layer: Any) -> str:
    """Whether the layer fires above its threshold only, or at it too: its surrogate function is asked."""
    import torch

    below = torch.linspace(-100.0, -0.001, 64)
    with torch.no_grad():
        decisions = layer.spike_grad(torch.cat([below, torch.zeros(1), -below]))
    at = decisions[64].item()
    if decisions[:64].any() or (decisions[65:] != 1).any() or at not in (0.0, 1.0):
        raise _refuse(
            path,
            type(layer).__name__,
            "its spike_grad does not give 0 below the threshold and 1 above it",
            "use one of snntorch.surrogate",
        )
    return "at" if at else "above"


def _recurrent(path: str, layer: Any) -> tuple[Tensor, Tensor | None]:
    """Recurrent weights of an RLeaky and their bias."""
    import torch

    if not layer.all_to_all:
        return layer.recurrent.V.detach(), None
    if not isinstance(layer.recurrent, torch.nn.Linear):
        raise _refuse(path, "RLeaky", "its recurrence is a convolution", "use linear_features")
    bias = layer.recurrent.bias
    return layer.recurrent.weight.detach(), None if bias is None else bias.detach()


def _refuse(path: str, kind: str, reason: str, remedy: str) -> CaptureError:
    return CaptureError(f"snnTorch layer '{path}' ({kind}): {reason}; {remedy}")
