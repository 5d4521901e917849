"""NIR files of others as modules: equal to snnTorch's own reader, and where that assumes, told apart."""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from dataclasses import replace

import nir
import numpy as np
import pytest
import snntorch
import torch
from torch import nn

from edgeeeg.cli import main
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.nir_read import read_nir

SNNTORCH = {"dt": 1e-4, "discretization": "forward_euler", "reset": "zero", "reset_delay": False}
"""What snnTorch's reader takes for granted of every file."""

STEPS = 1000

SQUARE = nir.Linear(np.eye(2))


def snntorch_import(path, x):
    """Outputs (time, n) of snnTorch's own module of a file, fed step by step."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from snntorch.import_nir import import_from_nir

        model = import_from_nir(nir.read(path))
        state, outputs = None, []
        with torch.no_grad():
            for x_t in x:
                result = model(x_t[None], state) if state is not None else model(x_t[None])
                y, state = result if isinstance(result, tuple) else (result, None)
                outputs.append(y[0])
    return torch.stack(outputs)


def write_snntorch(path, *layers):
    """A file as snnTorch writes it."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from snntorch.export_nir import export_to_nir

        model = nn.Sequential(*layers)
        nir.write(str(path), export_to_nir(model, torch.zeros(1, 3), ignore_dims=[0]))
    return str(path)


@pytest.fixture
def x():
    return 2 * torch.randn(STEPS, 3, generator=torch.Generator().manual_seed(0))


def test_spikes_are_those_of_snntorchs_reader(tmp_path, x):
    torch.manual_seed(1)
    path = write_snntorch(
        tmp_path / "m.nir",
        nn.Linear(3, 6),
        snntorch.Leaky(beta=torch.full((6,), 0.9), threshold=torch.ones(6), init_hidden=True),
        nn.Linear(6, 4),
        snntorch.Synaptic(
            alpha=torch.full((4,), 0.5), beta=torch.full((4,), 0.8), threshold=torch.ones(4), init_hidden=True
        ),
    )
    model = read_nir(path, **SNNTORCH)
    with torch.no_grad():
        ours = model(x.t()[None])[0].t()
    assert ours.sum() > 40
    assert torch.equal(ours, snntorch_import(path, x))


def test_snntorch_writes_shapes_for_parameters_of_each_neuron_only(tmp_path):
    """What the guide says of beta and threshold: with one value for all, nir finds no shapes."""
    with pytest.raises(ValueError, match="type mismatch"):
        write_snntorch(tmp_path / "m.nir", nn.Linear(3, 6), snntorch.Leaky(beta=0.9, init_hidden=True))
    each = snntorch.Leaky(beta=torch.full((6,), 0.9), threshold=torch.ones(6), init_hidden=True)
    assert read_nir(write_snntorch(tmp_path / "m.nir", nn.Linear(3, 6), each), **SNNTORCH).n_chans == 3


def test_where_a_file_says_another_reset_snntorch_does_not_hear_it(tmp_path, x):
    """The same file with the reset in its metadata: here it is followed, there it is not read."""
    torch.manual_seed(1)
    leaky = snntorch.Leaky(beta=torch.full((6,), 0.9), threshold=torch.ones(6), init_hidden=True)
    linear = nn.Linear(3, 6)
    path = write_snntorch(tmp_path / "m.nir", linear, leaky)
    graph = nir.read(path)
    (neuron,) = (node for node in graph.nodes.values() if isinstance(node, nir.LIF))
    neuron.metadata.update({**SNNTORCH, "reset": "subtract", "reset_delay": 1})
    nir.write(path, graph)
    with torch.no_grad():
        ours = read_nir(path)(x.t()[None])[0].t()
        original, spikes = nn.Sequential(linear, leaky), []
        leaky.reset_mem()
        spikes = torch.cat([original(x_t[None]) for x_t in x])
    assert torch.equal(ours, spikes)
    assert not torch.equal(ours, snntorch_import(path, x))


def test_a_file_that_does_not_say_its_reset_is_not_guessed_at(tmp_path):
    leaky = snntorch.Leaky(beta=torch.full((6,), 0.9), threshold=torch.ones(6), init_hidden=True)
    path = write_snntorch(tmp_path / "m.nir", nn.Linear(3, 6), leaky)
    with pytest.raises(CaptureError, match="does not say its dt, discretization, reset, reset_delay"):
        read_nir(path)
    with pytest.raises(CaptureError, match="does not say its reset, reset_delay"):
        read_nir(path, 1e-4, discretization="forward_euler")


def test_neurons_that_hear_themselves_in_a_graph_of_their_own_or_not(tmp_path, x):
    rng = np.random.default_rng(0)
    lif = nir.LIF(np.full(3, 4e-4), np.full(3, 2.0), np.zeros(3), np.full(3, 1.0))
    weights = nir.Linear(rng.normal(size=(3, 3)))
    ends = {"in": nir.Input(np.array([3])), "out": nir.Output(np.array([3]))}
    flat = nir.NIRGraph(
        nodes={**ends, "lif": lif, "w": weights},
        edges=[("in", "lif"), ("lif", "w"), ("w", "lif"), ("lif", "out")],
    )
    nir.write(tmp_path / "flat.nir", flat)
    nested = nir.NIRGraph(nodes={**ends, "r": flat}, edges=[("in", "r"), ("r", "out")])
    nir.write(tmp_path / "nested.nir", nested)
    with torch.no_grad():
        one, other = (
            read_nir(tmp_path / f"{name}.nir", **SNNTORCH)(x.t()[None]) for name in ("flat", "nested")
        )
    assert torch.equal(one, other)
    # v[t] = 0.75 v[t-1] + 0.5 (x[t] + W s[t-1]), to zero where it fired
    v, s, expected = np.zeros(3), np.zeros(3), []
    for x_t in x.numpy().astype(np.float64):
        v = 0.75 * v + 0.5 * (x_t + weights.weight @ s)
        s = (v > 1).astype(float)
        v = v * (1 - s)
        expected.append(s)
    assert one.sum() > 100
    np.testing.assert_array_equal(one[0].t().numpy(), np.array(expected))


