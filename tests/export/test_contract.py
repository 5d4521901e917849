"""The contract on a small spiking torch model: what keeps it, what breaks it, and how that is said."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.lif import Lif
from edgeeeg_export import contract
from edgeeeg_export.errors import ContractBroken, ExportError
from edgeeeg_export.loading import load_model
from edgeeeg_export.pipeline import compile_model
from edgeeeg_export.source import TorchSource

LSB = 2.0**-9
N_TIMES = 12_000


class Spiking(torch.nn.Module):
    n_chans = 2
    sfreq = 256.0
    hop = 2

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.front = CausalConv1d(2, 16, 8, stride=2)
            self.lif = Lif(16)
            self.head = torch.nn.Linear(16, 1)

    def forward(self, x):
        spikes = self.lif(self.front(x).transpose(1, 2))
        return torch.sigmoid(self.head(spikes))


@pytest.fixture(scope="module")
def loaded():
    torch.set_num_threads(1)
    return load_model(Spiking(), n_times=64)


@pytest.fixture(scope="module")
def subject(loaded):
    return compile_model(loaded, name="spiking", lsb=LSB, threshold=0.5).subject


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(0).integers(-1200, 1200, (N_TIMES, 2)).astype(np.int16)


@pytest.fixture(scope="module")
def short(samples):
    return samples[:1001]


def replaced(subject, **changes):
    values = {name: getattr(subject, name) for name in contract.Subject.__dataclass_fields__}
    return contract.Subject(**(values | changes))


def perturbed(scale):
    """The same model with every weight of its first layer a little larger."""
    module = Spiking()
    with torch.no_grad():
        module.front.weight.mul_(1 + scale)
    return load_model(module, n_times=64).source


def test_every_target_keeps_it(subject, short):
    told = []
    records = contract.verify(subject, short, on_target=told.append)
    contract.require_kept(records)
    assert set(records) == {"chunked", "numpy", "c_host", "onnxruntime", "torch"}
    assert told == ["reference", "chunked", "numpy", "c_host", "onnxruntime", "torch"]
    assert all(records[name].bit_identical for name in ("chunked", "numpy", "c_host"))
    assert all(record.samples == 1000 for record in records.values())  # a remainder of one sample is left out
    for name in ("onnxruntime", "torch"):
        assert records[name].forced
        assert records[name].layers >= 4
        assert records[name].max_abs < 1e-5


def test_chunks_of_one_three_and_seven_hops_and_the_whole_are_run(subject, short, monkeypatch):
    lengths = set()
    run = contract.reference.run

    def recorded(graph, inputs, states=None):
        if graph is subject.step:
            lengths.add(inputs["eeg"].shape[2])
        return run(graph, inputs, states)

    monkeypatch.setattr(contract.reference, "run", recorded)
    contract.verify(replaced(subject, source=None), short)
    assert {hops * subject.hop for hops in (1, 3, 7)} | {1000} <= lengths


def test_one_changed_bit_of_one_target_is_named_with_its_sample(subject, short):
    def tampered(program, counts):
        outputs = contract.run_on_host(program, counts)
        outputs.view(np.uint32)[123, 0] ^= 1
        return outputs

    records = contract.verify(subject, short, extra={"tampered": tampered})
    assert [name for name, record in records.items() if not record.holds] == ["tampered"]
    with pytest.raises(ContractBroken) as caught:
        contract.require_kept(records)
    assert "tampered differs" in str(caught.value)
    assert "from sample 246" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_target_that_loses_a_step_is_named(subject, short):
    def lossy(program, counts):
        return contract.run_on_host(program, counts)[:-1]

    with pytest.raises(ContractBroken, match=r"lossy returned outputs \(499, 1\), expected \(500, 1\)"):
        contract.verify(subject, short, extra={"lossy": lossy})


def test_a_c_program_of_another_model_breaks_it(subject, short):
    module = Spiking()
    with torch.no_grad():
        module.head.bias.add_(1e-6)
    other = compile_model(load_model(module, n_times=64), name="spiking", lsb=LSB).subject.program
    records = contract.verify(replaced(subject, program=other), short)
    assert not records["c_host"].holds
    assert records["numpy"].holds


def test_weights_a_little_off_flip_spikes_and_forcing_keeps_them_apart(subject, samples):
    source = perturbed(2e-5)
    records = contract.verify(replaced(subject, source=source), samples)
    record = records["torch"]
    assert record.episodes > 0
    assert record.spike_flips > 0
    assert record.unexplained_spike_flips == 0
    assert 0 < record.longest_episode_samples < N_TIMES
    # free, a flipped spike moves the output by a weight of the head; forced, only rounding is left
    assert record.max_abs < 1e-4
    assert record.holds


def test_forcing_is_what_keeps_it(subject, samples):
    class Unforced(TorchSource):
        def run(self, samples, forced=None):
            return super().run(samples)

    source = perturbed(2e-5)
    free = Unforced(source.program, source.module)
    record = contract.verify(replaced(subject, source=free), samples)["torch"]
    assert record.max_abs > 1e-3
    assert not record.holds


def test_a_layer_over_the_tolerance_breaks_it_and_is_named(subject, short):
    record = contract.verify(replaced(subject, source=perturbed(1e-2)), short)["torch"]
    assert not record.holds
    assert record.worst_layer_error > 1e-3
    assert record.worst_layer
    with pytest.raises(ContractBroken, match=record.worst_layer):
        contract.require_kept({"torch": record})


def test_a_neuron_of_another_threshold_breaks_it(subject, short):
    module = Spiking()
    with torch.no_grad():
        module.lif.threshold.add_(0.01)
    source = load_model(module, n_times=64).source
    record = contract.verify(replaced(subject, source=source), short)["torch"]
    assert record.unexplained_spike_flips > 0
    assert not record.holds
    with pytest.raises(
        ContractBroken, match=f"torch differs: .*in layer {record.flipping_layer}.*; scale what comes"
    ) as broken:
        contract.require_kept({"torch": record})
    assert "None" not in str(broken.value)


def test_a_recording_shorter_than_a_step(subject, short):
    with pytest.raises(
        ExportError, match="1 samples of eeg are fewer than those of one step or window, 2 of eeg"
    ):
        contract.verify(subject, short[:1])


def test_records_as_json_say_whether_they_hold(subject, short):
    stored = contract.to_json(contract.verify(subject, short))
    assert stored["numpy"]["holds"] is True
    assert stored["torch"]["tolerance"] == 1e-4
