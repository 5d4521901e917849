"""Windowed semantics: every window of a long recording is that of the model on it alone, for less work."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from edgeeeg_export.capture import to_onnx, trace
from edgeeeg_export.lowering import lower
from edgeeeg_export.ops.blocks import Blocks
from edgeeeg_export.ops.windows import Windows

N_CHANS, N_TIMES = 2, 48


class Head(nn.Module):
    """Layers along time, then a mean over it and a dense layer."""

    def __init__(self, *layers):
        super().__init__()
        self.layers, self.head = nn.Sequential(*layers), nn.Linear(3, 2)

    def forward(self, x):
        return self.head(self.layers(x).mean(-1))


class Residual(nn.Module):
    """A sum of a `same` convolution and its operand."""

    def __init__(self, kernel):
        super().__init__()
        self.conv = nn.Conv1d(3, 3, kernel, padding=kernel // 2)

    def forward(self, x):
        return x + F.elu(self.conv(x))


class Downsampling(nn.Module):
    """The strided block of a ResNet: its shortcut has fewer edges than its path."""

    def __init__(self):
        super().__init__()
        self.path = nn.Sequential(nn.Conv1d(3, 3, 5, 2, 2), nn.ReLU(), nn.Conv1d(3, 3, 5, padding=2))
        self.shortcut = nn.Conv1d(3, 3, 1, 2)

    def forward(self, x):
        return self.path(x) + self.shortcut(x)


class Flattened(nn.Module):
    """Every frame has weights of its own, as in EEGNet's last layer."""

    def __init__(self, *layers, frames):
        super().__init__()
        self.layers, self.head = nn.Sequential(*layers), nn.Linear(3 * frames, 2)

    def forward(self, x):
        return self.head(self.layers(x).flatten(1))


class Causal(nn.Module):
    """Zeros in front alone, dilated, as a temporal convolutional network has them."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv1d(2, 3, 3), nn.Conv1d(3, 3, 3, dilation=2)

    def forward(self, x):
        y = F.relu(self.first(F.pad(x, (2, 0))))
        return F.relu(self.second(F.pad(y, (4, 0))))[:, :, -1]


class Electrodes(nn.Module):
    """EEGNet's first layers: a temporal convolution, a spatial one, and a pool; four axes."""

    def __init__(self):
        super().__init__()
        self.temporal = nn.Conv2d(1, 3, (1, 7), padding=(0, 3))
        self.spatial = nn.Conv2d(3, 3, (N_CHANS, 1), groups=3)
        self.pool, self.head = nn.AvgPool2d((1, 4)), nn.Linear(3 * N_TIMES // 4, 2)

    def forward(self, x):
        return self.head(self.pool(F.elu(self.spatial(self.temporal(x[:, None])))).flatten(1))


NETS = {
    "padded": lambda: Head(nn.Conv1d(2, 3, 5, padding=2), nn.ReLU()),
    "padded twice": lambda: Head(nn.Conv1d(2, 3, 5, padding=2), nn.ELU(), nn.Conv1d(3, 3, 7, padding=3)),
    "padded on one side": lambda: Head(nn.ConstantPad1d((0, 4), 0.0), nn.Conv1d(2, 3, 5), nn.Tanh()),
    "padded with ones": lambda: Head(nn.ConstantPad1d((3, 1), 1.0), nn.Conv1d(2, 3, 5), nn.Tanh()),
    "max pool": lambda: Head(nn.Conv1d(2, 3, 5, padding=2), nn.MaxPool1d(3, 2, 1)),
    "average pool": lambda: Head(nn.Conv1d(2, 3, 3, padding=1), nn.AvgPool1d(4, 2, 1)),
    "strided": lambda: Head(nn.Conv1d(2, 3, 6, 2, 2), nn.ReLU(), nn.Conv1d(3, 3, 4, 2, 1), nn.ReLU()),
    "unpadded": lambda: Head(nn.Conv1d(2, 3, 6), nn.ReLU(), nn.Conv1d(3, 3, 4, 2)),
    "residual": lambda: Head(nn.Conv1d(2, 3, 3, padding=1), Residual(5), Residual(7)),
    "downsampling": lambda: Head(nn.Conv1d(2, 3, 3, padding=1), Downsampling()),
    "flattened": lambda: Flattened(nn.Conv1d(2, 3, 5, padding=2), nn.MaxPool1d(4), frames=12),
    "causal": Causal,
    "electrodes": Electrodes,
}


def model_of(name):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return to_onnx(trace(NETS[name]().eval(), N_CHANS, N_TIMES)).model


def macs(graph):
    return sum(node.op.macs(graph.types(node.inputs)) for node in graph.nodes)


@pytest.mark.parametrize(
    ("name", "hop"),
    [
        *((name, 4) for name in NETS),
        *((n, hop) for n in ("padded twice", "residual") for hop in (12, 20, 48)),
    ],
)
def test_every_window_is_that_of_the_model_on_it_alone(name, hop, windows_as_alone):
    """Hops far below the window, that do not divide it, of all of it, and with gaps between windows."""
    windows_as_alone(model_of(name), hop, "windowed", n_windows=4)


@pytest.mark.parametrize(
    ("name", "at_most"), [("padded", 0.35), ("padded twice", 0.6), ("unpadded", 0.2), ("residual", 0.8)]
)
def test_the_middle_of_a_window_is_computed_once(name, at_most):
    lowered = lower(model_of(name), "m", 4, "windowed")
    assert 0 < macs(lowered.step) < at_most * macs(lowered.captured)


def test_only_edges_are_computed_anew():
    lowered = lower(model_of("padded"), "m", 4, "windowed")
    convs = {
        n.name: lowered.step.tensors[n.outputs[0]].shape for n in lowered.step.nodes if n.op.kind == "Conv"
    }
    # four new frames of the stream; two frames at either end of the window
    assert sorted(shape[2] for shape in convs.values()) == [2, 2, 4]
    assert sum(isinstance(n.op, Blocks) for n in lowered.offline.nodes) == 2


def test_without_padding_nothing_is_computed_anew():
    lowered = lower(model_of("unpadded"), "m", 4, "windowed")
    assert lowered.offline.nodes == lowered.captured.nodes
    assert not any(isinstance(node.op, Blocks) for node in lowered.offline.nodes)


def test_where_the_edges_would_be_the_window_the_window_is_computed_anew():
    lowered = lower(model_of("padded"), "m", 48, "windowed")
    convs = [n for n in lowered.step.nodes if n.op.kind == "Conv"]
    assert [lowered.step.tensors[n.outputs[0]].shape[2] for n in convs] == [48]
    assert macs(lowered.step) <= macs(lowered.captured)


def test_continuous_semantics_compute_no_edges():
    """The same model fed for ever pads the ends of the recording, and none of a window's."""
    lowered = lower(model_of("padded"), "m", 4)
    assert lowered.offline is lowered.captured
    assert sum(isinstance(node.op, Windows) for node in lowered.offline.nodes) == 1
