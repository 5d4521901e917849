import numpy as np
import pytest
import torch

from edgeeeg.errors import ModelError
from edgeeeg.layers.morlet import MorletFilterBank

SFREQ = 256.0
FREQUENCIES = (6.0, 10.0, 25.0)


def formula(frequency: float, n_cycles: float) -> np.ndarray:
    """The wavelet of one frequency by itself, cut off at three standard deviations."""
    sigma = n_cycles / (2 * np.pi * frequency)
    half = int(3 * sigma * SFREQ)
    t = np.arange(-half, half + 1) / SFREQ
    envelope = np.exp(-(t**2) / (2 * sigma**2))
    wave = np.exp(2j * np.pi * frequency * t)
    wavelet = envelope * (wave - (envelope * wave).sum() / envelope.sum())
    return 2 * wavelet / np.abs((wavelet * wave.conj()).sum())


def test_each_frequency_is_the_convolution_with_its_wavelet() -> None:
    layer = MorletFilterBank(2, SFREQ, FREQUENCIES, n_cycles=5.0)
    x = 30 * torch.randn(3, 2, 400, generator=torch.Generator().manual_seed(0))
    y = layer(x).numpy()
    assert y.shape == (3, 2, 3, 400)
    delay = round(layer.delay * SFREQ)
    data = np.pad(x.double().numpy(), ((0, 0), (0, 0), (delay, 0)))[..., :400]
    for k, frequency in enumerate(FREQUENCIES):
        wavelet = formula(frequency, 5.0)
        half = len(wavelet) // 2
        expected = np.abs(
            np.apply_along_axis(lambda row, w=wavelet: np.convolve(row, w), 2, data)[..., half : half + 400]
        )
        # the last frames' wavelets reach past the end of the data here, and nowhere in the layer
        inside = slice(0, 400 - half)
        np.testing.assert_allclose(y[:, :, k, inside], expected[..., inside], atol=2e-4)


def test_a_sine_gives_its_amplitude_at_its_frequency_and_little_elsewhere() -> None:
    layer = MorletFilterBank(1, SFREQ, FREQUENCIES)
    times = torch.arange(1024) / SFREQ
    y = layer(50 * torch.sin(2 * torch.pi * 10.0 * times)[None, None])[0, 0, :, 600:]
    np.testing.assert_allclose(y[1].numpy(), 50.0, rtol=2e-3)
    assert y[2].max() < 0.5


def test_an_offset_gives_nothing() -> None:
    y = MorletFilterBank(1, SFREQ, FREQUENCIES, n_cycles=3.0)(torch.full((1, 1, 800), 4000.0))
    assert y[..., 600:].abs().max() < 4e-3  # a millionth


def test_all_frequencies_are_late_by_the_delay() -> None:
    """A burst of every frequency at one time comes out at one time."""
    layer = MorletFilterBank(1, SFREQ, (8.0, 16.0, 32.0), n_cycles=4.0)
    impulse = torch.zeros(1, 1, 400)
    impulse[..., 100] = 1.0
    assert (layer(impulse)[0, 0].argmax(-1) == 100 + round(layer.delay * SFREQ)).all()


def test_power_is_the_square_and_a_hop_takes_every_so_manieth_frame() -> None:
    x = torch.randn(1, 2, 256, generator=torch.Generator().manual_seed(0))
    y = MorletFilterBank(2, SFREQ, FREQUENCIES)(x)
    power = MorletFilterBank(2, SFREQ, FREQUENCIES, power=True)(x)
    torch.testing.assert_close(power, y.square())
    hops = MorletFilterBank(2, SFREQ, FREQUENCIES, hop_seconds=8 / SFREQ)(x)
    torch.testing.assert_close(hops, y[..., 7::8])


def test_gradients_are_finite_in_silence() -> None:
    x = torch.zeros(1, 1, 64, requires_grad=True)
    MorletFilterBank(1, SFREQ, FREQUENCIES)(x).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_settings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ModelError, match=r"frequencies \(6.0, 128.0\); use some within 0 to 128 Hz"):
        MorletFilterBank(1, SFREQ, (6.0, 128.0))
    with pytest.raises(ModelError, match="n_cycles is 0"):
        MorletFilterBank(1, SFREQ, FREQUENCIES, n_cycles=0.0)
    with pytest.raises(ModelError, match="a hop of 256 samples skips some between kernels of 11"):
        MorletFilterBank(1, SFREQ, (60.0,), n_cycles=2.0, hop_seconds=1.0)
