"""How exact the recursive filters' C is in float32, and how late."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeeeg.evidence import Evidence
from edgeeeg.layers.filters import BandPass, SosFilter
from edgeeeg.signal.counts import to_int16
from edgeeeg.signal.synthetic import synthesize
from edgeeeg_bench.front_end.program import LSB, SFREQ, compiled, on_host
from edgeeeg_bench.front_end.section import Row, Section

OFFSETS = (0.0, 4000.0)
"""Of the electrode, in µV."""
FREQUENCIES = (1, 2, 4, 8, 20, 30)
"""At which the delay is told, in Hz."""


def eeg(offset: float) -> NDArray[np.int16]:
    """Ten minutes of synthetic EEG of 30 µV (SD) on an offset in µV, as counts (n_times,)."""
    recording = synthesize(600.0, SFREQ, seizures=(), spike_wave=(), artefacts=False)
    microvolts = 30 * recording.data / recording.data.std() + offset
    counts, _ = to_int16(microvolts, LSB, recording.ch_names, unit="µV")
    return counts[:, 0]


def accuracy(scratch: Path) -> Section:
    """Largest error of the filters' C, and of scipy in float32, against scipy in float64."""
    from scipy.signal import butter, iirnotch, sosfilt, tf2sos

    designs = {
        "band-pass, 0.5 Hz to 40 Hz, order 4": butter(4, (0.5, 40), btype="bandpass", fs=SFREQ, output="sos"),
        "band-pass, 0.1 Hz to 40 Hz, order 4": butter(4, (0.1, 40), btype="bandpass", fs=SFREQ, output="sos"),
        "notch at 50 Hz": tf2sos(*iirnotch(50.0, 30.0, fs=SFREQ)),
    }
    rows: list[Row] = []
    for name, sos in designs.items():
        program = compiled(SosFilter(1, sos)).program
        for offset in OFFSETS:
            counts = eeg(offset)
            microvolts = counts * LSB
            truth = sosfilt(sos, microvolts)
            ours = on_host(program, counts, scratch / str(len(rows)))
            direct = sosfilt(sos.astype(np.float32), microvolts.astype(np.float32))
            rows.append(
                {
                    "filter": name,
                    "offset_uv": offset,
                    "ours_uv": float(np.abs(ours - truth).max()),
                    "sosfilt_float32_uv": float(np.abs(direct - truth).max()),
                }
            )
    return Section(
        f"largest error in µV over ten minutes of synthetic EEG of 30 µV (SD) at {SFREQ:g} Hz, {LSB} µV a "
        "count, from rest: C on this host, and scipy's sosfilt (transposed direct form II) in float32, both "
        "against sosfilt in float64 on the same counts",
        Evidence.MEASURED,
        tuple(rows),
    )


def group_delay(response: NDArray[np.float64], frequency: float) -> float:
    """Delay in ms of `frequency` (Hz), from an impulse response h (n_times,): Re Σ n h z^-n / Σ h z^-n."""
    n = np.arange(response.size)
    turned = response * np.exp(-2j * np.pi * frequency / SFREQ * n)
    return float((n @ turned / turned.sum()).real / SFREQ * 1000)


def delays(scratch: Path) -> Section:
    """Group delay of band-passes, from the impulse response of their C."""
    impulse = np.zeros(round(60 * SFREQ), dtype=np.int16)
    impulse[0] = np.iinfo(np.int16).max
    rows: list[Row] = []
    for order in (4, 2):
        program = compiled(BandPass(1, 0.5, 40.0, SFREQ, order)).program
        response = on_host(program, impulse, scratch / str(order)).astype(np.float64)
        rows.append({"order": order} | {f"{f} Hz": group_delay(response, f) for f in FREQUENCIES})
    return Section(
        f"group delay in ms of BandPass from 0.5 Hz to 40 Hz at {SFREQ:g} Hz, from 60 s of the impulse "
        "response of its C on this host",
        Evidence.MEASURED,
        tuple(rows),
    )
