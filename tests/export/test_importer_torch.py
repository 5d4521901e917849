"""Heads over what streams, as torch has them: attention, both directions, last steps, means, dense."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg_export import reference
from edgeeeg_export.capture import to_onnx, trace
from edgeeeg_export.contract import by_step
from edgeeeg_export.lowering import lower
from edgeeeg_export.ops.windows import Windows

N_CHANS, N_TIMES, HOP = 3, 32, 8


class Net(nn.Module):
    """A strided convolution, which streams, and a head."""

    def __init__(self):
        super().__init__()
        self.front = nn.Conv1d(N_CHANS, 4, 4, stride=2)

    def frames(self, x):
        """(batch, time, features)."""
        return torch.relu(self.front(x)).transpose(1, 2)


class Attention(Net):
    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoderLayer(4, 2, 6, batch_first=True)

    def forward(self, x):
        return self.encoder(self.frames(x)).mean(1)


class BothWays(Net):
    def __init__(self):
        super().__init__()
        self.recurrent = nn.GRU(4, 3, batch_first=True, bidirectional=True)

    def forward(self, x):
        return self.recurrent(self.frames(x))[0]


class LastStep(Net):
    def __init__(self):
        super().__init__()
        self.recurrent = nn.LSTM(4, 3, batch_first=True)

    def forward(self, x):
        return self.recurrent(self.frames(x))[0][:, -1]


class LastState(LastStep):
    def forward(self, x):
        return self.recurrent(self.frames(x))[1][0][-1]


class Mean(Net):
    def forward(self, x):
        return self.frames(x).mean(dim=(1, 2))


class Dense(Net):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(15 * 4, 2)

    def forward(self, x):
        return torch.softmax(self.head(self.frames(x).flatten(1)), -1)


class Unbatched(Net):
    """The batch is squeezed away, and time comes last."""

    def forward(self, x):
        y = torch.relu(self.front(x)).squeeze(0)
        return torch.softmax(y, 0).amax(1) - torch.softmax(y, 1)[:, 0]


NETS = {
    "attention": Attention,
    "bidirectional": BothWays,
    "last step": LastStep,
    "last state": LastState,
    "mean": Mean,
    "dense": Dense,
    "squeezed batch": Unbatched,
}


def build(name):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return NETS[name]().eval()


@pytest.mark.parametrize("name", NETS)
def test_every_window_is_torchs(name, windows_as_alone, counts, as_input):
    """With windowed semantics, by which a recurrent layer begins anew in each."""
    model = build(name)
    lowered = windows_as_alone(to_onnx(trace(model, N_CHANS, N_TIMES)).model, HOP, "windowed", n_windows=4)
    (output,) = lowered.step.outputs
    x = as_input(counts(N_TIMES + 3 * HOP, N_CHANS))
    windows = reference.run(lowered.offline, {"eeg": x}).tensors[output]
    for k, row in enumerate(by_step(windows, lowered.step.tensors[output].time_axis, 1)):
        with torch.no_grad():
            expected = model(torch.from_numpy(x[..., k * HOP : k * HOP + N_TIMES])).numpy()
        np.testing.assert_allclose(row, expected.ravel(), atol=1e-5)


@pytest.mark.parametrize("name", sorted(NETS.keys() - {"last step", "last state"}))
def test_without_a_carried_state_both_semantics_are_one(name, windows_as_alone):
    """Nothing pads: the layers along time make the same frames in a window as in a stream."""
    lowered = windows_as_alone(to_onnx(trace(build(name), N_CHANS, N_TIMES)).model, HOP, n_windows=3)
    conv = next(node for node in lowered.step.nodes if node.op.kind == "Conv")
    assert lowered.step.tensors[conv.outputs[0]].frames == HOP // 2


@pytest.mark.parametrize("name", ["last step", "last state"])
def test_a_carried_state_is_read_at_the_end_of_every_window(name, same_everywhere, counts, as_input):
    """Continuous semantics: the last step is that of one run over all samples so far."""
    model = build(name)
    lowered = lower(to_onnx(trace(model, N_CHANS, N_TIMES)).model, "net", HOP)
    # of the window only its last frame is kept
    (windows,) = (node.op for node in lowered.captured.nodes if isinstance(node.op, Windows))
    assert (windows.skip, windows.length) == (14, 1)
    same_everywhere(lowered.offline, lowered.step, 9)
    x = as_input(counts(9 * HOP, N_CHANS))
    (output,) = lowered.step.outputs
    ours = reference.run_stream(lowered.step, {"eeg": x}, 1)[output]
    rows = by_step(ours, lowered.step.tensors[output].time_axis, 1)
    assert len(rows) == 6
    for k, row in enumerate(rows):
        with torch.no_grad():
            expected = model(torch.from_numpy(x[..., : N_TIMES + k * HOP])).numpy()
        np.testing.assert_allclose(row, expected.ravel(), atol=1e-5)
