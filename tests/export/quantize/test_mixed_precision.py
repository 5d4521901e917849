"""Precision by layer: sensitivities, costs, budgets, and the choice of the cheapest or the most accurate."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.layers.lif import Lif
from edgeeeg_export import reference
from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.budget import Budget
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.quantize.format import Format
from edgeeeg_export.quantize.mixed_precision import Candidate, choose, mix, pareto
from edgeeeg_export.quantize.output_error import OutputError, Yardstick
from edgeeeg_export.quantize.post_training import quantize
from edgeeeg_export.quantize.precision import alone, at_precisions, layers_with_integers
from edgeeeg_export.quantize.program_cost import ProgramCost, cost_of
from edgeeeg_export.quantize.sensitivity import sensitivity
from edgeeeg_export.quantize.sensitivity_table import render
from edgeeeg_export.targets import c

N_CHANS, HOP = 3, 4
SIGNAL = np.random.default_rng(0).normal(size=(1, N_CHANS, 400)).astype(np.float32)


class Peaked(nn.Module):
    """A layer whose int8 is nearly all noise, between two that are harmless."""

    n_chans, n_times, sfreq = N_CHANS, 64, 128.0

    def __init__(self, spikes=False):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.peaked = nn.Conv1d(N_CHANS, 8, 4, stride=HOP), nn.Linear(8, 8)
        self.spikes = Lif(8) if spikes else nn.Identity()
        self.head = nn.Linear(8, 1)
        with torch.no_grad():
            self.peaked.weight[0].mul_(100.0)
            self.head.weight[:, 0].mul_(0.001)

    def forward(self, x):
        y = torch.relu(self.first(x)).transpose(1, 2)
        return self.head(self.spikes(torch.relu(self.peaked(y))))


class Seen:
    """The float graph, what it does on a recording, and formats all in int8."""

    def __init__(self, model):
        self.graph = lower(load_model(model.eval()).onnx_model, "m", HOP).captured
        (name,) = self.graph.inputs
        inputs = {name: SIGNAL}
        calibration = calibrate(stream(self.graph, HOP), inputs, "min-max")
        self.ranges = calibration.tensors
        self.formats = assign(calibration, {name: Format("int16", 2.0**-9)})
        self.yardstick = Yardstick.of(self.graph, inputs, 0.1)
        self.layers = {layer.name: layer for layer in layers_with_integers(self.graph, self.formats)}

    def mixed(self, budget):
        return mix(self.graph, HOP, self.formats, self.ranges, self.yardstick, Budget.parse(budget))

    def error(self, formats):
        return self.yardstick.measure(quantize(self.graph, formats))


@pytest.fixture(scope="module")
def seen():
    return Seen(Peaked())


def weighted(graph):
    kinds = {"Conv", "Linear", "QuantizedConv", "QuantizedLinear"}
    return {node.path: node.op.kind for node in graph.nodes if node.op.kind in kinds}


def kinds_of(graph, formats):
    return weighted(quantize(graph, formats))


def test_a_layer_is_a_module_that_has_a_form_in_integers(seen):
    assert list(seen.layers) == ["first", "relu", "peaked", "relu_2", "head"]
    assert seen.layers["peaked"].operators == ("Linear",)


def test_a_layer_alone_is_the_only_one_of_integers(seen):
    formats = alone(seen.graph, seen.formats, seen.ranges, seen.layers["peaked"], "int8")
    assert kinds_of(seen.graph, formats) == {"first": "Conv", "peaked": "QuantizedLinear", "head": "Linear"}


def test_a_layer_of_floats_takes_along_what_reads_it(seen):
    both = {"peaked": "float32", "relu_2": "float32"}
    formats = at_precisions(seen.formats, seen.ranges, tuple(seen.layers.values()), both)
    assert kinds_of(seen.graph, formats) == {"first": "QuantizedConv", "peaked": "Linear", "head": "Linear"}


def test_the_layer_that_makes_the_noise_stands_out(seen):
    told = []
    found = sensitivity(seen.graph, seen.formats, seen.ranges, seen.yardstick, lambda *of: told.append(of))
    by_name = {layer.layer: layer for layer in found.layers}
    assert min(by_name, key=lambda name: by_name[name].int8.sqnr_db or math.inf) in ("peaked", "head")
    assert by_name["peaked"].without.sqnr_db > found.int8.sqnr_db + 5
    assert by_name["peaked"].int16.sqnr_db > by_name["peaked"].int8.sqnr_db + 20
    assert found.int16.sqnr_db > found.int8.sqnr_db + 20
    assert 0 < found.int8.decisions_flipped < 0.5
    assert found.int8.spikes_flipped is None
    assert told == [(done, 5) for done in (1, 2, 3, 4, 5)]
    assert render(found).row_count == 6


def test_spikes_that_flip_are_counted():
    seen = Seen(Peaked(spikes=True))
    assert 0 < seen.error(seen.formats).spikes_flipped < 0.5


def test_an_error_is_none_where_nothing_differs(seen):
    error = seen.yardstick.measure(seen.graph)
    assert error == OutputError(None, 0.0, None)
    assert error.noise == 0.0


def test_flash_is_what_the_program_in_c_has_of_constants(seen):
    integers = quantize(seen.graph, seen.formats)
    floats, coarse = cost_of(seen.graph, HOP), cost_of(integers, HOP)
    assert coarse.flash_bytes == c.emit(stream(integers, HOP), 2.0**-9).weight_bytes
    assert floats.flash_bytes > coarse.flash_bytes - 256  # the table of the rectifier
    assert coarse.instructions > 0


def test_the_cheapest_that_is_accurate_enough(seen):
    coarse, wanted = seen.error(seen.formats).sqnr_db, 45
    assert coarse < wanted
    found = seen.mixed(f"accuracy={wanted}dB")
    (chosen,) = (one for one in found.pareto if one.chosen)
    assert seen.error(found.formats) == chosen.error
    assert chosen.error.sqnr_db >= wanted
    assert chosen.precisions["peaked"] != "int8"
    enough = (one for one in found.pareto if one.error.noise <= 10 ** (-wanted / 10))
    assert chosen.cost.flash_bytes == min(one.cost.flash_bytes for one in enough)


def test_the_most_accurate_that_is_cheap_enough(seen):
    everything = [one for one in seen.mixed("accuracy=20dB").pareto if one.error.noise > 0]
    limit = sorted(one.cost.flash_bytes for one in everything)[len(everything) // 2]
    found = seen.mixed(f"flash={limit}B")
    (chosen,) = (one for one in found.pareto if one.chosen)
    assert chosen.cost.flash_bytes <= limit
    assert chosen.error.noise == min(one.error.noise for one in found.pareto if one.cost.flash_bytes <= limit)


@pytest.mark.parametrize("budget", ["flash=1000000B", "instructions=1000000", "accuracy=300dB"])
def test_a_budget_that_floats_keep_best_is_refused(seen, budget):
    with pytest.raises(QuantizationError, match="kept best by float32: export without --quantize"):
        seen.mixed(budget)


def test_a_budget_that_nothing_keeps_names_the_least(seen):
    with pytest.raises(
        QuantizationError, match=r"no precision keeps --budget flash=10B: the least .* is \d+ by"
    ):
        seen.mixed("flash=10B")
    with pytest.raises(QuantizationError, match=r"is \d+ instructions a step"):
        seen.mixed("instructions=1")


def candidate(decibels, flash, instructions):
    return Candidate({}, OutputError(decibels, None, None), ProgramCost(flash, instructions))


def test_of_the_pareto_front_no_other_is_better_in_everything():
    best, small, fast, beaten = (
        candidate(None, 9, 9),
        candidate(20.0, 1, 9),
        candidate(20.0, 9, 1),
        candidate(19.0, 2, 9),
    )
    assert set(map(id, pareto([beaten, best, small, fast, small]))) == set(map(id, (best, small, fast)))
    assert choose([beaten, best, small, fast], Budget("accuracy", 10.0)) is small
    assert choose([beaten, best, small, fast], Budget("instructions", 5.0)) is fast


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("accuracy=30dB", Budget("accuracy", 30.0)),
        ("flash=20kB", Budget("flash", 20_000.0)),
        ("flash=2KiB", Budget("flash", 2048.0)),
        ("instructions=1.5M", Budget("instructions", 1.5e6)),
    ],
)
def test_budgets_are_read_with_their_units(text, budget):
    assert Budget.parse(text) == budget
    assert Budget.parse(str(budget)) == budget


@pytest.mark.parametrize(
    "text", ["", "flash", "ram=2kB", "flash=2", "accuracy=30", "accuracy=-3dB", "flash=1.2.3kB", "flash=0B"]
)
def test_what_is_no_budget_is_refused_in_one_line(text):
    with pytest.raises(QuantizationError, match=r"is no budget: give accuracy=30dB") as raised:
        Budget.parse(text)
    assert "\n" not in str(raised.value)


def test_the_reference_of_a_choice_is_the_program_that_it_says(seen):
    found = seen.mixed("accuracy=45dB")
    integers = quantize(seen.graph, found.formats)
    (name,) = seen.graph.inputs
    output = reference.run(integers, {name: SIGNAL}).tensors[seen.graph.outputs[0]]
    truth = reference.run(seen.graph, {name: SIGNAL}).tensors[seen.graph.outputs[0]]
    assert 10 * math.log10(np.square(truth).sum() / np.square(truth - output).sum()) >= 45
