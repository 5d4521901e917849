"""Spike encoders: numbers in, spikes out, with the codes of `snntorch.spikegen`.

    rate      P(spike_t = 1) = min(max(x_t, 0), 1), drawn anew in every frame
    latency   one spike, the earlier the larger x is: at step round(τ ln(x / (x − θ))), or linearly in x
    delta     spike_t = 1 where x_t − x_{t−1} ≥ θ; where it is ≤ −θ, −1 if off-spikes are wanted

References
----------
Eshraghian et al. 2023, Training spiking neural networks using lessons from deep learning, section II-B.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from edgeeeg.errors import ModelError
from edgeeeg.layers.signal_shape import require_positive


class RateEncoder(nn.Module):
    """Bernoulli spikes of x (batch, time, n), whose values are the probabilities; equal seeds, equal spikes.

    Equal to `snntorch.spikegen.rate` with `time_var_input=True`. For training: a program for a device draws
    no random numbers.

    Parameters
    ----------
    seed : start of the layer's own generator, which goes on from call to call.

    Raises
    ------
    ModelError
        When it is exported.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed
        self.generator = torch.Generator().manual_seed(seed)

    def forward(self, x: Tensor) -> Tensor:
        """Draw the spikes."""
        if torch.compiler.is_exporting():
            raise ModelError(
                "RateEncoder draws random spikes, which no two targets would share; export the model with "
                "DeltaEncoder or with Lif on the values themselves"
            )
        if self.generator.device != x.device:
            self.generator = torch.Generator(x.device).manual_seed(self.seed)
        return torch.bernoulli(x.clamp(0.0, 1.0), generator=self.generator)


class LatencyEncoder(nn.Module):
    """One spike for each value of x (batch, n) within [0, 1], in (batch, n_steps, n), the largest first.

    Equal to `snntorch.spikegen.latency` with `bypass=True` and without `normalize`, which would make the code
    of a value depend on its batch.

    Parameters
    ----------
    n_steps : length of the spike train; a spike that would come later is left out.
    threshold : values up to it come as late as values just above it, or not at all with `clip`.
    tau : time constant in steps; with `linear`, the steps from a value of 1 to one of 0.
    clip : whether values below the threshold give no spike.
    linear : spike times linear in x in place of the charging curve of a LIF neuron.

    Raises
    ------
    ModelError
        For a number of steps, a threshold or a time constant that is not positive; for an input of another
        shape.
    """

    def __init__(
        self,
        n_steps: int,
        threshold: float = 0.01,
        tau: float = 1.0,
        *,
        clip: bool = False,
        linear: bool = False,
    ) -> None:
        super().__init__()
        require_positive("LatencyEncoder", n_steps=n_steps, threshold=threshold, tau=tau)
        self.n_steps, self.threshold, self.tau = n_steps, threshold, tau
        self.clip, self.linear = clip, linear

    def forward(self, x: Tensor) -> Tensor:
        """Place the spikes."""
        if x.ndim != 2:
            raise ModelError(f"LatencyEncoder: input of shape {tuple(x.shape)}, expected (batch, n)")
        step = torch.round(self._spike_time(x))
        steps = torch.arange(self.n_steps, dtype=x.dtype, device=x.device)
        spikes = steps[None, :, None] == step[:, None, :]
        if self.clip:
            spikes = spikes & (x >= self.threshold)[:, None, :]
        return spikes.to(x.dtype)

    def _spike_time(self, x: Tensor) -> Tensor:
        """When each value fires, (batch, n) in steps."""
        if self.linear:
            return (-self.tau * (x - 1)).clamp(max=-self.tau * (self.threshold - 1))
        charged = x.clamp(min=self.threshold + 1e-7)  # a neuron driven by no more than this never fires
        return self.tau * torch.log(charged / (charged - self.threshold))


class DeltaEncoder(nn.Module):
    """Spikes where x (batch, time, n) rises by a threshold from one frame to the next; it streams.

    Equal to `snntorch.spikegen.delta`: before the first frame x is 0.

    Parameters
    ----------
    threshold : smallest change that fires, in the unit of x.
    off_spike : whether a fall by as much gives a spike of -1.

    Raises
    ------
    ModelError
        For a threshold that is not positive.
    """

    def __init__(self, threshold: float = 0.1, *, off_spike: bool = False) -> None:
        super().__init__()
        require_positive("DeltaEncoder", threshold=threshold)
        self.threshold, self.off_spike = threshold, off_spike

    def forward(self, x: Tensor) -> Tensor:
        """Compare every frame with the one before."""
        change = x - pad(x, (0, 0, 1, 0))[:, :-1]
        on = (change >= self.threshold).to(x.dtype)
        return on - (change <= -self.threshold).to(x.dtype) if self.off_spike else on
