"""What `edgeeeg inspect` says of a model: costs, boards, and everything that stands in its way."""

import pytest
import torch
from torch import nn

from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg_export.inspection import inspect_model
from edgeeeg_export.inspection_table import render
from edgeeeg_export.loading import load_model


class Causal(nn.Module):
    n_chans, sfreq, n_times = 2, 128.0, 512

    def __init__(self):
        super().__init__()
        self.conv, self.head = CausalConv1d(2, 4, 8, stride=4), nn.Linear(4, 1)

    def forward(self, x):
        return torch.sigmoid(self.head(self.conv(x).transpose(1, 2)))


class Centred(Causal):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(2, 4, 5, padding=2), nn.Conv1d(4, 4, 3, padding=1))


class Foreign(Causal):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.ConvTranspose1d(4, 4, 2), nn.ConvTranspose1d(4, 4, 2)

    def forward(self, x):
        return self.second(self.first(self.conv(x)))


def test_costs_are_counted_by_layer():
    found = inspect_model(load_model(Causal()))
    assert found.obstacles == ()
    assert found.weight_bytes == 4 * (2 * 4 * 8 + 4 + 4 + 1)
    cost = found.streams["continuous"]
    assert (cost.hop, cost.window_samples) == (4, 512)
    # one frame: 4 outputs of 16 products, and the head's 4
    assert cost.macs == 4 * 16 + 4
    assert cost.macs_of_window == 128 * cost.macs
    assert cost.state_bytes == 4 * 2 * (4 + 4)  # four old frames and four new ones of two channels
    assert sum(layer.macs for layer in cost.layers) == cost.macs
    assert cost.arena_bytes >= cost.arena_bound_bytes > 0
    assert found.boards["nrf52840"]


def test_every_obstacle_is_listed_not_the_first_alone():
    foreign = inspect_model(load_model(Foreign()))
    assert foreign.streams == {}
    assert [reason.split(" ")[1] for reason in foreign.obstacles] == ["'first'", "'second'"]
    assert all("ConvTranspose is outside the operator set" in reason for reason in foreign.obstacles)


def test_look_ahead_costs_memory_and_no_work():
    found = inspect_model(load_model(Centred()))
    assert found.obstacles == ()
    cost = found.streams["continuous"]
    assert (cost.hop, cost.macs) == (1, 2 * 4 * 5 + 4 * 4 * 3 + 4)
    assert cost.macs_of_window == 512 * cost.macs
    # five frames of two channels and three of four, and the clock's two counters
    assert cost.state_bytes == 4 * (2 * 5 + 4 * 3 + 2)


class Mean(Centred):
    def forward(self, x):
        return self.head(torch.relu(self.conv(x)).mean(2))


class Counting(Causal):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(2, 4, batch_first=True)

    def forward(self, x):
        return self.head(self.gru(x.transpose(1, 2))[0])


def test_both_semantics_are_counted_with_what_runs_where():
    found = inspect_model(load_model(Mean()), hop=64)
    continuous, windowed = (found.streams[semantics] for semantics in ("continuous", "windowed"))
    assert continuous.macs < windowed.macs < windowed.macs_of_window == continuous.macs_of_window
    assert windowed.delay_samples == 512 - 64 < continuous.delay_samples
    runs = {layer.path: layer.runs for layer in continuous.layers if layer.operator in ("Conv", "Linear")}
    assert runs == {"conv.0": "stream", "conv.1": "stream", "head": "window"}
    edges = [layer.macs for layer in windowed.layers if layer.runs == "edge" and layer.operator == "Conv"]
    assert sum(edges) == windowed.macs - continuous.macs
    assert "continuous" in found.advice
    assert "at 1." in found.advice


@pytest.mark.parametrize(
    ("model", "advice"), [(Causal, "continuous, which differs"), (Counting, "'gru' (Gru) then carries")]
)
def test_the_advice_follows_what_the_model_has(model, advice):
    assert advice in inspect_model(load_model(model())).advice


def test_a_hop_that_splits_a_frame_stands_in_the_way():
    (reason,) = inspect_model(load_model(Causal()), hop=6).obstacles
    assert "multiple of 4" in reason


@pytest.mark.parametrize(("model", "said"), [(Causal, "MACs a step"), (Foreign, "cannot be exported")])
def test_people_can_read_it(model, said):
    found = inspect_model(load_model(model()))
    assert said in " ".join(part for part in render(found) if isinstance(part, str))


def test_boards_that_are_too_small_are_told_apart():
    class Wide(Causal):
        def __init__(self):
            super().__init__()
            widen, mix = (nn.Linear(4, 400), nn.Tanh()), (nn.Linear(400, 400), nn.Tanh())
            self.head = nn.Sequential(*widen, *mix, nn.Linear(400, 1))

    boards = inspect_model(load_model(Wide())).boards
    assert not boards["nrf5340-net"]
    assert boards["nrf52840"]
