"""The contract of models built from snnTorch: the module itself, step by step, is what they are held to."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import snntorch
import torch
from torch import Tensor, nn

from edgeeeg_export import contract
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.input_spec import InputSpec
from edgeeeg_export.loading import LoadedModel, load_model
from edgeeeg_export.nir_write import write_nir
from edgeeeg_export.pipeline import compile_model
from edgeeeg_export.snntorch_source import LONGEST, SnnTorchSource

N_CHANS, STEPS = 3, 256


def hidden(reset: str, delay: bool) -> nn.Module:
    """Three kinds of neurons, called step by step."""
    how = {"init_hidden": True, "reset_mechanism": reset, "reset_delay": delay}
    return nn.Sequential(
        nn.Linear(N_CHANS, 8),
        nn.BatchNorm1d(8),
        snntorch.Leaky(beta=torch.rand(8), threshold=torch.rand(8) + 0.1, **how),
        nn.Linear(8, 4),
        snntorch.RLeaky(beta=0.75, linear_features=4, **how),
        nn.Linear(4, 2),
        snntorch.Synaptic(alpha=0.5, beta=0.75, output=True, **how),
    )


class Loop(nn.Module):
    """Spikes and membranes of a readout, from a loop over the first axis."""

    n_chans, sfreq, n_times = N_CHANS, 256.0, STEPS  # as long as the run, which then traces it but once

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(N_CHANS, 8), snntorch.Leaky(beta=0.9, learn_beta=True)
        self.fc2, self.out = nn.Linear(8, 2), snntorch.Leaky(beta=0.8, reset_mechanism="none")

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        mem1, mem2 = self.lif1.init_leaky(), self.out.init_leaky()
        mems, fired = [], []
        for x_t in x:
            spk1, mem1 = self.lif1(self.fc1(x_t), mem1)
            _, mem2 = self.out(self.fc2(spk1), mem2)
            mems.append(mem2)
            fired.append(spk1)
        return {"membrane": torch.stack(mems), "spikes": torch.stack(fired)}


@pytest.fixture(scope="module")
def looped() -> tuple[Loop, LoadedModel, contract.Subject]:
    torch.manual_seed(1)
    model = Loop()
    loaded = load_model(model)
    return model, loaded, compile_model(loaded, name="snn", lsb=2.0**-7).subject


def kept(found):
    contract.require_kept(found)
    assert found["torch"].samples == STEPS
    assert found["torch"].layers > 4
    assert found["torch"].unexplained_spike_flips == 0


@pytest.mark.parametrize(("reset", "delay"), [("subtract", True), ("zero", False)])
def test_a_module_called_step_by_step_keeps_the_contract(counts, reset, delay):
    torch.manual_seed(0)
    loaded = load_model(hidden(reset, delay), n_chans=N_CHANS, n_times=STEPS)
    subject = compile_model(loaded, name="snn", sfreq=256.0, lsb=2.0**-7).subject
    kept(contract.verify(subject, counts(STEPS, N_CHANS)))
    cells = {type(node.op).__name__ for node in subject.step.nodes}
    assert cells >= {"Lif", "RecurrentLif", "Synaptic"}


def test_a_module_with_its_own_loop_keeps_the_contract(looped, counts):
    _, _, subject = looped
    kept(contract.verify(subject, counts(STEPS, N_CHANS)))
    assert tuple(subject.step.outputs) == ("membrane", "spikes")


def test_it_is_the_module_that_judges(looped, counts):
    """A decay that the captured program does not have breaks the contract, whatever the tracer says."""
    _, loaded, subject = looped
    assert isinstance(loaded.source, SnnTorchSource)
    other = copy.deepcopy(loaded.source.adapted.original)
    with torch.no_grad():
        other.model.out.beta.fill_(0.79)
    judge = SnnTorchSource(loaded.source.traced.program, replace(loaded.source.adapted, original=other))
    found = contract.verify(replace(subject, source=judge), counts(STEPS, N_CHANS))
    assert found["c_host"].holds
    assert not found["torch"].holds


def test_a_run_is_the_modules_own(looped, counts, as_input):
    model, loaded, _ = looped
    x = as_input(counts(STEPS, N_CHANS))
    tensors = loaded.source.run({"eeg": x})
    with torch.no_grad():
        own = model(torch.from_numpy(x).permute(2, 0, 1))
    np.testing.assert_array_equal(tensors["membrane"], own["membrane"].permute(1, 2, 0).numpy())
    spikes = tensors[loaded.source.spikes["lif1"]]
    np.testing.assert_array_equal(spikes, own["spikes"].transpose(0, 1).numpy())
    assert loaded.source.longest(10**6) == LONGEST


def test_a_nir_file_is_a_model(tmp_path, counts):
    torch.manual_seed(0)
    how = {"init_hidden": True, "reset_delay": False}
    chain = nn.Sequential(nn.Linear(N_CHANS, 6), snntorch.Leaky(beta=0.9, **how), nn.Linear(6, 2))
    write_nir(chain, tmp_path / "m.nir", 1 / 256)
    loaded = load_model(str(tmp_path / "m.nir"))
    assert loaded.sfreq == 256.0
    subject = compile_model(loaded, name="nir", lsb=2.0**-7).subject
    found = contract.verify(subject, counts(STEPS, N_CHANS))
    contract.require_kept(found)


def test_inputs_that_are_described_are_taken_from_the_description():
    torch.manual_seed(1)
    spec = InputSpec("scalp", ("Fp1", "Fp2", "Cz"), 256.0, STEPS)
    loaded = load_model(Loop(), inputs=(spec,))
    assert [value.name for value in loaded.onnx_model.graph.input] == ["scalp"]
    assert isinstance(loaded.source, SnnTorchSource)
    with pytest.raises(CaptureError, match="built from snnTorch layers and has 2 inputs"):
        load_model(Loop(), inputs=(spec, replace(spec, name="other")))
