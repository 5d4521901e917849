"""The step model of the host bench: convolution, spiking neurons, RWKV's time mixing and a selective scan."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgeeeg.cells import lif, selective_scan, wkv4
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.layers.time_mixing4 import TimeMixing4

N_CHANS, WIDTH, KERNEL, N_STATES = 8, 16, 8, 8
MICROVOLTS = 50.0
"""What counts as 1 inside the model."""


class StepModel(nn.Module):
    """EEG in µV (batch, 8, n_times) to scores (batch, n_times, 2), causal, a frame a sample."""

    sfreq = 256.0
    n_chans, n_times = N_CHANS, 256

    def __init__(self) -> None:
        super().__init__()
        self.conv = CausalConv1d(N_CHANS, WIDTH, KERNEL)
        self.lif = Lif(WIDTH)
        self.mixing = TimeMixing4(WIDTH)
        self.mamba = MambaBlock(WIDTH, d_state=N_STATES)
        self.head = nn.Linear(WIDTH, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of a recording from the initial state."""
        spikes = self.lif(self.conv(x * (1.0 / MICROVOLTS)).transpose(1, 2))
        scores: Tensor = self.head(self.mamba(spikes + self.mixing(spikes)))
        return scores


class OneStep(nn.Module):
    """One sample of a `StepModel`, its states as arguments and results, as a deployed torch program has them.

    What depends on parameters alone (decays, the matrix A) is computed once, as a compiler of ours would.
    """

    beta: Tensor  # (16,)
    threshold: Tensor  # (16,)
    rate: Tensor  # (16,)
    A: Tensor  # (32, 8)

    def __init__(self, model: StepModel) -> None:
        super().__init__()
        self.model = model
        mamba = model.mamba
        for name, value in (
            ("beta", model.lif.params.beta),
            ("threshold", model.lif.params.threshold),
            ("rate", model.mixing.params.w),
            ("A", -torch.exp(mamba.A_log)),
        ):
            self.register_buffer(name, value.detach().clone().contiguous())

    def initial(self) -> tuple[Tensor, ...]:
        """States before the first sample."""
        inner = self.model.mamba.D.shape[0]
        shapes = (
            (1, N_CHANS, KERNEL - 1),
            (1, WIDTH),
            (1, WIDTH),
            (1, WIDTH),
            (1, WIDTH),
            (1, WIDTH),
            (1, 1),
            (1, inner, self.model.mamba.conv.left_padding),
            (1, inner, N_STATES),
        )
        return tuple(torch.zeros(shape) for shape in shapes)

    def forward(self, x: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Scores (1, 2) of a sample x (1, 8, 1) in µV, and the next states."""
        frames, mem, before, num, den, peak, started, inner_frames, h = states
        model, mixing, mamba = self.model, self.model.mixing, self.model.mamba
        frames = torch.cat((frames, x * (1.0 / MICROVOLTS)), dim=2)
        current = F.conv1d(frames, model.conv.weight, model.conv.bias)[:, :, 0]
        spikes, membrane = lif.step(
            lif.LifParams(self.beta, self.threshold), current, lif.LifState(mem), model.lif.firing
        )
        change = before - spikes
        r = torch.sigmoid(mixing.receptance(spikes + (1 - mixing.mu_r) * change))
        k = mixing.key(spikes + (1 - mixing.mu_k) * change)
        v = mixing.value(spikes + (1 - mixing.mu_v) * change)
        average, memory = wkv4.step(
            wkv4.Wkv4Params(self.rate, mixing.bonus),
            wkv4.Wkv4Input(k, v),
            wkv4.Wkv4State(num, den, peak, started),
        )
        features = spikes + mixing.out_proj(r * average)
        u, z = mamba.in_proj(features).chunk(2, dim=-1)
        inner_frames = torch.cat((inner_frames, u[:, :, None]), dim=2)
        u = F.silu(F.conv1d(inner_frames, mamba.conv.weight, mamba.conv.bias, groups=u.shape[1])[:, :, 0])
        dt, B, C = mamba.x_proj(u).split(mamba.widths, dim=-1)
        delta = F.softplus(mamba.dt_proj(dt))
        y, scanned = selective_scan.step(
            selective_scan.ScanParams(self.A, mamba.D),
            selective_scan.ScanInput(u, delta, B, C),
            selective_scan.ScanState(h),
        )
        scores = model.head(features + mamba.out_proj(y * F.silu(z)))
        return (scores, frames[:, :, 1:], *membrane, spikes, *memory, inner_frames[:, :, 1:], *scanned)
