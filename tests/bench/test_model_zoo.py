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
from edgeeeg_export.loading import LoadedModel, load_model


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Which boards hold a model is not in the table, and compiling for each would be the longest of it."""
    monkeypatch.setattr("edgeeeg_export.inspection.BOARDS", {})
    monkeypatch.setattr("edgeeeg_bench.zoo.proof.SECONDS", 2.0)


def entry(build, hop):
    def load():
        torch.manual_seed(0)
        return load_model(build().eval())

    return Entry("a model", "a test", load, 256.0, hop)


def small_lstm():
    return WindowLstm(n_chans=3, n_times=64, hidden=8)


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
    """It carries its state through a hop of 16; windowed, all 64 steps are computed anew in each."""
    row = count(entry(small_lstm, 16))
    assert row.window == 64
    assert row.continuous is not None
    assert row.windowed is not None
    per_sample = 4 * 8 * (3 + 8)  # four gates of 8 read 3 channels and 8 hidden values
    head = 8 * 4
    assert row.macs_imported == 64 * per_sample + head
    assert row.continuous.macs == 16 * per_sample + head
    assert row.windowed.macs == row.macs_imported
    assert row.windowed.ratio == 1.0
    assert row.continuous.streams == ("Lstm",)
    assert row.continuous.waits == ("Linear",)
    assert row.windowed.waits == ("Lstm", "Linear")
    assert (row.continuous.delay, row.continuous.delay_ms) == (48, 187.5)
    assert row.continuous.beyond_window == 0
    assert row.continuous.proof.broken == row.windowed.proof.broken == {}
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
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Det", ["x"], ["y"], name="determinant")],
        "outside",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 8, 8])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    outside = Entry("a model", "a test", lambda: LoadedModel(model, None, None, "uV"), 256.0, 8)
    with pytest.raises(BenchError, match=r"a model does not stream: .*Det"):
        count(outside)


def test_the_page_names_a_model_once_and_both_semantics():
    row = count(entry(small_lstm, 16)).to_json()
    page = render_markdown(
        {"evidence": "counted", "versions": {"torch": "2"}, "commit": "0" * 40, "models": [row]}
    )
    assert "Work, memory and delay are counted" in page
    assert page.count("| a model |") == 3
    continuous = next(line for line in page.splitlines() if line.startswith("| a model | continuous | 16"))
    assert f"| {row['continuous']['macs']:,} | 1/{row['continuous']['ratio']:.1f} |" in continuous
    assert "|  | windowed | 16 |" in page
    assert "| Lstm, Linear | kept over 512 samples; " in page
    row["continuous"]["proof"]["broken"] = {"torch": "norm"}
    assert "| **broken** by torch in layer 'norm'; outputs: " in render_markdown(
        {"evidence": "counted", "versions": {}, "commit": "0" * 40, "models": [row]}
    )
