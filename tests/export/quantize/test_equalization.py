"""Equalization: the same function to the last bit, and channels that one step of int8 suits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg_export import reference
from edgeeeg_export.graph import Graph
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.quantize.channel_pairs import find_pairs
from edgeeeg_export.quantize.equalization import equalize, find_exponents
from edgeeeg_export.quantize.post_training import quantize

N_CHANS, HOP = 3, 4
SIGNAL = np.random.default_rng(0).normal(size=(1, N_CHANS, 400)).astype(np.float32)


class Uneven(nn.Module):
    """Channels of the first convolution up to 1000 times apart, which the weights behind it undo."""

    n_chans, n_times, sfreq = N_CHANS, 64, 128.0

    def __init__(self, between, depthwise=False):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.between = nn.Conv1d(N_CHANS, 8, 4, stride=HOP), between
        self.second = nn.Conv1d(8, 8, 1, groups=8 if depthwise else 1)
        self.head = nn.Linear(8, 2)
        apart = torch.logspace(-1.5, 1.5, 8)
        with torch.no_grad():
            self.first.weight.mul_(apart[:, None, None])
            self.first.bias.mul_(apart)
            self.second.weight.div_(apart[:, None, None] if depthwise else apart[:, None])

    def forward(self, x):
        return self.head(self.second(self.between(self.first(x))).transpose(1, 2))


def captured(model) -> Graph:
    return lower(load_model(model.eval()).onnx_model, "m", HOP).captured


def exponents_of(graph):
    (name,) = graph.inputs
    return find_exponents(graph, HOP, {name: SIGNAL})


def output(graph):
    (name,) = graph.inputs
    return reference.run(graph, {name: SIGNAL}).tensors[graph.outputs[0]]


def sqnr_db(graph):
    (name,) = graph.inputs
    integers = quantize(graph, assign(calibrate(stream(graph, HOP), {name: SIGNAL}, "min-max"), {}))
    truth = output(graph).astype(np.float64)
    return 10 * math.log10(np.square(truth).sum() / np.square(truth - output(integers)).sum())


BETWEEN = {
    "nothing": nn.Identity(),
    "relu": nn.ReLU(),
    "leaky relu": nn.LeakyReLU(0.1),
    "pools": nn.Sequential(nn.ReLU(), nn.MaxPool1d(2, 1), nn.AvgPool1d(2, 1)),
}


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("between", BETWEEN)
def test_the_float_model_stays_as_it_was_and_the_integers_gain(between, depthwise):
    graph = captured(Uneven(BETWEEN[between], depthwise))
    if len(find_pairs(graph)) < 2:  # nothing between: both convolutions are one layer already
        assert between == "nothing"
        return
    equal = equalize(graph, exponents_of(graph))
    np.testing.assert_array_equal(output(equal), output(graph))
    assert sqnr_db(equal) > sqnr_db(graph) + 10


def test_what_lies_between_has_another_name_and_the_rest_its_own():
    graph = captured(Uneven(nn.ReLU()))
    equal = equalize(graph, exponents_of(graph))
    changed = {name for node in equal.nodes for name in node.outputs} - graph.tensors.keys()
    assert changed
    assert all(name.endswith(".equalized") for name in changed)
    kept = reference.run(graph, {next(iter(graph.inputs)): SIGNAL}).tensors
    for name, value in reference.run(equal, {next(iter(graph.inputs)): SIGNAL}).tensors.items():
        if name in kept:
            np.testing.assert_array_equal(value, kept[name])


def test_channels_that_are_alike_are_left_alone():
    model = Uneven(nn.ReLU())
    for layer in (model.first, model.second):
        nn.init.uniform_(layer.weight, 0.4, 0.5)
    assert not exponents_of(captured(model))


def test_what_is_read_twice_or_bent_is_no_pair():
    class Twice(Uneven):
        def forward(self, x):
            y = torch.relu(self.first(x))
            return self.head((y + self.second(y)).transpose(1, 2))

    pairs = find_pairs(captured(Twice(None)))
    assert all("first" not in pair.first.path for pair in pairs)
    bent = find_pairs(captured(Uneven(nn.Tanh())))
    assert [pair.first.path for pair in bent] == ["second"]


def test_a_channel_that_nothing_is_seen_of_keeps_its_weights():
    model = Uneven(nn.ReLU())
    with torch.no_grad():
        model.first.weight[3], model.first.bias[3] = 0.0, -1.0
    (exponents, *_) = exponents_of(captured(model)).values()
    assert exponents[3] == 0


def test_a_recurrence_takes_the_factors_of_the_layer_in_front():
    class Recurrent(Uneven):
        def __init__(self):
            super().__init__(nn.ReLU())
            self.gru = nn.GRU(8, 4, batch_first=True)
            with torch.no_grad():
                self.gru.weight_ih_l0.div_(torch.logspace(-1.5, 1.5, 8))

        def forward(self, x):
            return self.gru(torch.relu(self.first(x)).transpose(1, 2))[0]

    graph = captured(Recurrent())
    equal = equalize(graph, exponents_of(graph))
    np.testing.assert_array_equal(output(equal), output(graph))
    assert sqnr_db(equal) > sqnr_db(graph) + 10
