"""The spectra and amplitudes of synthetic EEG are those of the literature, and its annotations are true."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from scipy.signal import welch

from edgeeeg.errors import RecordingError
from edgeeeg.signal import Recording, double_banana, synthesize
from edgeeeg.signal.artefacts import blink, contraction
from edgeeeg.signal.background import alpha_burst, aperiodic_background
from edgeeeg.signal.epileptiform import evolving_seizure, seizure_frequency, spike_wave_burst

SFREQ = 256.0
ELECTRODES = ("Fp1", "Fp2", "F3", "C3", "T7", "Cz", "P3", "O1", "O2")


@pytest.fixture(scope="module")
def demo() -> Recording:
    return synthesize()


@pytest.fixture(scope="module")
def quiet() -> Recording:
    """Background and alpha alone, on the scalp."""
    return synthesize(120.0, SFREQ, ELECTRODES, seed=3, seizures=(), spike_wave=(), artefacts=False)


def peak_to_peak(recording: Recording, onset: float, duration: float, ch_name: str) -> float:
    return float(np.ptp(recording.pick([ch_name]).crop(onset, onset + duration).data))


def test_the_same_seed_gives_the_same_bits_and_another_does_not(demo: Recording) -> None:
    again = synthesize()
    assert again.data.tobytes() == demo.data.tobytes()
    assert again.annotations == demo.annotations
    assert synthesize(seed=1).data.tobytes() != demo.data.tobytes()


def test_another_process_gives_the_same_bits() -> None:
    program = (
        "import hashlib; from edgeeeg.signal import synthesize; "
        "print(hashlib.sha256(synthesize(70.0, seed=5).data.tobytes()).hexdigest())"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert output.strip() == hashlib.sha256(synthesize(70.0, seed=5).data.tobytes()).hexdigest()


def test_the_demonstration_has_four_seizures_with_artefacts_between(demo: Recording) -> None:
    assert (demo.n_times, demo.sfreq, demo.unit, demo.ch_names) == (104166, 173.61, "uV", ("EEG",))
    seizures = [a for a in demo.annotations if a.description == "seizure"]
    assert len(seizures) == 4
    assert all(25 <= a.duration <= 40 for a in seizures)
    for other in ("muscle", "spike-wave", "alpha"):
        events = [a for a in demo.annotations if a.description == other]
        assert len(events) >= 4
        assert all(e.end <= s.onset or e.onset >= s.end for e in events for s in seizures)
    assert {"blink", "alpha", "electrode pop"} <= {a.description for a in demo.annotations}
    onsets = [a.onset for a in demo.annotations]
    assert onsets == sorted(onsets)


def test_amplitudes_are_those_of_eeg(demo: Recording) -> None:
    seizures = [a for a in demo.annotations if a.description == "seizure"]
    for seizure in seizures:
        assert 70 < demo.crop(seizure.onset, seizure.end).data.std() < 300
    quiet = synthesize(60.0, seed=2, seizures=(), spike_wave=(), artefacts=False)
    assert 20 < quiet.data.std() < 50


def test_the_background_falls_as_one_over_f(quiet: Recording) -> None:
    freqs, power = welch(quiet.data.astype(np.float64), SFREQ, nperseg=1024)
    fitted = (freqs >= 1) & (freqs <= 40) & ((freqs < 7) | (freqs > 13))
    slopes = np.polyfit(np.log10(freqs[fitted]), np.log10(power[:, fitted].T), 1)[0]
    np.testing.assert_allclose(slopes, -1.5, atol=0.15)


def test_alpha_peaks_at_ten_hertz_and_at_the_back(quiet: Recording) -> None:
    freqs, power = welch(quiet.data.astype(np.float64), SFREQ, nperseg=1024)
    alpha = power[:, (freqs >= 9) & (freqs <= 11)].mean(axis=1)
    beside = power[:, ((freqs >= 5) & (freqs <= 7)) | ((freqs >= 13) & (freqs <= 15))].mean(axis=1)
    occipital, frontal = quiet.ch_names.index("O1"), quiet.ch_names.index("Fp1")
    assert alpha[occipital] > 4 * beside[occipital]
    assert alpha[occipital] > 3 * alpha[frontal]


def test_neighbours_correlate_more_than_distant_channels(quiet: Recording) -> None:
    correlation = np.corrcoef(quiet.data)
    index = quiet.ch_names.index
    assert correlation[index("C3"), index("Cz")] > 0.4
    assert correlation[index("Fp1"), index("O2")] < 0.25


def test_spike_and_wave_has_peaks_at_three_hertz_and_its_harmonics() -> None:
    freqs, power = welch(spike_wave_burst(2048, SFREQ), SFREQ, nperseg=2048)
    for harmonic in (3, 6, 9):
        on_peak = power[np.abs(freqs - harmonic) <= 0.4].max()
        between = power[np.abs(freqs - harmonic - 1.5) <= 0.3].max()
        assert on_peak > 10 * between


def test_spike_and_wave_spreads_everywhere_most_in_front() -> None:
    recording = synthesize(30.0, SFREQ, ELECTRODES, spike_wave=((10.0, 5.0),), seizures=(), artefacts=False)
    front, back = (peak_to_peak(recording, 10.0, 5.0, name) for name in ("Fp1", "O1"))
    assert 350 < front < 700
    assert 150 < back < front


def test_a_seizure_slows_and_grows() -> None:
    n_times = round(30 * SFREQ)
    seizure = evolving_seizure(np.random.default_rng(0), n_times, SFREQ)

    def peak_frequency(part: np.ndarray) -> float:
        freqs, power = welch(part, SFREQ, nperseg=512)
        return float(freqs[power.argmax()])

    assert peak_frequency(seizure[: n_times // 8]) == pytest.approx(11, abs=1.5)
    assert peak_frequency(seizure[-n_times // 8 :]) == pytest.approx(3.3, abs=0.7)
    assert seizure[-n_times // 3 : -64].std() > 2 * seizure[: n_times // 12].std()
    np.testing.assert_allclose(seizure_frequency(np.array([0.0, 0.5, 1.0])), [12, 6, 3])


def test_seizures_of_different_seeds_differ_in_rhythm() -> None:
    def crossings(seed: int) -> list[int]:
        seizure = evolving_seizure(np.random.default_rng(seed), 2048, SFREQ)[:1024]
        return np.flatnonzero(np.diff(np.signbit(seizure))).tolist()

    assert crossings(1) != crossings(2)


def test_events_begin_and_end_without_a_step() -> None:
    rng = np.random.default_rng(0)
    assert abs(evolving_seizure(rng, 2048, SFREQ)[-1]) < 0.01
    bursts = [spike_wave_burst(n_times, SFREQ) for n_times in (1000, 1020, 1040, 1060)]  # at four phases
    for event in (alpha_burst(rng, 512, SFREQ, 45.0), blink(100), *bursts):
        assert np.abs(event[[0, -1]]).max() < 0.01 * np.abs(event).max()
    envelope = contraction(1024, SFREQ)
    assert envelope[512] == 1
    assert envelope[[0, -1]].max() < 0.01


def test_the_background_has_no_offset() -> None:
    background = aperiodic_background(np.random.default_rng(0), np.eye(3), 1000, SFREQ, 30.0)
    np.testing.assert_allclose(background.mean(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(background.std(axis=1), 30)


def test_a_seizure_begins_focally_and_recruits_the_rest() -> None:
    recording = synthesize(60.0, SFREQ, ELECTRODES, seed=4, seizures=((10.0, 40.0),), artefacts=False)
    background = recording.crop(0.0, 10.0).data.std(axis=1)

    def involved(start: float) -> int:
        part = recording.crop(start, start + 5.0).data.std(axis=1)
        return int(np.count_nonzero(part > 1.5 * background))

    assert involved(12.0) < involved(44.0)


def test_blinks_are_frontal() -> None:
    recording = synthesize(30.0, SFREQ, ELECTRODES, seed=6, seizures=(), spike_wave=())
    blinks = [a for a in recording.annotations if a.description == "blink"]
    assert blinks
    data = recording.data
    for a in blinks:
        middle = round((a.onset + a.duration / 3) * SFREQ)
        before = round(a.onset * SFREQ)
        rise = data[:, middle] - data[:, before]
        assert rise[recording.ch_names.index("Fp1")] > rise[recording.ch_names.index("O1")] + 30


def test_muscle_is_fast_and_pops_stay_on_their_electrode() -> None:
    arguments = dict(sfreq=SFREQ, ch_names=ELECTRODES, seed=8, seizures=(), spike_wave=())
    dirty = synthesize(180.0, **arguments)  # type: ignore[arg-type]
    clean = synthesize(180.0, **arguments, artefacts=False)  # type: ignore[arg-type]
    difference = dirty.data.astype(np.float64) - clean.data
    muscle = next(a for a in dirty.annotations if a.description == "muscle")
    part = difference[:, round(muscle.onset * SFREQ) : round(muscle.end * SFREQ)]
    freqs, power = welch(part[part.std(axis=1).argmax()], SFREQ, nperseg=256)
    assert power[(freqs > 20) & (freqs < 100)].mean() > 10 * power[(freqs > 2) & (freqs < 10)].mean()
    for pop in (a for a in dirty.annotations if a.description == "electrode pop"):
        at = round(pop.onset * SFREQ)
        jump = np.abs(difference[:, at] - difference[:, at - 1])
        assert pop.ch_names == (dirty.ch_names[jump.argmax()],)
        assert jump.max() > 100


def test_emg_channels_rest_and_contract() -> None:
    recording = synthesize(120.0, 1000.0, ("Cz", "EMG"), seed=2, seizures=((60.0, 30.0),))
    emg = recording.pick(["EMG"])
    muscle = next(a for a in recording.annotations if a.description == "muscle")
    contracted = emg.crop(muscle.onset + 0.5, muscle.end - 0.5).data.std()
    assert 60 < contracted < 160
    assert 25 < emg.crop(65.0, 85.0).data.std() < 110
    busy = [a for a in recording.annotations if a.description in ("muscle", "seizure")]
    rest = next(t for t in range(120) if all(t + 1 < a.onset or t > a.end for a in busy))
    assert emg.crop(rest, rest + 1.0).data.std() < 10


def test_a_montage_applies_to_it() -> None:
    recording = synthesize(70.0, SFREQ, double_banana().inputs)
    derived = double_banana().apply(recording)
    assert derived.n_chans == 18
    assert derived.data.std() < recording.data.std()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sfreq": 50.0}, "at least 100 Hz, not 50 Hz"),
        ({"duration": 0.5}, "at least 1 s"),
        ({"ch_names": ("Cz", "nowhere")}, "no channel 'nowhere'"),
        ({"ch_names": ("Fp1-F3", "F3-C3")}, "derive bipolar channels with a montage"),
        ({"ch_names": ("EMG",)}, "at least one channel that is not EMG"),
        (
            {"seizures": ((50.0, 20.0),)},
            r"seizure of 20 s at 50 s does not lie within the recording's 0 \.\. 60 s",
        ),
        ({"spike_wave": ((-1.0, 5.0),)}, "spike-and-wave burst of 5 s at -1 s"),
        ({"seizures": ((10.0, 0.0),)}, "seizure of 0 s"),
    ],
)
def test_impossible_requests_are_explained(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        synthesize(**({"duration": 60.0} | arguments))  # type: ignore[arg-type]
