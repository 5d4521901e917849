import numpy as np
import pytest
from scipy.signal import butter, sosfilt, sosfreqz

from edgeeeg_bench.front_end.costs import ratios
from edgeeeg_bench.front_end.filters import eeg, group_delay
from edgeeeg_bench.front_end.program import LSB, SFREQ, compiled
from edgeeeg_bench.front_end.spectra import N_TIMES, Spectrum
from edgeeeg_export.ops.dft import Dft


@pytest.mark.parametrize("frequency", [1.0, 8.0, 30.0])
def test_the_delay_of_a_filter_is_the_slope_of_its_phase(frequency):
    sos = butter(2, (0.5, 40.0), btype="bandpass", fs=SFREQ, output="sos")
    impulse = np.zeros(round(60 * SFREQ))
    impulse[0] = 3.0
    around = frequency + np.array([-1e-3, 1e-3])
    phase = np.unwrap(np.angle(sosfreqz(sos, around, fs=SFREQ)[1]))
    slope = -(phase[1] - phase[0]) / (2 * np.pi * 2e-3) * 1000
    assert group_delay(sosfilt(sos, impulse), frequency) == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("offset", [0.0, 4000.0])
def test_the_eeg_has_its_size_on_its_offset_and_is_not_clipped(offset):
    counts = eeg(offset)
    assert counts.shape == (round(600 * SFREQ),)
    assert np.std(counts * LSB) == pytest.approx(30, rel=1e-3)
    assert np.mean(counts * LSB) == pytest.approx(offset, abs=0.1)
    assert np.abs(counts.astype(int)).max() < np.iinfo(np.int16).max


def test_a_change_of_rate_costs_its_coefficients():
    assert [(row["ratio"], row["macs"]) for row in ratios().rows] == [
        ("1 / 2", 41),
        ("3 / 2", 63),
        ("128 / 125", 18432),
    ]


@pytest.mark.parametrize("direct", [False, True])
def test_the_two_spectra_take_different_transforms_of_the_same_length(direct):
    step = compiled(Spectrum(direct), hop=N_TIMES, n_times=N_TIMES).lowered.step
    (node,) = (node for node in step.nodes if isinstance(node.op, Dft))
    x, twiddles = step.types(node.inputs)
    assert twiddles.shape == (N_TIMES, 2)
    assert node.op.is_fast(x.shape, N_TIMES) is not direct
