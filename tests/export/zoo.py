"""Networks of the field as their authors write them, small: what must export without a changed line."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional as F

from edgeeeg_bench.zoo.epidenet import EpiDeNet

N_CHANS, N_CLASSES = 4, 2


class LastOfLstm(nn.Module):
    """Two layers of LSTM over the samples, classified by the last frame."""

    def __init__(self):
        super().__init__()
        self.recurrent = nn.LSTM(N_CHANS, 6, num_layers=2, batch_first=True)
        self.head = nn.Linear(6, N_CLASSES)

    def forward(self, x):
        y, _ = self.recurrent(x.transpose(1, 2))
        return self.head(y[:, -1])


class Crnn(nn.Module):
    """Padded convolutions and pools in front of a GRU, classified by its final state."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv1d(N_CHANS, 6, 7, padding=3), nn.Conv1d(6, 6, 5, padding=2)
        self.recurrent, self.head = nn.GRU(6, 5, batch_first=True), nn.Linear(5, N_CLASSES)

    def forward(self, x):
        y = F.max_pool1d(F.relu(self.first(x)), 2)
        y = F.max_pool1d(F.relu(self.second(y)), 4)
        _, h = self.recurrent(y.transpose(1, 2))
        return self.head(h[-1])


def of_braindecode(name: str, n_times: int, **options: object) -> nn.Module:
    """A model of braindecode with few filters."""
    import braindecode.models

    common = {"n_chans": N_CHANS, "n_outputs": N_CLASSES, "n_times": n_times}
    if name != "EEGNetv4":
        common["add_log_softmax"] = False
    model: nn.Module = getattr(braindecode.models, name)(**common, **options)
    return model


DEEP = {
    "n_filters_time": 4,
    "n_filters_spat": 4,
    "n_filters_2": 5,
    "n_filters_3": 6,
    "n_filters_4": 7,
    "filter_time_length": 6,
    "filter_length_2": 4,
    "filter_length_3": 3,
    "filter_length_4": 2,
    "pool_time_length": 2,
    "pool_time_stride": 2,
}
TCN = {"n_blocks": 3, "n_filters": 6, "kernel_size": 5, "drop_prob": 0.3}
SHALLOW = {"n_filters_time": 6, "n_filters_spat": 6, "pool_time_length": 32, "pool_time_stride": 8}

TORCH: dict[str, tuple[Callable[[], nn.Module], int, int]] = {
    "EEGNetv4": (lambda: of_braindecode("EEGNetv4", 256), 256, 64),
    "Deep4Net": (lambda: of_braindecode("Deep4Net", 128, final_conv_length="auto", **DEEP), 128, 16),
    "ShallowFBCSPNet": (
        lambda: of_braindecode("ShallowFBCSPNet", 128, final_conv_length="auto", **SHALLOW),
        128,
        16,
    ),
    "TCN": (lambda: of_braindecode("TCN", 128, **TCN), 128, 16),
    "EpiDeNet": (lambda: EpiDeNet(N_CHANS, 256), 256, 128),
    "LSTM": (LastOfLstm, 32, 8),
    "CRNN": (Crnn, 64, 16),
}
"""Each network's constructor, its window and a hop, in samples."""


def seeded(name: str) -> nn.Module:
    """A network whose batch norms have statistics that are not those of a fresh one."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = TORCH[name][0]()
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                layer.running_mean.uniform_(-0.2, 0.2)
                layer.running_var.uniform_(0.5, 1.5)
    return model.eval()


def _weight(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return (rng.uniform(-1, 1, shape) / np.sqrt(shape[-1])).astype(np.float32)


def _model(nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray], n_times: int) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "tf2onnx",
        [helper.make_tensor_value_info("eeg", TensorProto.FLOAT, [1, N_CHANS, n_times])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _channels_last_conv(rng: np.random.Generator) -> tuple[list[onnx.NodeProto], dict[str, np.ndarray]]:
    """A Conv1D of Keras on (1, time, channels), as tf2onnx writes it: NHWC to NCHW and back around it."""
    node = helper.make_node
    nodes = [
        node("Transpose", ["eeg"], ["keras"], perm=[0, 2, 1]),  # the model's own Permute
        node("Unsqueeze", ["keras", "one"], ["nhwc"]),
        node("Transpose", ["nhwc"], ["nchw"], perm=[0, 3, 1, 2]),
        node(
            "Conv", ["nchw", "kernel"], ["conv"], auto_pad="SAME_UPPER", strides=[1, 2], kernel_shape=[1, 5]
        ),
        node("Transpose", ["conv"], ["back"], perm=[0, 2, 3, 1]),
        node("Squeeze", ["back", "one"], ["frames"]),
        node("Add", ["frames", "bias"], ["biased"]),
        node("Relu", ["biased"], ["features"]),
    ]
    weights = {"one": np.array([1]), "kernel": _weight(rng, 6, N_CHANS, 1, 5), "bias": _weight(rng, 6)}
    return nodes, weights


def keras_dense(n_times: int = 32) -> onnx.ModelProto:
    """Conv1D, ReLU, Flatten and Dense of Keras: Reshape with -1, and MatMul with Add."""
    rng = np.random.default_rng(0)
    nodes, weights = _channels_last_conv(rng)
    nodes += [
        helper.make_node("Reshape", ["features", "flat_shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "dense"], ["logits"]),
        helper.make_node("Add", ["logits", "dense_bias"], ["shifted"]),
        helper.make_node("Softmax", ["shifted"], ["y"], axis=-1),
    ]
    size = 6 * n_times // 2
    weights |= {
        "flat_shape": np.array([-1, size]),
        "dense": _weight(rng, size, N_CLASSES),
        "dense_bias": _weight(rng, N_CLASSES),
    }
    return _model(nodes, weights, n_times)


def keras_lstm(n_times: int = 32) -> onnx.ModelProto:
    """Conv1D and LSTM of Keras: time in front of the batch around the LSTM, of which only Y_h is read."""
    rng = np.random.default_rng(1)
    nodes, weights = _channels_last_conv(rng)
    hidden = 5
    nodes += [
        helper.make_node("Transpose", ["features"], ["steps"], perm=[1, 0, 2]),
        helper.make_node("LSTM", ["steps", "W", "R", "B"], ["", "final"], hidden_size=hidden),
        helper.make_node("Squeeze", ["final", "zero"], ["h"]),
        helper.make_node("MatMul", ["h", "dense"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["y"]),
    ]
    weights |= {
        "W": _weight(rng, 1, 4 * hidden, 6),
        "R": _weight(rng, 1, 4 * hidden, hidden),
        "B": _weight(rng, 1, 8 * hidden),
        "zero": np.array([0]),
        "dense": _weight(rng, hidden, N_CLASSES),
    }
    return _model(nodes, weights, n_times)


KERAS: dict[str, tuple[Callable[[], onnx.ModelProto], int, int]] = {
    "Keras dense": (keras_dense, 32, 8),
    "Keras LSTM": (keras_lstm, 32, 8),
}
"""As above, of ONNX models."""
