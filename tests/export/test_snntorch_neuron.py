"""What is read from snnTorch's layers: everything that they compute with, or a refusal in one line."""

from __future__ import annotations

import pytest
import snntorch
import torch
from torch import nn

from edgeeeg_export.errors import CaptureError
from edgeeeg_export.snntorch_neuron import read_neuron, spiking_layers


def test_parameters_are_read_as_the_layer_uses_them():
    layer = snntorch.Leaky(
        beta=torch.tensor([-0.5, 0.25, 1.5]), threshold=0.5, learn_beta=True, reset_mechanism="zero"
    )
    neuron = read_neuron("lif", layer)
    assert neuron.beta.tolist() == [0.0, 0.25, 1.0]  # clamped, as in its forward pass
    assert neuron.threshold.item() == 0.5
    assert (neuron.reset, neuron.reset_delay, neuron.fires) == ("zero", True, "above")
    assert neuron.returns_states
    assert not neuron.beta.requires_grad


@pytest.mark.parametrize(
    ("options", "returns"), [({"init_hidden": True}, False), ({"init_hidden": True, "output": True}, True)]
)
def test_whether_states_are_returned(options, returns):
    assert read_neuron("lif", snntorch.Leaky(beta=0.5, **options)).returns_states is returns


def test_recurrence_and_synapse():
    dense = snntorch.RLeaky(beta=0.5, linear_features=3, reset_delay=False)
    neuron = read_neuron("r", dense)
    assert torch.equal(neuron.V, dense.recurrent.weight)
    assert torch.equal(neuron.bias, dense.recurrent.bias)
    assert not neuron.reset_delay
    own = read_neuron("r", snntorch.RLeaky(beta=0.5, V=torch.tensor([1.0, 2.0]), all_to_all=False))
    assert own.V.tolist() == [1.0, 2.0]
    assert own.bias is None
    assert read_neuron("s", snntorch.Synaptic(alpha=0.75, beta=0.5)).alpha.item() == 0.75


def test_a_surrogate_that_fires_at_the_threshold_is_seen():
    at = snntorch.Leaky(beta=0.5, spike_grad=lambda excess: (excess >= 0).float())
    assert read_neuron("lif", at).fires == "at"


def inhibited():
    with pytest.warns(UserWarning, match="unstable"):
        return snntorch.Leaky(beta=0.5, inhibition=True)


def rebuilt():
    layer = snntorch.Leaky(beta=0.5)
    layer.reset_mechanism = "zero"  # changes what it says, not what it computes
    return layer


class Own(snntorch.Leaky):
    def forward(self, x, mem=None):
        return super().forward(2 * x, mem)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (inhibited, "inhibition"),
        (rebuilt, "built with reset_mechanism='subtract' and now says 'zero'"),
        (lambda: snntorch.Leaky(beta=0.5, graded_spikes_factor=2.0), r"graded_spikes_factor is \[2.0\]"),
        (lambda: snntorch.Leaky(beta=0.5, state_quant=torch.round), "state_quant"),
        (lambda: snntorch.Leaky(beta=0.5, spike_grad=torch.sigmoid), "spike_grad"),
        (lambda: snntorch.RLeaky(beta=0.5, conv2d_channels=2, kernel_size=3), "linear_features"),
        (lambda: snntorch.Lapicque(beta=0.5), "use Leaky with beta"),
        (lambda: snntorch.Alpha(alpha=0.9, beta=0.5), "use Synaptic"),
        (lambda: snntorch.RSynaptic(alpha=0.9, beta=0.5, linear_features=2), "use RLeaky"),
        (lambda: snntorch.SLSTM(2, 2), r"use nn\.LSTM"),
        (lambda: Own(beta=0.5), "use one of Leaky"),
    ],
)
def test_what_no_cell_does_is_refused_by_name(build, reason):
    with pytest.raises(CaptureError, match=rf"snnTorch layer 'net\.3' .*{reason}") as refused:
        read_neuron("net.3", build())
    assert "\n" not in str(refused.value)


def test_layers_are_found_at_any_depth_and_their_parts_are_not():
    model = nn.ModuleDict(
        {
            "first": nn.Sequential(nn.Linear(2, 2), snntorch.Leaky(beta=0.5)),
            "second": snntorch.RLeaky(beta=0.5, V=torch.ones(2), all_to_all=False),
        }
    )
    assert list(spiking_layers(model)) == ["first.1", "second"]
    assert list(spiking_layers(snntorch.RLeaky(beta=0.5, all_to_all=False))) == [""]
    assert spiking_layers(nn.Linear(2, 2)) == {}
