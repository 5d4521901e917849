"""The report of states in integers: their scale, what was seen of them, and when a program is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.layers.time_mixing4 import TimeMixing4
from edgeeeg_export import capture, reference
from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.lowering import lower
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.quantize.state_report import require_states_in_range, state_reports

N_CHANS, HOP, STEPS = 2, 4, 200


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.first = CausalConv1d(N_CHANS, 8, 16, stride=4)
        self.layers = nn.Sequential(MambaBlock(8), TimeMixing4(8), Lif(8))
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.layers(3 * torch.tanh(self.first(x)).transpose(1, 2)))


@pytest.fixture(scope="module")
def subject():
    model = capture.to_onnx(capture.trace(Network().eval(), N_CHANS, 64)).model
    signal = {"eeg": np.random.default_rng(0).normal(size=(1, N_CHANS, HOP * STEPS)).astype(np.float32)}
    plain = lower(model, "net", HOP)
    return model, signal, plain, calibrate(stream(plain.captured, HOP), signal, "min-max")


def reports_of(subject, formats):
    model, signal, plain, _ = subject
    lowered = lower(model, "net", HOP, formats=formats)
    found = state_reports(plain.step, lowered.offline, lowered.quantized, signal)
    return lowered, {report.name.partition(":")[2]: report for report in found}


@pytest.mark.parametrize("states", ["int16", "int32"])
def test_every_state_is_there_as_it_was_seen(subject, states):
    *_, seen = subject
    _, reports = reports_of(subject, assign(seen, {}, "int8", states))
    assert set(reports) == {"h", "num", "den", "mem"}
    for name, report in reports.items():
        (wish,) = (seen.states[each] for each in seen.states if each.endswith(f":{name}"))
        assert report.dtype == states
        assert report.largest == pytest.approx(wish.largest, rel=0.05)
        assert report.largest < report.scale * 2.0**31
        assert (report.saturated, report.counted) == (0, 0)
    # the neurons' step is their threshold over a power of two
    assert np.log2(1 / reports["mem"].scale) == round(np.log2(1 / reports["mem"].scale))
    require_states_in_range(tuple(reports.values()))


def test_what_saturates_is_counted_and_refused_with_the_remedy(subject):
    *_, signal, _, seen = subject
    formats = assign(seen, {}, "int8", "int16")
    (name,) = (name for name in formats if name.endswith(":h"))
    formats[name] = replace(formats[name], scale=formats[name].scale / 40)
    lowered, reports = reports_of(subject, formats)
    assert reports["h"].scale == pytest.approx(formats[name].scale)
    assert reports["h"].saturated > 0.01
    after = reference.run(lowered.offline, signal).states
    (node,) = (node for node in lowered.offline.nodes if node.op.kind == "QuantizedSelectiveScan")
    assert reports["h"].counted == after[node.name][1][0] > 100
    said = r"% of state '.*:h' saturate: it reaches .* ask for wider states: --states int32, or float32"
    with pytest.raises(QuantizationError, match=said):
        require_states_in_range(tuple(reports.values()))


def test_states_of_floats_are_not_in_it(subject):
    *_, seen = subject
    assert reports_of(subject, assign(seen, {}, "int8", "float32"))[1] == {}


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.first, self.layer = CausalConv1d(N_CHANS, 8, 16, stride=4), nn.GRU(8, 6, batch_first=True)
        self.head = nn.Linear(6, 1)

    def forward(self, x):
        return self.head(self.layer(self.first(x).transpose(1, 2))[0])


def test_memories_of_gated_layers_are_there_without_a_count():
    model = capture.to_onnx(capture.trace(Gated().eval(), N_CHANS, 64)).model
    signal = {"eeg": np.random.default_rng(0).normal(size=(1, N_CHANS, HOP * STEPS)).astype(np.float32)}
    plain = lower(model, "net", HOP)
    seen = calibrate(stream(plain.captured, HOP), signal, "min-max")
    lowered = lower(model, "net", HOP, formats=assign(seen, {}, "int8", "int16"))
    (report,) = state_reports(plain.step, lowered.offline, lowered.quantized, signal)
    assert (report.dtype, report.saturated, report.counted) == ("int16", 0, None)
    assert report.scale == pytest.approx(seen.states[report.name].format("int16").scale)
    with pytest.raises(QuantizationError, match="ask for wider states: float32, or calibrate"):
        require_states_in_range((replace(report, saturated=0.02),))