def test_a_leaky_integrator(tmp_path):
    ends = {"in": nir.Input(np.array([2])), "out": nir.Output(np.array([2]))}
    node = nir.LI(tau=np.array([2.0, 4.0]), r=np.array([2.0, 4.0]), v_leak=np.zeros(2))
    nir.write(tmp_path / "li.nir", nir.NIRGraph({**ends, "li": node}, [("in", "li"), ("li", "out")]))
    model = read_nir(tmp_path / "li.nir", 1.0, discretization="forward_euler")
    outputs = model(torch.tensor([[[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]]))
    assert outputs[0].tolist() == [[1.0, 0.5, 0.25], [1.0, 0.75, 0.5625]]


def graph_of(nodes, edges):
    ends = {"in": nir.Input(np.array([2])), "out": nir.Output(np.array([2]))}
    return nir.NIRGraph({**ends, **nodes}, edges, type_check=False)


@pytest.mark.parametrize(
    ("nodes", "edges", "reason"),
    [
        ({"a": SQUARE, "b": SQUARE}, [("in", "a"), ("in", "b"), ("a", "out"), ("b", "out")], "only chains"),
        ({"a": SQUARE}, [("in", "a")], "only chains"),
        ({"d": nir.Delay(np.ones(2))}, [("in", "d"), ("d", "out")], r"\(Delay\) is no neuron here"),
    ],
)
def test_other_graphs_are_refused(tmp_path, monkeypatch, nodes, edges, reason):
    monkeypatch.setattr(nir, "read", lambda path: graph_of(nodes, edges))
    (tmp_path / "m.nir").touch()
    with pytest.raises(CaptureError, match=reason):
        read_nir(tmp_path / "m.nir", **SNNTORCH)


def chain_of(node):
    ends = {"in": nir.Input(np.array([2])), "out": nir.Output(np.array([2]))}
    return nir.NIRGraph({**ends, "n": node}, [("in", "n"), ("n", "out")])


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"dt": "fast"}, "NIR node 'n' says dt='fast' is no time in s above 0"),
        ({**SNNTORCH, "reset_delay": 2}, "NIR node 'n' says reset_delay=2 is neither 0"),
    ],
)
@pytest.mark.parametrize("node", [SQUARE, nir.IF(r=np.ones(2), v_threshold=np.ones(2))])
def test_metadata_that_are_no_steps_are_one_line_in_a_shell(
    tmp_path, monkeypatch, capsys, node, metadata, reason
):
    path = tmp_path / "m.nir"
    nir.write(path, chain_of(replace(node, metadata=metadata)))
    with pytest.raises(CaptureError, match=reason):
        read_nir(path, **{name: value for name, value in SNNTORCH.items() if name not in metadata})
    monkeypatch.setattr(sys, "argv", ["edgeeeg", "inspect", str(path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (nir.Linear(np.full((2, 2), np.nan)), "'n' has values in weight that are NaN"),
        (nir.Affine(np.eye(2), np.full(2, np.inf)), "'n' has values in bias that are NaN"),
        (nir.LI(np.full(2, np.nan), np.ones(2), np.zeros(2)), "'n' has values in tau that are NaN"),
        (nir.LI(np.full(2, -1.0), np.ones(2), np.zeros(2)), "time constant of -1 s, and time constants are"),
        (nir.IF(np.ones(2), np.full(2, np.inf)), "'n' has values in v_threshold that are NaN"),
    ],
)
def test_values_that_are_not_finite_are_named(tmp_path, node, reason):
    nir.write(tmp_path / "m.nir", chain_of(node))
    with pytest.raises(CaptureError, match=reason):
        read_nir(tmp_path / "m.nir", **SNNTORCH)


def test_recurrent_weights_that_are_not_finite_are_named(tmp_path):
    lif = nir.LIF(np.full(2, 4e-4), np.full(2, 2.0), np.zeros(2), np.ones(2))
    ends = {"in": nir.Input(np.array([2])), "out": nir.Output(np.array([2]))}
    edges = [("in", "lif"), ("lif", "w"), ("w", "lif"), ("lif", "out")]
    back = nir.Linear(np.full((2, 2), np.nan))
    nir.write(tmp_path / "m.nir", nir.NIRGraph({**ends, "lif": lif, "w": back}, edges))
    with pytest.raises(CaptureError, match="'lif', from itself to itself, has values in weight"):
        read_nir(tmp_path / "m.nir", **SNNTORCH)


@pytest.mark.parametrize(("name", "value"), [("dt", "fast"), ("reset_delay", 2), ("reset", "soft")])
def test_arguments_that_are_no_steps_are_refused(tmp_path, name, value):
    nir.write(tmp_path / "m.nir", chain_of(SQUARE))
    with pytest.raises(CaptureError, match=f"read_nir: {name}={value!r} is"):
        read_nir(tmp_path / "m.nir", **(SNNTORCH | {name: value}))


def test_bad_files_are_one_clear_line(tmp_path):
    path = tmp_path / "bad.nir"
    with pytest.raises(CaptureError, match="there is no file"):
        read_nir(path)
    path.write_bytes(b"not HDF5")
    with pytest.raises(CaptureError, match="is not a NIR file that nir can read") as refused:
        read_nir(path)
    assert "\n" not in str(refused.value)
