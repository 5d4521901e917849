import numpy as np
import pytest
import torch
from scipy.signal import resample_poly

from edgeeeg.errors import ModelError
from edgeeeg.layers.interleave import interleave, weave
from edgeeeg.layers.resample import KAISER_BETA, REACH, Resample


@pytest.mark.parametrize(
    ("sfreq_in", "sfreq_out"), [(256, 128), (500, 100), (100, 300), (250, 256), (200, 300)]
)
def test_a_layer_is_scipys_resampling_late_by_its_delay(sfreq_in: float, sfreq_out: float) -> None:
    layer = Resample(2, sfreq_in, sfreq_out)
    n_times = layer.down * max(4, 1200 // layer.down)
    x = torch.randn(3, 2, n_times, generator=torch.Generator().manual_seed(0))
    y = layer(x).numpy()
    assert y.shape == (3, 2, n_times * layer.up // layer.down)
    # scipy's filter at every tick of the common rate; ours has the last of its outputs at the newest sample
    slower = max(layer.up, layer.down)
    window = np.kaiser(2 * REACH * slower + 1, KAISER_BETA)
    ticks = np.arange(-REACH * slower, REACH * slower + 1)
    low_pass = window * np.sinc(ticks / slower) / slower
    low_pass *= layer.up / low_pass.sum()
    stuffed = np.zeros((3, 2, n_times * layer.up))
    stuffed[..., :: layer.up] = x.numpy()
    dense = np.apply_along_axis(np.convolve, 2, stuffed, low_pass)[..., : n_times * layer.up]
    np.testing.assert_allclose(y, dense[..., layer.down - 1 :: layer.down], atol=2e-6)
    assert layer.delay == pytest.approx(REACH * slower / (layer.up * sfreq_in))


def test_a_slow_sine_is_what_scipy_makes_of_it() -> None:
    """Against `resample_poly` itself, whose phase a factor of 2 shifts by no more than the delay."""
    layer = Resample(1, 256.0, 128.0)
    times = np.arange(2048) / 256.0
    x = np.sin(2 * np.pi * 7.0 * times)
    y = layer(torch.from_numpy(x).float()[None, None])[0, 0].numpy()
    theirs = resample_poly(x, 1, 2)
    # frame j stands at sample 2 j + 1, late by 20 samples: half a frame from one of scipy's
    ours_at = (np.arange(len(y)) * 2 + 1) / 256.0 - layer.delay
    inside = slice(100, -100)
    expected = np.interp(ours_at[inside], times[::2], theirs)
    np.testing.assert_allclose(y[inside], expected, atol=0.02)
    np.testing.assert_allclose(y[inside], np.sin(2 * np.pi * 7.0 * ours_at[inside]), atol=2e-3)


def test_a_frequency_above_the_lower_nyquist_is_taken_out() -> None:
    times = torch.arange(4096) / 512.0
    y = Resample(1, 512.0, 128.0)(torch.sin(2 * torch.pi * 90.0 * times)[None, None])
    assert y[..., 100:].abs().max() < 3e-3


def test_the_future_does_not_change_the_past() -> None:
    layer = Resample(1, 200.0, 300.0)
    x = torch.randn(1, 1, 60, generator=torch.Generator().manual_seed(0))
    changed = x.clone()
    changed[..., 40:] += 1.0
    before, after = layer(x), layer(changed)
    assert torch.equal(before[..., :60], after[..., :60])
    assert not torch.equal(before[..., 60:63], after[..., 60:63])


def test_rates_and_lengths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ModelError, match="both rates are 256 Hz"):
        Resample(1, 256.0, 256.0)
    with pytest.raises(ModelError, match="sfreq_out is 0"):
        Resample(1, 256.0, 0.0)
    with pytest.raises(ModelError, match=r"ratio of 25600/17361, whose filter has \d+ coefficients"):
        Resample(1, 173.61, 256.0)
    with pytest.raises(ModelError, match="9 samples are no multiple of its hop of 2; crop to 8"):
        Resample(1, 256.0, 128.0)(torch.zeros(1, 1, 9))


def test_interleaving_takes_the_phases_in_turn() -> None:
    x = torch.arange(12.0).reshape(1, 3, 2, 2)  # (batch, phases, n_chans, n_times)
    assert weave(x)[0].tolist() == [[0, 4, 8, 1, 5, 9], [2, 6, 10, 3, 7, 11]]
    assert torch.equal(interleave(x), weave(x))


def test_an_exported_program_interleaves_in_one_node() -> None:
    layer = Resample(1, 100.0, 300.0)
    x = torch.randn(1, 1, 20, generator=torch.Generator().manual_seed(0))
    program = torch.export.export(layer, (x,))
    targets = [node.target for node in program.graph.nodes]
    assert targets.count(torch.ops.edgeeeg.interleave.default) == 1
    assert torch.equal(program.module()(x), layer(x))
