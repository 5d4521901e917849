"""Membranes from spikes: by hand, and kept as one node of a recurrence when they are exported."""

from __future__ import annotations

import pytest
import torch

from edgeeeg_export.neuron import Neuron
from edgeeeg_export.snntorch_membrane import decay, late, membrane

BETA, THRESHOLD = torch.tensor([0.5]), torch.tensor([1.0])
X = torch.tensor([4.0, 2.0, 1.0]).reshape(1, 3, 1)
SPIKES = torch.tensor([1.0, 0.0, 1.0]).reshape(1, 3, 1)


@pytest.mark.parametrize(
    ("kind", "reset", "delay", "expected"),
    [
        ("Leaky", "none", True, [4.0, 4.0, 3.0]),
        ("Leaky", "subtract", True, [4.0, 3.0, 2.5]),
        ("Leaky", "subtract", False, [3.0, 3.5, 1.75]),
        ("Leaky", "zero", True, [4.0, 2.0, 2.0]),
        ("Leaky", "zero", False, [0.0, 2.0, 0.0]),
        # what comes in with the reset is lost too
        ("Synaptic", "zero", True, [4.0, 0.0, 1.0]),
        ("RLeaky", "zero", True, [4.0, 0.0, 1.0]),
    ],
)
def test_a_membrane_follows_the_spikes_that_it_is_given(kind, reset, delay, expected):
    neuron = Neuron("lif", kind, BETA, THRESHOLD, reset, delay, "above")
    assert membrane(neuron, BETA, THRESHOLD, X, SPIKES).flatten().tolist() == expected


def test_what_is_never_reset():
    assert decay(BETA, X).flatten().tolist() == [4.0, 4.0, 3.0]
    assert late(SPIKES).flatten().tolist() == [0.0, 1.0, 0.0]
