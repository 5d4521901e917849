"""The table of models in integers: its networks, how they are scored, and what the document shows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from edgeeeg.data.bonn_segments import LabelledSegments
from edgeeeg.data.folds import Fold
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg_bench.quantization.entry import Entry
from edgeeeg_bench.quantization.networks import (
    FrameNetwork,
    Gru,
    Rwkv4Block,
    WindowNetwork,
    bidirectional_mamba,
)
from edgeeeg_bench.quantization.scoring import aucs
from edgeeeg_bench.quantization.section import TOLERATED, differences, render_markdown
from edgeeeg_bench.quantization.trial import VARIANTS, score, worst_fall
from edgeeeg_bench.results_section import MARK
from edgeeeg_bench.zoo.epidenet import EpiDeNet
from edgeeeg_export.graph import Graph
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.quantize.report import LayerReport

ROOT = Path(__file__).parents[2]
N_FILES, N_TIMES = 12, 520  # two windows of 2 s
MEMORIES = {
    "GRU": Gru,
    "Mamba": lambda: MambaBlock(16),
    "bidirectional Mamba": bidirectional_mamba,
    "RWKV-4": Rwkv4Block,
}


@pytest.fixture(scope="module")
def labelled():
    """Noise, louder where it is ictal."""
    ictal = np.arange(N_FILES) % 3 == 0
    noise = np.random.default_rng(0).normal(size=(N_FILES, N_TIMES)).astype(np.float32)
    return LabelledSegments(np.where(ictal[:, None], np.float32(3), np.float32(1)) * noise, ictal)


class Loudness(torch.nn.Module):
    """Mean magnitude of whole windows: separates the files, with an integer form in every layer."""

    n_chans = 1

    def forward(self, x):
        return torch.relu(x).mean(dim=-1) + torch.relu(-x).mean(dim=-1)


@pytest.mark.parametrize("memory", MEMORIES)
def test_the_networks_read_their_input_and_their_state(memory):
    torch.manual_seed(0)
    model = FrameNetwork(MEMORIES[memory]()).eval()
    x = torch.randn(2, 1, 336)
    with torch.no_grad():
        scores = model(x)
        x[..., 240:280] = 0  # behind what the last frame sees itself
        later = model(x)
    assert scores.shape == (2, 1 if memory == "bidirectional Mamba" else 42, 1)
    assert (scores[:, -1] != later[:, -1]).all()


def test_epidenet_takes_one_electrode():
    torch.manual_seed(0)
    model = WindowNetwork(EpiDeNet(1, 256, 1)).eval()
    x = torch.randn(3, 1, 256)
    with torch.no_grad():
        torch.testing.assert_close(model.logits(x)[:, 0], model(x))
        assert model(x).shape == (3, 1)


def test_windows_are_scored_from_rest_and_carried_as_the_stream_gives_them(labelled):
    lowered = lower(load_model(Loudness(), n_times=344).onnx_model, "loudness", 8)
    found = aucs(lowered, 344, labelled)
    assert found == {"windowed": 1.0, "carried": 1.0}
    # one label wrong: no order of the windows is right any more
    ictal = labelled.ictal.copy()
    ictal[0] = False
    mislabelled = aucs(lowered, 344, LabelledSegments(labelled.samples, ictal))
    assert max(mislabelled.values()) < 1.0


def test_a_model_is_scored_as_float_and_by_each_observer(labelled):
    torch.manual_seed(0)
    model = FrameNetwork(Gru()).eval()
    every = np.arange(N_FILES)
    entry = Entry("GRU", lambda fold: model, 344, 8)
    programs = []
    trial = score(entry, labelled, (Fold(every, every),), lambda: programs.append(1)).to_json()
    assert len(programs) == 1 + len(VARIANTS)
    assert set(trial["auc"]) == {"float", "percentile", "min-max", "mse", "int16 states", "int16"}
    assert trial["parameters"] == sum(p.numel() for p in model.parameters())
    before, int8, int16_states = (trial["memory"][name] for name in ("float", "percentile", "int16 states"))
    assert int8["constants"] < before["constants"]
    assert int16_states["states"] < int8["states"] < before["states"]
    assert set(trial["loses_most"]) == set(VARIANTS)
    for loss in trial["loses_most"].values():
        assert loss["fall_db"] > 0


def test_the_layer_that_falls_most_is_compared_with_its_own_inputs(labelled):
    lowered = lower(load_model(FrameNetwork(Gru()).eval(), n_times=64).onnx_model, "gru", 8)
    graph: Graph = lowered.offline
    (x,) = graph.inputs
    first, last = graph.nodes[0].outputs[0], graph.nodes[-1].outputs[0]
    noise = {x: 40.0, first: 38.0, last: 20.0}
    reports = [LayerReport(name, "int8", 1.0, 1.0, 0.0, db) for name, db in noise.items()]
    loss = worst_fall(graph, tuple(reports))
    assert loss is not None
    assert loss.layer == graph.nodes[-1].label
    assert (loss.sqnr_db, loss.fall_db) == (20.0, 18.0)
    assert worst_fall(graph, ()) is None


@pytest.fixture(scope="module")
def stored():
    return json.loads((ROOT / "benchmarks" / "results" / "quantization.json").read_text())


def test_the_document_shows_the_stored_result(stored):
    document = (ROOT / "docs" / "quantization.md").read_text(encoding="utf-8")
    assert document.endswith(MARK + render_markdown(stored))


def test_every_loss_above_the_tolerance_is_explained(stored):
    said = render_markdown(stored)
    for trial in stored["trials"]:
        for state in ("windowed", "carried"):
            for observer, value in differences(trial, state).items():
                assert (f"- {trial['name']}, {state}, {observer}:" in said) == (value < -TOLERATED)
