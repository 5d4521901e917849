"""The encoders are snnTorch's, time second instead of first; a random one does not go onto a device."""

from __future__ import annotations

import pytest
import torch
from snntorch import spikegen

from edgeeeg.errors import ModelError
from edgeeeg.layers.encoders import DeltaEncoder, LatencyEncoder, RateEncoder
from edgeeeg.layers.rate_decoder import RateDecoder

X = torch.rand(3, 50, 4, generator=torch.Generator().manual_seed(0))


def test_rates_are_drawn_as_snntorch_draws_them() -> None:
    encoder = RateEncoder(seed=5)
    spikes = encoder(2 * X - 0.5)
    torch.manual_seed(5)
    assert torch.equal(spikes, spikegen.rate(2 * X - 0.5, time_var_input=True))
    assert not torch.equal(encoder(2 * X - 0.5), spikes)
    assert torch.equal(RateEncoder(seed=5)(2 * X - 0.5), spikes)


def test_random_spikes_are_not_exported() -> None:
    with pytest.raises(ModelError, match="export the model with DeltaEncoder"):
        torch.export.export(RateEncoder(), (X,))


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("clip", [False, True])
def test_latencies_are_snntorchs(linear: bool, clip: bool) -> None:
    values = torch.cat([X[:, 0], torch.tensor([[0.0, 0.05, 0.2, 1.0]])])
    encoder = LatencyEncoder(12, threshold=0.2, tau=6.0, clip=clip, linear=linear)
    options = {"threshold": 0.2, "tau": 6.0, "clip": clip, "linear": linear}
    theirs = spikegen.latency(values, num_steps=12, bypass=True, **options)
    assert torch.equal(encoder(values), theirs.transpose(0, 1))
    assert (encoder(values).sum(1) <= 1).all()


@pytest.mark.parametrize("off_spike", [False, True])
def test_changes_are_snntorchs(off_spike: bool) -> None:
    x = X - 0.5
    theirs = spikegen.delta(x.transpose(0, 1), threshold=0.25, off_spike=off_spike).transpose(0, 1)
    ours = DeltaEncoder(0.25, off_spike=off_spike)(x)
    assert torch.equal(ours, theirs)
    assert (ours == -1).any() == off_spike


def test_rates_come_back() -> None:
    spikes = RateEncoder()(torch.full((2, 4000, 3), 0.3))
    torch.testing.assert_close(RateDecoder()(spikes), torch.full((2, 3), 0.3), atol=0.05, rtol=0)
    blocks = RateDecoder(1000)(spikes)
    assert blocks.shape == (2, 4, 3)
    torch.testing.assert_close(blocks.mean(1), spikes.mean(1))


def test_what_cannot_be_encoded_is_named() -> None:
    with pytest.raises(ModelError, match=r"expected \(batch, n\)"):
        LatencyEncoder(4)(X)
    with pytest.raises(ModelError, match="tau is -1"):
        LatencyEncoder(4, tau=-1)
    with pytest.raises(ModelError, match="threshold is 0"):
        DeltaEncoder(0)
    with pytest.raises(ModelError, match="50 frames are fewer than a block of 51"):
        RateDecoder(51)(X)
