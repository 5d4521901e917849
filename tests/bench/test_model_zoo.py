"""The table of networks: what is counted of one, and that ours are what they say."""

from __future__ import annotations

import onnx
import pytest
import torch

from edgeeeg_bench.errors import BenchError
from edgeeeg_bench.zoo.conv_transformer import ConvTransformer
from edgeeeg_bench.zoo.crnn import Crnn
from edgeeeg_bench.zoo.entry import Entry, entries
from edgeeeg_bench.zoo.epidenet import EpiDeNet
from edgeeeg_bench.zoo.keras_eegnet import keras_eegnet
from edgeeeg_bench.zoo.page import render_markdown
from edgeeeg_bench.zoo.row import count
from edgeeeg_bench.zoo.window_lstm import WindowLstm
from edgeeeg_export.loading import load_model


@pytest.fixture(autouse=True)
def _no_cross_compiler(monkeypatch):
    """Which boards hold a model is not in the table, and compiling for each would be the longest of it."""
    monkeypatch.setattr("edgeeeg_export.inspection.BOARDS", {})


def entry(build, hop):
    def load():
        torch.manual_seed(0)
        return load_model(build().eval())

    return Entry("a model", "a test", load, 256.0, hop)


@pytest.mark.parametrize("build", [EpiDeNet, WindowLstm, Crnn, ConvTransformer])
def test_ours_classify_a_window(build):
    torch.manual_seed(0)
    model = build().eval()
    with torch.no_grad():
        scores = model(torch.randn(3, model.n_chans, model.n_times))
    assert scores.shape == (3, 2 if build is EpiDeNet else 4)
    assert (scores.std(dim=0) > 0).all()  # they read their input


def test_epidenet_has_the_layers_of_the_paper():
    convolutions = [layer for layer in EpiDeNet().modules() if isinstance(layer, torch.nn.Conv2d)]
    assert [layer.kernel_size for layer in convolutions] == [(1, 4), (1, 16), (1, 8), (16, 1), (8, 1)]
    assert [layer.out_channels for layer in convolutions] == [4, 16, 16, 16, 16]


def test_an_lstm_streams_in_one_semantics_and_waits_in_the_other():
    """It carries its state through a hop of 32; windowed, all 256 steps are computed anew in each."""
    row = count(entry(WindowLstm, 32))
    assert row.window == 256
    assert row.continuous is not None
    assert row.windowed is not None
    per_sample = 4 * 32 * (22 + 32)  # four gates of 32 read 22 channels and 32 hidden values
    head = 32 * 4
    assert row.macs_imported == 256 * per_sample + head
    assert row.continuous.macs == 32 * per_sample + head
    assert row.windowed.macs == row.macs_imported
    assert row.windowed.ratio == 1.0
    assert row.continuous.streams == ("Lstm",)
    assert row.continuous.waits == ("Linear",)
    assert row.windowed.waits == ("Lstm", "Linear")
    assert (row.continuous.delay, row.continuous.delay_ms) == (224, 875.0)
    assert row.continuous.beyond_window == 0
    assert row.continuous.proof.broken == row.windowed.proof.broken == ()
    assert {"chunked", "numpy", "c_host"} <= set(row.windowed.proof.same_bits)
    assert row.continuous.struct_bytes > row.continuous.state_bytes + row.continuous.arena_bytes


def test_keras_eegnet_meets_the_goal_of_its_table(tmp_path):
    """Its transpositions and batch norms leave the rewrites what they are for."""
    (keras,) = (item for item in entries() if item.origin == "Keras-style")
    row = count(keras)
    assert row.continuous is not None
    assert row.windowed is not None
    assert row.continuous.ratio >= 50
    assert row.continuous.struct_bytes <= 12_000
    assert row.windowed.ratio >= 20
    assert row.windowed.struct_bytes <= 20_000
    assert row.continuous.beyond_window == 64  # look-ahead of its two `same` convolutions
    assert row.windowed.edges == ("Conv",)


def test_keras_eegnet_is_the_same_model_each_time():
    model = keras_eegnet()
    assert model.SerializeToString() == keras_eegnet().SerializeToString()
    assert model.SerializeToString() != keras_eegnet(seed=1).SerializeToString()
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("Transpose") == 2 * (4 + 3 + 2)  # around convolutions, batch norms and pools
    assert [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == [
        "N",
        22,
        256,
        1,
    ]
    onnx.checker.check_model(model, full_check=True)


def test_a_model_that_does_not_stream_is_an_error():
    class Mixed(torch.nn.Module):
        n_chans, n_times = 2, 64

        def forward(self, x):
            return x.mean()  # over the batch too: no output for a window

    with pytest.raises(BenchError, match=r"a model does not stream: .*output"):
        count(entry(Mixed, 8))


def test_the_page_names_a_model_once_and_both_semantics():
    row = count(entry(WindowLstm, 32)).to_json()
    page = render_markdown(
        {"evidence": "counted", "versions": {"torch": "2"}, "commit": "0" * 40, "models": [row]}
    )
    assert "Work, memory and delay are counted" in page
    assert page.count("| a model |") == 3
    continuous = next(line for line in page.splitlines() if line.startswith("| a model | continuous | 32"))
    assert f"| {row['continuous']['macs']:,} | 1/{row['continuous']['ratio']:.1f} |" in continuous
    assert "|  | windowed | 32 |" in page
    assert "| Lstm, Linear | kept over 5,120 samples; " in page
    row["continuous"]["proof"]["broken"] = ("torch",)
    assert "| **broken** by torch |" in render_markdown(
        {"evidence": "counted", "versions": {}, "commit": "0" * 40, "models": [row]}
    )
