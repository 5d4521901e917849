"""DFT and STFT: torch's numbers, C to the last bit, and frames that stream behind their padding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from edgeeeg_export import reference
from edgeeeg_export.errors import GraphError, NotCausal, UnsupportedOperator
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.ops.dft import Dft
from edgeeeg_export.ops.frame import Frame
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets.c_function import emit_function
from edgeeeg_export.targets.native_function import NativeFunctions
from edgeeeg_export.tensor import TensorType


def draw(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def imported(op_type, shape, constants, name="spectrum", opset=20, **attributes):
    """One operator with constant operands; None leaves one out."""
    given = {f"c{k}": np.asarray(v) for k, v in enumerate(constants) if v is not None}
    names = [f"c{k}" if f"c{k}" in given else "" for k in range(len(constants))]
    graph = helper.make_graph(
        [helper.make_node(op_type, ["x", *names], ["y"], **attributes)],
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, key) for key, value in given.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return import_onnx(model, name, streaming=False)


def in_both(graph, x, folder):
    """The reference's result, once C has given the same bits."""
    y = reference.run(graph, {"x": x}).tensors["y"]
    in_c = NativeFunctions([emit_function(graph)], folder).run(graph.name, {"x": x})["y"]
    np.testing.assert_array_equal(in_c.view(np.uint32), y.view(np.uint32))
    return y


def as_complex(y):
    return y[..., 0] + 1j * y[..., 1]


def close(y, truth):
    """Within the rounding of sums of this size."""
    np.testing.assert_allclose(as_complex(y), truth, atol=2e-6 * np.abs(truth).max(), rtol=0)


