"""The report of a program of integers reads each tensor in the steps that its integers have."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.layers.lif import Lif
from edgeeeg_export import capture, reference
from edgeeeg_export.lowering import lower
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.quantize.format import Format
from edgeeeg_export.quantize.report import layer_reports

N_CHANS, HOP = 3, 8


class Moved(nn.Module):
    """A dense layer whose small half is read apart, but whose whole is read too, and a concatenation."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.first, self.last = nn.Linear(N_CHANS, 8), nn.Linear(12, 2)
        with torch.no_grad():
            self.first.weight[4:] *= 30

    def forward(self, x):
        y = self.first(x.transpose(1, 2))
        small = y[..., :4]
        return self.last(torch.cat([torch.tanh(small), y], dim=-1)) + small.mean(dim=-1, keepdim=True)


def test_what_is_moved_has_the_steps_of_where_it_comes_from():
    model = capture.to_onnx(capture.trace(Moved().eval(), N_CHANS, 64)).model
    x = np.random.default_rng(0).normal(size=(1, N_CHANS, 40 * HOP)).astype(np.float32)
    plain = lower(model, "net", HOP)
    formats = assign(calibrate(stream(plain.captured, HOP), {"eeg": x}, "min-max"), {})
    output = {node.op.kind: node.outputs[0] for node in plain.offline.nodes[::-1]}
    dense, small, both = output["Linear"], output["Slice"], output["Concat"]
    assert formats[small].scale < 0.1 * formats[dense].scale
    formats[both] = Format("int8", formats[both].scale / 2)  # as an observer that clips may have seen it
    integers = lower(model, "net", HOP, formats=formats)
    reports = {
        report.name: report
        for report in layer_reports(plain.offline, integers.offline, integers.quantized, {"eeg": x})
    }
    assert reports[dense].scale == reports[small].scale == reports[both].scale == formats[dense].scale
    assert reports[both].saturated == 0
    assert reports[both].sqnr_db > 30
    # coarse steps for small values: the noise is there, and is that of rounding
    assert 0 < reports[small].sqnr_db < reports[dense].sqnr_db - 10


class Padded(nn.Module):
    """Two convolutions that pad time, of which the second has more edges than frames, under a dense layer."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Conv1d(N_CHANS, 6, 9, padding=4)
        self.second = nn.Conv1d(6, 4, 41, padding=20)
        self.head = nn.Linear(4 * 48, 2)

    def forward(self, x):
        return self.head(torch.relu(self.second(torch.relu(self.first(x)))).flatten(1))


def test_what_is_computed_at_the_ends_of_windows_is_in_it():
    model = capture.to_onnx(capture.trace(Padded().eval(), N_CHANS, 48)).model
    x = np.random.default_rng(0).normal(size=(1, N_CHANS, 30 * HOP)).astype(np.float32)
    plain = lower(model, "net", HOP, "windowed")
    formats = assign(calibrate(stream(plain.captured, HOP), {"eeg": x}, "min-max"), {})
    integers = lower(model, "net", HOP, "windowed", formats=formats)
    first, second = (node.outputs[0] for node in plain.captured.nodes if node.op.kind == "Conv")
    names = {name for node in integers.offline.nodes for name in node.outputs}
    assert f"{second}.int8" not in names  # of the second layer nothing but whole windows is left
    assert {f"{first}.int8", f"{first}.int8.left", f"{first}.int8.right"} <= names
    found = layer_reports(plain.offline, integers.offline, integers.quantized, {"eeg": x})
    reports = {report.name: report for report in found}
    assert len(reports) == len(found)
    for name in (first, second):
        assert reports[name].scale == formats[name].scale
        assert reports[name].sqnr_db > 25
    truth, result = (reference.run(graph, {"eeg": x}).tensors for graph in (plain.offline, integers.offline))
    ends = [(truth[first + end], result[f"{first}.int8{end}"]) for end in ("", ".left", ".right")]
    assert reports[first].largest == max(np.abs(expected).max() for expected, _ in ends)
    noise = sum(np.square(value * formats[first].scale - expected).sum() for expected, value in ends)
    signal = sum(np.square(expected).sum() for expected, _ in ends)
    assert reports[first].sqnr_db == pytest.approx(10 * np.log10(signal / noise), abs=0.01)


def test_spikes_are_read_as_the_whole_numbers_that_they_are():
    class Spikes(nn.Module):
        def __init__(self):
            super().__init__()
            self.spikes, self.head = Lif(N_CHANS), nn.Linear(N_CHANS, 2)

        def forward(self, x):
            return self.head(self.spikes(x.transpose(1, 2)))

    torch.manual_seed(0)
    model = capture.to_onnx(capture.trace(Spikes().eval(), N_CHANS, 64)).model
    x = np.random.default_rng(0).normal(size=(1, N_CHANS, 40 * HOP)).astype(np.float32)
    plain = lower(model, "net", HOP)
    formats = assign(calibrate(stream(plain.captured, HOP), {"eeg": x}, "min-max"), {}, "int8", "int32")
    integers = lower(model, "net", HOP, formats=formats)
    (spikes,) = (node.outputs[0] for node in plain.offline.nodes if node.op.kind == "Lif")
    found = layer_reports(plain.offline, integers.offline, integers.quantized, {"eeg": x})
    (report,) = (report for report in found if report.name == spikes)
    assert report.scale == 1.0
    assert report.sqnr_db is None or report.sqnr_db > 10
