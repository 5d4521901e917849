"""A chain of NIR nodes as a module over (batch, n_chans, n_times): nodes see frames, neurons see time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgeeeg.cells.firing import Firing
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.recurrent_lif import RecurrentLif
from edgeeeg.layers.synaptic import Synaptic
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.neuron import Neuron
from edgeeeg_export.snntorch_membrane import decay


class OnFrames(nn.Module):
    """A layer over (batch, time, n) behind a gain, on frames (batch · time, *features)."""

    gain: Tensor  # (n,)

    def __init__(self, layer: nn.Module, gain: NDArray[np.float32]) -> None:
        super().__init__()
        self.layer = layer
        self.register_buffer("gain", torch.from_numpy(gain))
        self.scales = bool((gain != 1).any())

    def forward(self, x: Tensor, batch: int) -> Tensor:
        """Frames in, frames out."""
        rows = x.reshape(batch, x.shape[0] // batch, -1)
        rows = rows * self.gain if self.scales else rows
        after: Tensor = self.layer(rows)
        return after.reshape(x.shape)


class LeakyIntegrator(nn.Module):
    """Membranes that never fire, m_t = beta · m_{t-1} + x_t, (batch, time, n); NIR's LI."""

    beta: Tensor  # (n,)

    def __init__(self, beta: Tensor) -> None:
        super().__init__()
        self.register_buffer("beta", beta)

    def forward(self, x: Tensor) -> Tensor:
        """Membranes of x from rest."""
        return decay(self.beta, x)


class NirModel(nn.Module):
    """The stages of a chain, in order.

    Parameters
    ----------
    stages : layers on frames, `OnFrames` for those with a state.
    input_shape : features of a frame, of which the channels are the only or the last but for ones.
    dt : length of a step in seconds.
    """

    def __init__(self, stages: Sequence[nn.Module], input_shape: tuple[int, ...], dt: float) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.input_shape, self.dt = input_shape, dt
        self.n_chans, self.sfreq = math.prod(input_shape), 1 / dt

    def forward(self, x: Tensor) -> Tensor:
        """Take (batch, n_chans, n_times), give (batch, features, n_times)."""
        batch, _, n_times = x.shape
        frames = x.transpose(1, 2).reshape(batch * n_times, *self.input_shape)
        for stage in self.stages:
            frames = stage(frames, batch) if isinstance(stage, OnFrames) else stage(frames)
        return frames.reshape(batch, n_times, -1).transpose(1, 2)


def layer_of(neuron: Neuron) -> nn.Module:
    """The layer of a neuron with one value for each of its parameters, (n,); none of them is trained."""
    n = neuron.beta.numel()
    beta, threshold = neuron.beta, neuron.threshold
    layer: Synaptic | Lif | RecurrentLif
    if neuron.alpha is not None:
        layer = Synaptic(
            n, neuron.alpha, beta, threshold, learn_alpha=False, learn_beta=False, learn_threshold=False
        )
    elif neuron.V is None:
        layer = Lif(n, beta, threshold, learn_beta=False, learn_threshold=False)
    else:
        layer = RecurrentLif(
            n, beta, threshold, learn_beta=False, learn_threshold=False, learn_recurrent=False
        )
        with torch.no_grad():
            layer.recurrent.weight.copy_(neuron.V)
            layer.recurrent.bias.copy_(torch.zeros(n) if neuron.bias is None else neuron.bias)
    layer.firing = Firing(neuron.reset, neuron.reset_delay, neuron.fires)
    return layer


def neuron_of(path: str, layer: nn.Module) -> Neuron:
    """A spiking layer of ours as data.

    Raises
    ------
    CaptureError
        For a layer that NIR has no node for.
    """
    if not isinstance(layer, (Lif, Synaptic, RecurrentLif)):
        raise CaptureError(
            f"layer '{path}' ({type(layer).__name__}) has no node in NIR here; use Linear, Conv1d, Conv2d, "
            "Flatten, Lif, Synaptic, RecurrentLif or their snnTorch forms"
        )
    firing = layer.firing
    return Neuron(
        path,
        {Lif: "Leaky", Synaptic: "Synaptic", RecurrentLif: "RLeaky"}[type(layer)],
        layer.params.beta.detach(),
        layer.params.threshold.detach(),
        firing.reset,
        firing.reset_delay,
        firing.fires,
        alpha=layer.params.alpha.detach() if isinstance(layer, Synaptic) else None,
        V=layer.params.V.detach() if isinstance(layer, RecurrentLif) else None,
        bias=layer.params.bias.detach() if isinstance(layer, RecurrentLif) else None,
    )
