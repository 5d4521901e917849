import numpy as np
import pytest
import torch
from scipy.signal import periodogram, welch

from edgeeeg.errors import ModelError
from edgeeeg.layers.band_powers import BandPowers

SFREQ = 128.0
BANDS = ((0.0, 4.0), (4.0, 8.0), (8.0, 13.0), (30.0, 65.0))


@pytest.fixture
def x() -> torch.Tensor:
    return 20 * torch.randn(2, 3, 512, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("window_seconds", [1.0, 65 / 128])  # an even and an odd number of samples
def test_each_frame_is_scipys_periodogram_summed_over_the_band(window_seconds, x: torch.Tensor) -> None:
    layer = BandPowers(3, SFREQ, BANDS, window_seconds, 0.25)
    y = layer(x).numpy()
    assert y.shape == (2, 3, 4, 16)
    n = layer.n_window
    padded = np.pad(x.double().numpy(), ((0, 0), (0, 0), (n - 32, 0)))
    for j in range(16):
        f, density = periodogram(padded[..., 32 * j : 32 * j + n], SFREQ, window="hamming", detrend=False)
        for b, (low, high) in enumerate(BANDS):
            expected = density[..., (f >= low) & (f < high)].sum(-1) * (SFREQ / n)
            np.testing.assert_allclose(y[:, :, b, j], expected, rtol=2e-5)


def test_the_mean_over_frames_is_welchs_estimate(x: torch.Tensor) -> None:
    y = BandPowers(3, SFREQ, BANDS, 1.0, 0.5, window="hann")(x)[..., 1:].mean(-1).numpy()
    f, density = welch(x.double().numpy(), SFREQ, window="hann", nperseg=128, noverlap=64, detrend=False)
    for b, (low, high) in enumerate(BANDS):
        expected = density[..., (f >= low) & (f < high)].sum(-1)
        np.testing.assert_allclose(y[:, :, b], expected, rtol=2e-5)


def test_the_powers_of_all_bands_are_the_power_of_the_signal() -> None:
    """Parseval: half the square of a sine's amplitude."""
    times = torch.arange(512) / SFREQ
    sine = 40 * torch.sin(2 * torch.pi * 10.0 * times)[None, None]
    y = BandPowers(1, SFREQ, ((8.0, 13.0), (20.0, 64.5)), 1.0, 0.5)(sine)
    assert y[0, 0, 0, -1].item() == pytest.approx(800.0, rel=1e-4)
    assert y[0, 0, 1, -1].item() < 0.05


def test_logarithms_are_floored_where_there_is_silence(x: torch.Tensor) -> None:
    powers, logarithms = (BandPowers(3, SFREQ, BANDS, 1.0, 0.25, log_floor=floor) for floor in (None, 0.1))
    torch.testing.assert_close(logarithms(x), torch.log(powers(x) + 0.1))
    assert (logarithms(0 * x) == np.log(np.float32(0.1))).all()


def test_settings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ModelError, match="no bands"):
        BandPowers(3, SFREQ, (), 1.0, 0.25)
    with pytest.raises(ModelError, match=r"no bin in 8.1 Hz to 8.9 Hz: .* one every 1 Hz to 64 Hz"):
        BandPowers(3, SFREQ, ((8.1, 8.9),), 1.0, 0.25)
    with pytest.raises(ModelError, match=r"no bin in 13 Hz to 8 Hz"):
        BandPowers(3, SFREQ, ((13.0, 8.0),), 1.0, 0.25)
    with pytest.raises(ModelError, match="log_floor is 0"):
        BandPowers(3, SFREQ, BANDS, 1.0, 0.25, log_floor=0.0)