@pytest.mark.parametrize("n", [1, 2, 7, 16, 50])
@pytest.mark.parametrize("axis", [1, 2])
def test_real_transforms(n, axis, tmp_path):
    x = draw(2, n if axis == 1 else 3, n if axis == 2 else 3, 1)
    length, where = np.int64(n), np.int64(axis)
    whole = in_both(imported("DFT", x.shape, (length, where)), x, tmp_path / "whole")
    close(whole, np.fft.fft(x[..., 0].astype(np.float64), axis=axis))
    half = in_both(imported("DFT", x.shape, (length, where), onesided=1), x, tmp_path / "half")
    if (n, axis) == (16, 2):  # the fast transform adds in another order
        close(half, np.fft.rfft(x[..., 0].astype(np.float64), axis=axis))
    else:
        np.testing.assert_array_equal(half, np.take(whole, range(n // 2 + 1), axis))


@pytest.mark.parametrize("inverse", [0, 1])
@pytest.mark.parametrize("length", [8, 11, 15])
def test_complex_transforms_cut_and_padded(inverse, length, tmp_path):
    x = draw(3, 11, 2)
    transform = np.fft.ifft if inverse else np.fft.fft
    graph = imported("DFT", x.shape, (np.int64(length), np.int64(-2)), inverse=inverse)
    close(in_both(graph, x, tmp_path), transform(as_complex(x.astype(np.float64)), length, axis=1))


def test_the_axis_of_older_opsets_is_an_attribute_and_1_by_default(tmp_path):
    x = draw(2, 6, 5, 1)
    graph = imported("DFT", x.shape, (), opset=17)
    close(in_both(graph, x, tmp_path), np.fft.fft(x[..., 0], axis=1))
    (node,) = imported("DFT", x.shape, (), opset=20).nodes
    assert node.op.axis == 2


def test_half_of_the_bins_cannot_be_inverted():
    with pytest.raises(UnsupportedOperator, match="half of the bins"):
        imported("DFT", (1, 5, 2), (np.int64(8), np.int64(1)), onesided=1, inverse=1)
    with pytest.raises(GraphError, match="real input"):
        imported("DFT", (1, 5, 2), (np.int64(8), np.int64(1)), onesided=1)


@pytest.mark.parametrize(("n", "step"), [(16, 4), (10, 10), (5, 8)])
def test_short_time_transforms_are_torchs(n, step, tmp_path):
    signal, window = draw(2, 40, 1), np.hanning(n + 2)[1:-1].astype(np.float32)
    graph = imported("STFT", signal.shape, (np.int64(step), window, np.int64(n)))
    expected = torch.stft(
        torch.from_numpy(signal[..., 0]),
        n,
        step,
        window=torch.from_numpy(window),
        center=False,
        return_complex=True,
    )
    y = in_both(graph, signal, tmp_path)
    close(y, expected.numpy().transpose(0, 2, 1))


def test_without_a_window_of_both_sides(tmp_path):
    signal = draw(1, 24, 1)
    graph = imported("STFT", signal.shape, (np.int64(8), None, np.int64(12)), onesided=0)
    assert [node.op.kind for node in graph.nodes] == ["Frame", "Dft"]
    frames = np.stack([signal[0, at : at + 12, 0] for at in (0, 8)])
    close(in_both(graph, signal, tmp_path), np.fft.fft(frames)[None])


def spectrogram(pad, n=16, step=4, n_times=48):
    """Spectra of two channels (1, channels, time), frames behind `pad` zeros."""
    twiddles = np.exp(-2j * np.pi * np.arange(n) / n)
    table = np.stack([twiddles.real, twiddles.imag], axis=1).astype(np.float32)
    nodes = (
        Node("frame", Frame(2, n, step, pad), ("x",), ("frames",), path="front.frame"),
        Node("part", Frame(3, n, n), ("frames",), ("parts",)),
        Node("turn", Transpose((0, 1, 2, 4, 3)), ("parts",), ("turned",)),
        Node("dft", Dft(3), ("turned", "table"), ("y",)),
    )
    return Graph("g", {"x": TensorType((1, 2, n_times), 2, 1)}, ("y",), nodes, {"table": table})


@pytest.mark.parametrize("pad", [0, 3, 11, 12, 13, 15, 16, 21])
@pytest.mark.parametrize("hops", [1, 3])
def test_frames_stream_as_early_as_they_are_whole(pad, hops, same_everywhere):
    """Frames of 16 samples, 4 apart: padded by 12, every step completes one; with less they come later."""
    graph = spectrogram(pad)
    step = stream(graph, 4 * hops)
    late = max(-(-(12 - pad) // 4), 0)
    assert step.timing.behind["y"] == (late if late % hops == 0 else late + hops - late % hops)
    assert [state.shape for state in step.all_states() if state.name.endswith("frame_cache.frames")] == [
        (1, 2, 4 * late + pad)
    ]
    same_everywhere(graph, step, 12)


def test_a_spectrum_of_all_time_does_not_stream():
    table = np.ones((4, 2), dtype=np.float32)
    x = TensorType((1, 1, 4, 1), 2, 1)
    graph = Graph("g", {"x": x}, ("y",), (Node("d", Dft(2), ("x", "table"), ("y",)),), {"table": table})
    with pytest.raises(NotCausal, match="STFT"):
        stream(graph)


@pytest.mark.parametrize("n", [4, 8, 64, 512])
def test_frames_of_a_power_of_two_take_the_fast_transform(n, tmp_path):
    x = draw(1, 3, n, 1)
    graph = imported("DFT", x.shape, (np.int64(n), np.int64(2)), onesided=1)
    (node,) = graph.nodes
    assert node.op.is_fast(x.shape, n)
    assert node.op.macs(graph.types(node.inputs)) < 3 * 2 * n * np.log2(n)
    y = in_both(graph, x, tmp_path)
    close(y, np.fft.rfft(x[..., 0], axis=2))
    error = np.abs(as_complex(y) - np.fft.rfft(x[..., 0].astype(np.float64), axis=2)).max()
    assert error < 4e-7 * np.sqrt(n) * np.log2(n)


def test_other_lengths_and_layouts_take_the_direct_sum():
    assert not Dft(2, onesided=True).is_fast((1, 3, 250, 1), 250)
    assert not Dft(2, onesided=True).is_fast((1, 3, 200, 1), 256)
    assert not Dft(1, onesided=True).is_fast((1, 256, 3, 1), 256)
    assert not Dft(2).is_fast((1, 3, 256, 1), 256)
    assert not Dft(2, inverse=True).is_fast((1, 3, 256, 2), 256)
