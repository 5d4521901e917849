import pytest
import torch

from edgeeeg.errors import ModelError
from edgeeeg.layers.signal_shape import require_positive, require_signal, whole_samples


def test_a_signal_of_whole_hops_passes() -> None:
    require_signal("Layer", torch.zeros(2, 3, 8), 3, hop=4)


def test_what_does_not_fit_is_named_with_its_remedy() -> None:
    with pytest.raises(ModelError, match=r"Layer: input of shape \(3, 8\), expected \(batch, 3, n_times\)"):
        require_signal("Layer", torch.zeros(3, 8), 3)
    with pytest.raises(ModelError, match=r"\(1, 2, 8\), expected \(batch, 3, n_times\)"):
        require_signal("Layer", torch.zeros(1, 2, 8), 3)
    with pytest.raises(ModelError, match="10 samples are no multiple of its hop of 4; crop to 8"):
        require_signal("Layer", torch.zeros(1, 3, 10), 3, hop=4)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_a_setting_that_is_not_positive_is_named(value: float) -> None:
    with pytest.raises(ModelError, match="Layer: q is"):
        require_positive("Layer", sfreq=256.0, q=value)


def test_seconds_are_whole_samples_or_an_error_that_says_which_would_be() -> None:
    assert whole_samples("Layer", "hop_seconds", 0.1, 250.0) == 25
    with pytest.raises(ModelError, match=r"of 0.1 s is 25.6 samples at 256 Hz; use 0.1015625 s for 26"):
        whole_samples("Layer", "hop_seconds", 0.1, 256.0)
    with pytest.raises(ModelError, match=r"use 0.00390625 s for 1"):
        whole_samples("Layer", "hop_seconds", 0.0, 256.0)
