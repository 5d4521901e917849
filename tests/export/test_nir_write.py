"""Chains of layers as NIR files, and back: the same spikes."""

from __future__ import annotations

import nir
import pytest
import snntorch
import torch
from torch import nn

from edgeeeg.errors import OutputError
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.recurrent_lif import RecurrentLif
from edgeeeg.layers.synaptic import Synaptic
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.nir_read import read_nir
from edgeeeg_export.nir_write import write_nir

DT = 1 / 256


@pytest.mark.parametrize("discretization", ["forward_euler", "exponential"])
@pytest.mark.parametrize("delay", [True, False])
@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
def test_a_round_trip_gives_identical_spikes(tmp_path, reset, delay, discretization):
    torch.manual_seed(0)
    how = {"reset_mechanism": reset, "reset_delay": delay}
    model = nn.Sequential(
        nn.Linear(3, 8), Lif(8, **how), nn.Linear(8, 6, bias=False), Synaptic(6, **how),
        RecurrentLif(6, fires="at", **how), RecurrentLif(6, V=0.25, all_to_all=False, **how),
    )  # fmt: skip
    path = tmp_path / "m.nir"
    write_nir(model, path, DT, discretization=discretization)
    read = read_nir(path)
    assert (read.n_chans, read.sfreq) == (3, 256.0)
    x = 3 * torch.randn(1, 1000, 3, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected, got = model(x), read(x.transpose(1, 2)).transpose(1, 2)
    assert 100 < expected.sum() < expected.numel()
    assert torch.equal(got, expected)
    write_nir(read, tmp_path / "again.nir", discretization=discretization)
    with torch.no_grad():
        assert torch.equal(read_nir(tmp_path / "again.nir")(x.transpose(1, 2)), read(x.transpose(1, 2)))


def test_convolutions_and_flatten_over_a_frame(tmp_path):
    torch.manual_seed(0)
    layers = (nn.Conv1d(1, 4, 3, stride=2, padding=1), nn.Flatten(), nn.Linear(12, 2))
    write_nir(nn.Sequential(*layers), tmp_path / "m.nir", DT, input_shape=(1, 6))
    read = read_nir(tmp_path / "m.nir", DT)
    x = torch.randn(2, 6, 5)
    expected = torch.stack([nn.Sequential(*layers)(x[:, None, :, t]) for t in range(5)], dim=2)
    torch.testing.assert_close(read(x), expected)
    flat = nn.Sequential(nn.Conv2d(1, 2, 2, padding="valid", bias=False), nn.Flatten(2), nn.Flatten())
    write_nir(flat, tmp_path / "m.nir", DT, input_shape=(1, 3, 2))
    read = read_nir(tmp_path / "m.nir", DT)
    expected = torch.stack([flat(x[..., t].reshape(2, 1, 3, 2)) for t in range(5)], dim=2)
    torch.testing.assert_close(read(x), expected)


def test_layers_of_snntorch_say_their_reset(tmp_path):
    leaky = snntorch.Leaky(beta=0.5, reset_mechanism="zero", init_hidden=True)
    write_nir(nn.Sequential(nn.Linear(3, 4), leaky), tmp_path / "m.nir", DT)
    (node,) = (node for node in nir.read(tmp_path / "m.nir").nodes.values() if isinstance(node, nir.LIF))
    assert node.metadata["reset"] == "zero"
    assert node.metadata["reset_delay"] == 1
    assert node.tau.tolist() == [2 * DT] * 4
    assert read_nir(tmp_path / "m.nir").stages[1].layer.firing.reset == "zero"


@pytest.mark.parametrize(
    ("model", "options", "reason"),
    [
        (nn.Sequential(nn.Linear(3, 2)), {"dt": None}, "pass dt in seconds"),
        (nn.Sequential(nn.Linear(3, 2), nn.ReLU()), {}, r"'1' \(ReLU\) has no node in NIR here"),
        (nn.Sequential(nn.Linear(3, 2), nn.Linear(3, 2)), {}, r"'1' does not take features \(2,\)"),
        (nn.Sequential(nn.Conv1d(1, 1, 1)), {}, "pass input_shape"),
        (nn.Linear(3, 2), {}, "write them as nn.Sequential"),
        (nn.Sequential(nn.Linear(3, 2)), {"discretization": "tustin"}, "is not one of forward_euler"),
        (
            nn.Sequential(nn.Conv1d(1, 1, 1, padding_mode="circular")),
            {"input_shape": (1, 3)},
            "NIR with zeros",
        ),
        (nn.Sequential(nn.Conv2d(1, 1, (2, 1))), {"input_shape": (1, 3, 3)}, "use square kernels"),
        (
            nn.Sequential(nn.Linear(3, 4), Lif(5)),
            {},
            r"'1' has parameters of shape \(5,\) and is given features \(4,\)",
        ),
        (nn.Sequential(nn.Linear(3, 4), Synaptic(5)), {}, r"'1' has parameters of shape \(5,\)"),
        (
            nn.Sequential(nn.Linear(3, 4), snntorch.RLeaky(beta=0.5, linear_features=5)),
            {},
            r"'1' has recurrent weights \(5, 5\) and is given features \(4,\); give it 4 neurons",
        ),
        (
            nn.Sequential(nn.Linear(3, 4), snntorch.RLeaky(beta=0.5, V=torch.ones(5), all_to_all=False)),
            {},
            r"'1' has recurrent weights \(5,\)",
        ),
        (nn.Sequential(nn.Flatten(3)), {"input_shape": (1, 3)}, r"'0' does not take features \(1, 3\)"),
        (nn.Sequential(nn.Linear(3, 2)), {"dt": "slow"}, "dt='slow' is no time in s above 0"),
    ],
)
def test_what_nir_does_not_have_is_refused(tmp_path, model, options, reason):
    with pytest.raises(CaptureError, match=reason):
        write_nir(model, tmp_path / "m.nir", **{"dt": DT, **options})
    assert not (tmp_path / "m.nir").exists()


@pytest.mark.parametrize(
    ("of", "name", "reason"),
    [
        (lambda model: model[0].weight, "weight", "layer '0' has values in weight"),
        (lambda model: model[0].bias, "bias", "layer '0' has values in bias"),
        (lambda model: model[1].beta, "beta", "layer '1', node 'lif', has values in tau"),
        (lambda model: model[1].threshold, "threshold", "layer '1', node 'lif', has values in v_threshold"),
        (lambda model: model[1].recurrent.V, "V", "layer '1', node 'w_rec', has values in weight"),
    ],
)
def test_values_that_are_not_finite_are_not_written(tmp_path, of, name, reason):
    leaky = snntorch.RLeaky(beta=torch.full((4,), 0.5), V=torch.ones(4), all_to_all=False)
    model = nn.Sequential(nn.Linear(3, 4), leaky)
    with torch.no_grad():
        of(model).view(-1)[-1] = torch.nan
    with pytest.raises(CaptureError, match=reason):
        write_nir(model, tmp_path / "m.nir", DT)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    model = nn.Sequential(nn.Linear(3, 2))
    path = tmp_path / "new" / "folder" / "m.nir"
    write_nir(model, path, DT)
    before = path.read_bytes()

    def half(name, graph):
        with open(name, "wb") as file:
            file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(nir, "write", half)
    with pytest.raises(OutputError, match="cannot be written: no space left"):
        write_nir(model, path, DT)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(OutputError, match="is a folder: give the name of a file"):
        write_nir(model, path.parent, DT)


def test_recurrent_neurons_without_input_have_no_weights_in_nir(tmp_path):
    write_nir(nn.Sequential(nn.Linear(3, 4), RecurrentLif(4)), tmp_path / "m.nir", DT)
    model = read_nir(tmp_path / "m.nir")
    model.stages[1].gain[2] = 0.0
    with pytest.raises(CaptureError, match="node 'w_rec', has values in weight that are NaN, infinite"):
        write_nir(model, tmp_path / "other.nir")
