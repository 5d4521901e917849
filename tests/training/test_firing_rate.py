import pytest
import torch

from edgeeeg.errors import ModelError
from edgeeeg.layers.lif import Lif
from edgeeeg.training.firing_rate import rate_band_loss, rate_loss


def trains(*rates: float) -> torch.Tensor:
    """Ten frames of one neuron for each rate."""
    return torch.stack([(torch.arange(10) < 10 * rate).float() for rate in rates], 1)[None]


def test_the_distance_of_each_neuron_counts() -> None:
    assert rate_loss(trains(0.1, 0.5), 0.3).item() == pytest.approx(0.2)
    assert rate_loss(trains(0.3, 0.3), 0.3).item() == pytest.approx(0.0)


def test_within_the_band_there_is_nothing_to_pay() -> None:
    assert rate_band_loss(trains(0.1, 0.2, 0.3), 0.1, 0.3).item() == pytest.approx(0.0, abs=1e-6)
    assert rate_band_loss(trains(0.0, 0.6), 0.1, 0.3).item() == pytest.approx((0.1 + 0.3) / 2)


@pytest.mark.parametrize("gain", [0.01, 5.0])
def test_it_brings_silent_and_busy_neurons_to_the_rate(gain: float) -> None:
    torch.manual_seed(0)
    layer = Lif(4, threshold=1.0)
    x = gain * torch.rand(8, 60, 4)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
    before = rate_loss(layer(x), 0.25).item()
    for _ in range(60):
        optimizer.zero_grad()
        loss = rate_loss(layer(x), 0.25)
        loss.backward()
        optimizer.step()
    assert rate_loss(layer(x), 0.25).item() < 0.5 * before


def test_rates_that_cannot_be_are_refused() -> None:
    for rates in ((0.5, 0.2), (-0.1, 0.2), (0.5, 1.5)):
        with pytest.raises(ModelError, match="give rates within"):
            rate_band_loss(trains(0.1), *rates)
    with pytest.raises(ModelError, match="2 spikes a frame"):
        rate_loss(trains(0.1), 2.0)
