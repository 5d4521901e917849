"""An snnTorch layer with time in place of the batch: its cell runs along axis 0 of what it is called with.

snnTorch's layers take a step (batch, *features) at a time. Everything without a state treats the frames of a
batch alike, and so takes the frames of time as well; a layer with a state is this adapter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from edgeeeg.cells.lif import lif
from edgeeeg.cells.recurrent_lif import recurrent_lif
from edgeeeg.cells.synaptic import synaptic
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.snntorch_membrane import decay, late, membrane

if TYPE_CHECKING:
    from edgeeeg_export.neuron import Neuron


class OverTime(nn.Module):
    """The cell of a neuron over (time, *features), called as the layer that it stands for.

    Its parameters are brought to one value a neuron by the first call, which is when the features are known.
    """

    beta: Tensor  # (n,)
    threshold: Tensor  # (n,)
    alpha: Tensor  # (n,), of a Synaptic
    V: Tensor  # (n, n), of an RLeaky
    bias: Tensor  # (n,), of an RLeaky

    def __init__(self, neuron: Neuron) -> None:
        super().__init__()
        self.neuron = neuron
        self.calls = 0
        """Calls since `begin`."""
        self.features: torch.Size | None = None

    def begin(self) -> None:
        """Another pass over the model begins."""
        self.calls = 0

    def reset_mem(self) -> Tensor | tuple[Tensor, ...]:
        """Initial states as the layer gives them, empty before it has seen an input."""
        rest = torch.zeros(0)
        return rest if self.neuron.kind == "Leaky" else (rest, rest)

    def init_leaky(self) -> Tensor | tuple[Tensor, ...]:
        """The older name of `reset_mem` in Leaky."""
        return self.reset_mem()

    def init_synaptic(self) -> Tensor | tuple[Tensor, ...]:
        """The older name of `reset_mem` in Synaptic."""
        return self.reset_mem()

    def init_rleaky(self) -> Tensor | tuple[Tensor, ...]:
        """The older name of `reset_mem` in RLeaky."""
        return self.reset_mem()

    def forward(
        self, x: Tensor, *states: Tensor | None, **named: Tensor | None
    ) -> Tensor | tuple[Tensor, ...]:
        """Spikes of x (time, *features) from rest, and the states after every frame if the layer gives them.

        Raises
        ------
        CaptureError
            If it is called a second time in one pass, or begins with another state than rest.
        """
        neuron = self.neuron
        self.calls += 1
        if self.calls > 1:
            raise CaptureError(
                f"snnTorch layer '{neuron.path}' is called more than once a time step (a loop of num_steps "
                "within one sample, or one layer in two places); let each sample be one step, and each place "
                "have its layer"
            )
        if not torch.compiler.is_exporting():
            self._require_rest((*states, *named.values()))
            self._settle(x.shape[1:])
        flat = x.flatten(1).unsqueeze(0)
        spikes = self._spikes(flat)
        if not neuron.returns_states:
            return spikes.squeeze(0).reshape(x.shape)
        after = self._states(flat, spikes)
        return tuple(value.squeeze(0).reshape(x.shape) for value in (spikes, *after))

    def _spikes(self, x: Tensor) -> Tensor:
        """Spikes (1, time, n) of x (1, time, n)."""
        neuron = self.neuron
        how = (neuron.reset, neuron.reset_delay, neuron.fires)
        spikes: Tensor
        if neuron.kind == "Synaptic":
            spikes = synaptic(x, self.alpha, self.beta, self.threshold, *how)
        elif neuron.kind == "RLeaky":
            spikes = recurrent_lif(x, self.beta, self.threshold, self.V, self.bias, *how)
        else:
            spikes = lif(x, self.beta, self.threshold, *how)
        return spikes

    def _states(self, x: Tensor, spikes: Tensor) -> tuple[Tensor, ...]:
        """What the layer returns behind its spikes, in its order, each (1, time, n)."""
        neuron, current = self.neuron, x
        if neuron.kind == "Synaptic":
            current = decay(self.alpha, x)
        elif neuron.kind == "RLeaky":
            current = x + nn.functional.linear(late(spikes), self.V, self.bias)
        mem = membrane(neuron, self.beta, self.threshold, current, spikes)
        return (current, mem) if neuron.kind == "Synaptic" else (mem,)

    def _require_rest(self, states: tuple[Tensor | None, ...]) -> None:
        for state in states:
            if state is not None and (state != 0).any():
                raise CaptureError(
                    f"snnTorch layer '{self.neuron.path}' begins with a state other than zero; begin with "
                    "reset_mem()"
                )

    def _settle(self, features: torch.Size) -> None:
        """Bring the parameters to one value for each neuron."""
        if self.features == features:
            return
        if self.features is not None:
            raise CaptureError(
                f"snnTorch layer '{self.neuron.path}' is given {tuple(features)} features and was given "
                f"{tuple(self.features)} before; give it one shape"
            )
        neuron, n = self.neuron, features.numel()

        def each(value: Tensor) -> Tensor:
            return value.to(torch.float32).broadcast_to((1, *features)).reshape(n).clone()

        self.register_buffer("beta", each(neuron.beta))
        self.register_buffer("threshold", each(neuron.threshold))
        if neuron.alpha is not None:
            self.register_buffer("alpha", each(neuron.alpha))
        if neuron.V is not None:
            self.register_buffer("V", neuron.V if neuron.V.ndim == 2 else torch.diag(each(neuron.V)))
            self.register_buffer("bias", torch.zeros(n) if neuron.bias is None else neuron.bias)
        self.features = features
