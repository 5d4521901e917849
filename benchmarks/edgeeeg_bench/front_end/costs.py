"""Work and memory of the front end's layers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeeeg.evidence import Evidence
from edgeeeg.layers.band_powers import BandPowers
from edgeeeg.layers.exponential_moving_average import ExponentialMovingAverage
from edgeeeg.layers.filters import BandPass, Notch
from edgeeeg.layers.morlet import MorletFilterBank
from edgeeeg.layers.resample import Resample
from edgeeeg.layers.running_z_score import RunningZScore
from edgeeeg.layers.stft import StftMagnitude
from edgeeeg_bench.front_end.program import BOARD, HOP, NAME, SFREQ, compiled, on_board
from edgeeeg_bench.front_end.section import Row, Section
from edgeeeg_export.passes.rewriting import macs

if TYPE_CHECKING:
    from torch import nn

SECONDS = 4.0
"""Of noise on the board: whole windows, after which a count repeats."""
BANDS = ((1.0, 4.0), (4.0, 8.0), (8.0, 13.0), (13.0, 30.0))
RATES = ((256.0, 128.0), (128.0, 192.0), (250.0, 256.0))
"""Before and behind `Resample`, in Hz."""


def layers() -> dict[str, tuple[nn.Module, float, int]]:
    """Each layer on one channel, the rate that it takes in Hz, and the samples of a step."""
    wavelets = tuple(range(4, 41, 4))
    return {
        "Notch": (Notch(1, 50.0, SFREQ), SFREQ, HOP),
        "BandPass, order 4": (BandPass(1, 0.5, 40.0, SFREQ), SFREQ, HOP),
        "Resample, 256 Hz to 128 Hz": (Resample(1, 256.0, 128.0), 256.0, HOP),
        "Resample, 128 Hz to 192 Hz": (Resample(1, 128.0, 192.0), 128.0, HOP),
        "RunningZScore": (RunningZScore(1, 10.0, SFREQ), SFREQ, HOP),
        "ExponentialMovingAverage": (ExponentialMovingAverage(1, 10.0, SFREQ), SFREQ, HOP),
        "BandPowers, four bands, 1 s every 0.25 s": (BandPowers(1, SFREQ, BANDS, 1.0, 0.25), SFREQ, 64),
        "StftMagnitude, 0.5 s every 0.125 s": (StftMagnitude(1, SFREQ, 0.5, 0.125), SFREQ, 32),
        "MorletFilterBank, ten from 4 Hz to 40 Hz, every 1/16 s": (
            MorletFilterBank(1, SFREQ, wavelets, hop_seconds=1 / 16),
            SFREQ,
            16,
        ),
    }


def costs(scratch: Path) -> Section:
    """Multiply-accumulates, instructions and bytes of each layer."""
    rows: list[Row] = []
    for name, (layer, sfreq, hop) in layers().items():
        subject = compiled(layer, sfreq, hop)
        step, (spec,) = subject.lowered.step, subject.inputs
        profile = on_board(subject, SECONDS, scratch / str(len(rows)))
        around = (f"{NAME}_push_{spec.name}", f"{NAME}_step")
        own = sum(part.instructions_per_step for part in profile.per_symbol if part.name not in around)
        rows.append(
            {
                "layer": name,
                "hop": hop,
                "macs": macs(step) / hop,
                "instructions": own / hop,
                "instructions_of_program": profile.instructions_per_step / hop,
                "state_bytes": 4 * sum(state.size for states in step.states.values() for state in states),
                "constants_bytes": subject.program.weight_bytes,
            }
        )
    return Section(
        f"of one channel on {BOARD}: MACs and instructions per sample in, of the layer and of a program with "
        "it alone, which takes counts in and hands results on in steps of `hop` samples; bytes in all",
        Evidence.COUNTED,
        tuple(rows),
    )


def ratios() -> Section:
    """What a change of rate by L / M takes, from the shape of its low-pass."""
    rows: list[Row] = []
    for sfreq_in, sfreq_out in RATES:
        layer = Resample(1, sfreq_in, sfreq_out)
        coefficients = layer.weight.numel()  # each meets one sample for L samples out
        rows.append(
            {
                "from_hz": sfreq_in,
                "to_hz": sfreq_out,
                "ratio": f"{layer.up} / {layer.down}",
                "macs": coefficients,
                "coefficient_bytes": 4 * coefficients,
                "delay_ms": 1000 * layer.delay,
            }
        )
    return Section(
        "of one channel: MACs of Resample for M samples in, bytes of its coefficients, its delay",
        Evidence.COUNTED,
        tuple(rows),
    )
