import pytest
import torch

from edgeeeg.errors import ModelError
from edgeeeg.layers.decay_rate import LONGEST, check_longest, decay_rate
from edgeeeg.layers.linear_attention import LinearAttention
from edgeeeg.layers.s4d import S4d
from edgeeeg.layers.time_mixing4 import TimeMixing4


def test_a_decay_stays_below_one_in_float32_and_its_sums_stay_bounded() -> None:
    log_rate = torch.tensor([-100.0, -18.0, -5.0, 3.0])
    decay = torch.exp(-decay_rate(log_rate, LONGEST))
    assert (torch.exp(-torch.exp(log_rate[:2])) == 1).all()
    assert (decay < 1).all()
    assert (1 / (1 - decay.double()) < 1.001 * LONGEST + 1).all()


def test_layers_whose_rates_were_driven_to_nothing_still_forget() -> None:
    longest = 16.0
    layers = (
        TimeMixing4(4, longest=longest),
        LinearAttention(4, shortest=2.0, longest=longest),
        S4d(4, longest=longest),
    )
    with torch.no_grad():
        layers[0].log_rate.fill_(-100.0)
        layers[1].log_rate.fill_(-100.0)
        layers[2].log_A_real.fill_(-100.0)
    x = torch.ones(1, 60 * 16, 4)
    for layer in layers:
        y = layer(x)
        # after thirty time constants a constant input has been forgotten as fast as it comes
        torch.testing.assert_close(y[:, -1], y[:, 30 * 16], rtol=1e-4, atol=1e-4)


def test_a_time_constant_that_float32_does_not_resolve_is_refused() -> None:
    check_longest("Layer", 1e5)
    with pytest.raises(ModelError, match=r"Layer: longest is 1000000\.0 frames"):
        check_longest("Layer", 1e6)
