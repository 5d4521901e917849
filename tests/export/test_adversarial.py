"""The samples that try a program's numbers, and that the contract is checked on them."""

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg_export.adversarial import SILENCE_SECONDS, adversarial_counts
from edgeeeg_export.contract import verify
from edgeeeg_export.errors import ContractBroken
from edgeeeg_export.loading import load_model
from edgeeeg_export.pipeline import compile_model
from edgeeeg_export.verification_counts import counts_for, verification_counts


class Decaying(nn.Module):
    """exp of a smoothed input: overflows at full scale unless it is limited first."""

    n_chans, sfreq, n_times = 1, 100.0, 64

    def __init__(self, limited: bool):
        super().__init__()
        self.limited = limited

    def forward(self, x):
        frames = x.transpose(1, 2)
        return torch.exp(torch.tanh(frames) if self.limited else frames)


def test_they_reach_both_ends_step_alternate_and_stay_silent():
    counts = adversarial_counts(3, 100.0)
    assert counts.shape[1] == 3
    assert counts.dtype == np.int16
    assert (counts.min(), counts.max()) == (-32768, 32767)
    steps = np.abs(np.diff(counts[:, 0].astype(int)))
    assert (steps == 65534).sum() > 400
    quiet = "".join("0" if value == 0 else "1" for value in counts[:, 0])
    assert max(map(len, quiet.split("1"))) >= SILENCE_SECONDS * 100
    assert np.array_equal(counts, adversarial_counts(3, 100.0))
    assert not np.array_equal(counts[:500, 0], counts[:500, 1])  # channels differ in the noise


def test_the_contract_is_checked_on_them_after_the_recording():
    compiled = compile_model(load_model(Decaying(limited=True)), name="model")
    eeg = counts_for(compiled.manifest, None)
    both = verification_counts(eeg, 100.0)
    assert np.array_equal(both[: len(eeg)], eeg)
    assert np.array_equal(both[len(eeg) :], adversarial_counts(1, 100.0))
    assert all(record.holds for record in verify(compiled.subject, both[-2000:]).values())


def test_a_model_that_overflows_at_full_scale_is_refused_with_the_sample():
    compiled = compile_model(load_model(Decaying(limited=False)), name="model")
    with pytest.raises(ContractBroken, match=r"NaN or infinite from sample \d+ on"):
        verify(compiled.subject, adversarial_counts(1, 100.0))
