"""The fast transform beside the direct sum that other lengths of frames take."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from edgeeeg.evidence import Evidence
from edgeeeg_bench.front_end.program import BOARD, SFREQ, compiled, on_board
from edgeeeg_bench.front_end.section import Row, Section

N_TIMES = 256
FRAMES = 8


class Spectrum(nn.Module):
    """Powers of frames (batch, n_chans, N_TIMES), whose first eight bins alone are let out.

    An axis behind the samples keeps the importer from the fast transform.
    """

    def __init__(self, direct: bool) -> None:
        super().__init__()
        self.direct = direct

    def forward(self, x: Tensor) -> Tensor:
        """Powers (batch, n_chans, 8)."""
        frames = x.unsqueeze(-1) if self.direct else x
        powers = torch.view_as_real(torch.fft.rfft(frames, dim=2)).square().sum(-1)
        return powers.flatten(2)[:, :, :8]


def spectra(scratch: Path) -> Section:
    """Instructions of either transform of one frame."""
    rows: list[Row] = []
    for name, direct in (("fast", False), ("direct sum", True)):
        subject = compiled(Spectrum(direct), hop=N_TIMES, n_times=N_TIMES)
        profile = on_board(subject, FRAMES * N_TIMES / SFREQ, scratch / str(len(rows)))
        (transform,) = (part for part in profile.per_symbol if part.name.endswith("_dft"))
        rows.append({"transform": name, "samples": N_TIMES, "instructions": transform.instructions_per_step})
    return Section(
        f"instructions of half of the spectrum of one real frame, on {BOARD}", Evidence.COUNTED, tuple(rows)
    )
