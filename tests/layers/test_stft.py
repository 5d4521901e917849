import numpy as np
import pytest
import torch
from scipy.signal import get_window

from edgeeeg.errors import ModelError
from edgeeeg.layers.stft import StftMagnitude

SFREQ = 128.0


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(2, 3, 256, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("window", ["hamming", "hann", "boxcar"])
def test_each_frame_is_the_fourier_transform_of_the_window_that_ends_there(window, x: torch.Tensor) -> None:
    layer = StftMagnitude(3, SFREQ, 0.5, 0.125, window)
    assert (layer.n_window, layer.hop, layer.delay) == (64, 16, 0.25)
    y = layer(x).numpy()
    assert y.shape == (2, 3, 33, 16)
    weights = get_window(window, 64)
    padded = np.pad(x.double().numpy(), ((0, 0), (0, 0), (48, 0)))
    for j in range(16):
        spectrum = np.fft.rfft(padded[..., 16 * j : 16 * j + 64] * weights, axis=2)
        np.testing.assert_allclose(y[..., j], np.abs(spectrum) / weights.sum(), atol=1e-6)


def test_a_sine_at_a_bin_gives_half_its_amplitude() -> None:
    layer = StftMagnitude(1, SFREQ, 1.0, 0.5)
    times = torch.arange(512) / SFREQ
    y = layer(80 * torch.sin(2 * torch.pi * 10.0 * times)[None, None])
    assert layer.frequencies[10] == 10.0
    assert y[0, 0, 10, -1].item() == pytest.approx(40.0, rel=1e-4)


def test_gradients_are_finite_in_silence() -> None:
    x = torch.zeros(1, 1, 128, requires_grad=True)
    StftMagnitude(1, SFREQ, 0.5, 0.125)(x).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_settings_that_do_not_fit_are_refused(x: torch.Tensor) -> None:
    with pytest.raises(ModelError, match=r"window_seconds of 0.3 s is 38.4 samples at 128 Hz"):
        StftMagnitude(3, SFREQ, 0.3, 0.125)
    with pytest.raises(ModelError, match="use a hop no longer than the window"):
        StftMagnitude(3, SFREQ, 0.5, 1.0)
    with pytest.raises(ModelError, match="scipy has no window 'square'"):
        StftMagnitude(3, SFREQ, 0.5, 0.125, "square")
    with pytest.raises(ModelError, match="250 samples are no multiple of its hop of 16; crop to 240"):
        StftMagnitude(3, SFREQ, 0.5, 0.125)(x[..., :250])
