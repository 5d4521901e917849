"""A bundle on this machine: any number of samples at a time gives the golden outputs."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper

from edgeeeg.bundle import Bundle
from edgeeeg.errors import BundleError, MissingDependency, RecordingError
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.signal import Recording
from edgeeeg.stream import Stream
from edgeeeg_export.pipeline import export_model


class Small(torch.nn.Module):
    n_chans = 2
    sfreq = 128.0
    n_times = 64

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.front = CausalConv1d(2, 4, 8, stride=4)
            self.mamba = MambaBlock(4, d_state=2)

    def forward(self, x):
        frames = torch.tanh(self.front(x * 0.02)).transpose(1, 2)
        return self.mamba(frames), torch.sigmoid(frames)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    torch.set_num_threads(1)
    data = 40 * np.random.default_rng(0).standard_normal((2, 512)).astype(np.float32)
    out = tmp_path_factory.mktemp("out") / "bundle"
    return export_model(Small(), out, recording=Recording(data, ("EEG1", "EEG2"), 128.0))


@pytest.fixture
def golden(bundle):
    stored = np.load(bundle.path("golden.npz"))
    return stored["counts"].T * np.float32(bundle.manifest.input.lsb), stored["outputs"]


@pytest.mark.parametrize("size", [1, 3, 4, 7, 100, 512])
def test_any_push_size_gives_the_golden_outputs(bundle, golden, size):
    samples, expected = golden
    stream = Stream(bundle)
    outputs = [stream.push(samples[:, at : at + size]) for at in range(0, samples.shape[1], size)]
    assert expected.shape == (128, 8)
    np.testing.assert_allclose(np.concatenate(outputs), expected, atol=1e-4)


def test_samples_wait_for_a_whole_hop(bundle, golden):
    samples, expected = golden
    stream = Stream(bundle)
    assert stream.push(samples[:, :3]).shape == (0, 8)
    assert stream.push(samples[:, 3:9]).shape == (2, 8)
    assert stream.push(samples[:, 9:9]).shape == (0, 8)
    np.testing.assert_allclose(stream.push(samples[:, 9:12]), expected[2:3], atol=1e-4)


def test_reset_starts_again(bundle, golden):
    samples, expected = golden
    stream = Stream(bundle)
    stream.push(samples[:, :101])
    stream.reset()
    np.testing.assert_allclose(stream.push(samples), expected, atol=1e-4)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_sample_that_is_not_finite_is_refused_and_nothing_is_taken(bundle, golden, bad):
    samples, expected = golden
    stream = Stream(bundle)
    stream.push(samples[:, :6])
    broken = samples[:, 6:20].copy()
    broken[1, 5] = bad
    with pytest.raises(RecordingError, match="channel EEG2 has a sample that is not finite at index 5"):
        stream.push(broken)
    np.testing.assert_allclose(stream.push(samples[:, 6:]), expected[1:], atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 8), (3, 8), (8,), (1, 2, 8)])
def test_other_channels_are_refused(bundle, shape):
    with pytest.raises(RecordingError, match=r"expected \(2, n_times\) for channels EEG1, EEG2"):
        Stream(bundle).push(np.zeros(shape, dtype=np.float32))


def identity_model() -> bytes:
    """A valid ONNX model that has none of the bundle's states."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2, 4]) for name in ("eeg", "score"))
    graph = helper.make_graph([helper.make_node("Identity", ["eeg"], ["score"])], "other", [x], [y])
    opset = helper.make_opsetid("", 20)
    return helper.make_model(graph, opset_imports=[opset], ir_version=10).SerializeToString()


@pytest.mark.parametrize("content", ["noise", "another model"])
def test_a_model_that_is_not_the_manifests_is_refused(bundle, tmp_path, content):
    other = Bundle.write(tmp_path / "other", bundle.manifest, {"model.onnx": b"noise"})
    if content == "another model":
        other = other.add({"model.onnx": identity_model()})
    with pytest.raises(BundleError, match=r"model\.onnx"):
        Stream(other)


def test_without_onnxruntime_it_says_what_to_install(bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependency, match=r"pip install 'edgeeeg\[ort\]'"):
        Stream(bundle)
