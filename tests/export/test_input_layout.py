"""Inputs in other orders of axes: the same samples, the same numbers, whatever a model calls its axes."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from edgeeeg_export.errors import CaptureError
from edgeeeg_export.input_layout import LAYOUTS, adapt_module, adapt_onnx, layout_of
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.reference import run

N_CHANS, N_TIMES = 3, 24


def shape_of(layout):
    return [{"n": 1, "1": 1, "c": N_CHANS, "t": N_TIMES}[axis] for axis in layout]


def arranged(x, layout):
    """(1, channels, time) as a model with this layout takes it."""
    x = x if layout.index("c") < layout.index("t") else x.transpose(0, 2, 1)
    return np.ascontiguousarray(x).reshape(shape_of(layout))


def model_in(layout, batch=1):
    """Weighs the channels with 1, 2, 3 and sums them, frame by frame, along its own axis of channels."""
    at = layout.index("c")
    weights = np.arange(1, N_CHANS + 1, dtype=np.float32)
    weights = weights.reshape([N_CHANS if axis == at else 1 for axis in range(len(layout))])
    summed = [1 if axis == at else extent for axis, extent in enumerate(shape_of(layout))]
    nodes = [
        helper.make_node("Mul", ["x", "w"], ["weighed"]),
        helper.make_node("ReduceSum", ["weighed", "axes"], ["y"], keepdims=1),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *shape_of(layout)[1:]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, summed)],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.array([at]), "axes")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.fixture
def x():
    return np.random.default_rng(0).uniform(-1, 1, (1, N_CHANS, N_TIMES)).astype(np.float32)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_onnx_model_takes_channels_then_time(layout, x):
    own = onnxruntime.InferenceSession(model_in(layout).SerializeToString())
    truth = own.run(None, {"x": arranged(x, layout)})[0]
    lowered = lower(adapt_onnx(model_in(layout), layout), "m")
    (name,) = lowered.offline.inputs
    ours = run(lowered.offline, {name: x}).tensors["y"]
    np.testing.assert_allclose(ours.ravel(), truth.ravel(), atol=1e-6)
    assert lowered.window is None


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if len(layout) == 4])
def test_four_axes_tell_their_order_by_their_sizes(layout):
    assert layout_of(model_in(layout, "N").graph.input[0]) == layout


def test_four_axes_of_one_size_do_not():
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 8, 8])
    with pytest.raises(CaptureError, match="does not tell which axis is time: pass --layout"):
        layout_of(value)


def test_a_layout_of_another_rank_is_refused():
    with pytest.raises(CaptureError, match="3 axes, and layout n1ct has 4"):
        adapt_onnx(model_in("nct"), "n1ct")


class OfImages(nn.Module):
    """Takes (batch, 1, channels, time), as most of EEGNet's descendants do."""

    n_chans, n_times, sfreq = N_CHANS, N_TIMES, 128.0

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, (N_CHANS, 3))

    def forward(self, images):
        return torch.relu(self.conv(images)).mean((2, 3))


@pytest.mark.parametrize("semantics", ["continuous", "windowed"])
def test_a_module_of_images_streams(semantics, x):
    torch.manual_seed(0)
    module = OfImages().eval()
    loaded = load_model(module, layout="n1ct")
    lowered = lower(loaded.onnx_model, "m", 8, semantics)
    (name,) = lowered.offline.inputs
    ours = run(lowered.offline, {name: x}).tensors[lowered.offline.outputs[0]]
    with torch.no_grad():
        truth = module(torch.from_numpy(x)[:, None]).numpy()
    np.testing.assert_allclose(ours, truth, atol=1e-5)
    assert loaded.source is not None
    assert loaded.sfreq == 128.0


def test_the_layout_of_the_project_leaves_a_module_alone():
    module = OfImages()
    assert adapt_module(module, "nct") is module
    with pytest.raises(CaptureError, match="is no layout"):
        adapt_module(module, "nhwc")


def test_a_shipped_model_has_its_own_layout():
    with pytest.raises(CaptureError, match="leave out --layout"):
        load_model("edge-detector", layout="ntc")


def test_the_adapted_model_is_valid():
    onnx.checker.check_model(adapt_onnx(model_in("nct1"), "nct1"), full_check=True)
