"""The project's causal seizure detector: temporal convolution, spiking neurons, state space, head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgeeeg.errors import ModelError
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.mamba import MambaBlock


class EdgeDetector(nn.Module):
    """Causal detector, EEG (batch, n_chans, n_times) to probabilities (batch, n_frames, n_outputs).

    A temporal convolution drives LIF neurons, a second convolution pools their spikes to frames of one hop, a
    Mamba block integrates the frames, and a linear head with a sigmoid reads each frame. Frame j has seen the
    samples up to (j + 1) · hop - 1 and nothing later; n_times must be a multiple of `hop`.

    Parameters
    ----------
    n_chans : electrodes.
    n_times : samples that `forward` will be given; checked against the hop if stated.
    sfreq : sampling rate in Hz that the weights were trained for.
    n_outputs : probabilities per frame.
    input_scale : input units (µV, or z for normalised data) that count as 1 inside the model.
    n_filters, kernel_size, stride : first convolution, in samples; the neurons run at sfreq / stride.
    d_model, pool_size, pool_stride : second convolution, in neuron steps; hop = stride · pool_stride.
    d_state : states of each of the Mamba block's 2 · d_model inner channels.

    Raises
    ------
    ModelError
        For n_times that is no multiple of the hop, or an input of another shape.
    """

    def __init__(
        self,
        n_chans: int = 1,
        n_times: int | None = None,
        sfreq: float = 173.61,
        n_outputs: int = 1,
        input_scale: float = 100.0,
        n_filters: int = 24,
        kernel_size: int = 32,
        stride: int = 4,
        d_model: int = 16,
        pool_size: int = 4,
        pool_stride: int = 2,
        d_state: int = 8,
    ) -> None:
        super().__init__()
        self.n_chans = n_chans
        self.sfreq = sfreq
        self.n_outputs = n_outputs
        self.hop = stride * pool_stride
        self.input_scale = input_scale
        if n_times is not None:
            self._check_n_times(n_times)
        self.temporal = CausalConv1d(n_chans, n_filters, kernel_size, stride=stride, bias=False)
        self.temporal_norm = nn.BatchNorm1d(n_filters)
        self.lif = Lif(n_filters)
        self.pool = CausalConv1d(n_filters, d_model, pool_size, stride=pool_stride, bias=False)
        self.pool_norm = nn.BatchNorm1d(d_model)
        self.mamba = MambaBlock(d_model, d_state=d_state)
        self.head = nn.Linear(d_model, n_outputs)

    def logits(self, x: Tensor) -> Tensor:
        """Log-odds (batch, n_frames, n_outputs) of x (batch, n_chans, n_times): what training works on."""
        if x.ndim != 3 or x.shape[1] != self.n_chans:
            raise ModelError(
                f"EdgeDetector: input of shape {tuple(x.shape)}, expected (batch, {self.n_chans}, n_times)"
            )
        self._check_n_times(x.shape[-1])
        currents = self.temporal_norm(self.temporal(x * (1.0 / self.input_scale)))
        spikes = self.lif(currents.transpose(1, 2))
        frames = self.pool_norm(self.pool(spikes.transpose(1, 2))).transpose(1, 2)
        scores: Tensor = self.head(self.mamba(frames))
        return scores

    def forward(self, x: Tensor) -> Tensor:
        """Probability of each output at the end of each hop."""
        return torch.sigmoid(self.logits(x))

    def _check_n_times(self, n_times: int) -> None:
        if n_times % self.hop or n_times == 0:
            raise ModelError(
                f"EdgeDetector: {n_times} samples are no positive multiple of the hop of {self.hop}; "
                f"crop to {n_times // self.hop * self.hop}"
            )
