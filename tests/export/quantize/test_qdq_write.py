"""QDQ out: read back it is the same integers, ONNX Runtime runs it, and how far it is off is measured."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from edgeeeg.layers.lif import Lif
from edgeeeg.signal import Recording
from edgeeeg_export import capture, reference
from edgeeeg_export.lowering import lower
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.pipeline import export_model
from edgeeeg_export.quantize import qdq_deviation, qdq_write, report_table
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.quantize.format import Format
from edgeeeg_export.stored_quantization import QDQ

N_CHANS, HOP, STEPS = 3, 8, 200
COUNT = 2.0**-10


class Network(nn.Module):
    """Every form between pairs: layers, sums, differences, products, tables, moves and concatenations."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv1d(3, 8, 9, padding="same"), nn.Conv1d(8, 8, 5, padding="same")
        self.pool, self.head = nn.AvgPool1d(2), nn.Linear(8, 2)

    def forward(self, x):
        x = torch.relu(self.first(x))
        x = nn.functional.silu(0.5 * x + torch.sigmoid(self.second(x)))
        x = x - torch.tanh(self.second(x))
        x = torch.cat([x, self.second(x)], 1)
        return self.head(self.pool(x[:, :8] * x[:, 8:]).transpose(1, 2))


@pytest.fixture(scope="module")
def signal():
    counts = np.rint(np.random.default_rng(0).normal(size=(1, N_CHANS, HOP * STEPS)) / COUNT)
    return counts.astype(np.float32) * np.float32(COUNT)


@pytest.fixture(scope="module", params=["int8", "int16"])
def lowered(request, signal):
    model = capture.to_onnx(capture.trace(Network().eval(), N_CHANS, 64)).model
    plain = lower(model, "net", HOP)
    ranges = calibrate(stream(plain.captured, HOP), {"eeg": signal}, "min-max")
    return lower(model, "net", HOP, formats=assign(ranges, {"eeg": Format("int16", COUNT)}, request.param))


def test_read_back_it_gives_the_same_integers(lowered, signal):
    model = qdq_write.emit(lowered.captured, lowered.quantized)
    again = lower(model, "net", HOP)
    kinds = [node.op.kind for node in again.captured.nodes]
    assert kinds.count("QuantizedConv") == 5  # four convolutions and a pool
    assert {"Conv", "Linear", "Add", "Sub", "Mul", "AveragePool"}.isdisjoint(kinds)
    truth, found = (
        reference.run(each.captured, {"eeg": signal}).tensors[each.captured.outputs[0]]
        for each in (lowered, again)
    )
    np.testing.assert_array_equal(found, truth)


def test_onnxruntime_with_its_default_optimizations_stays_near(lowered, signal):
    model = qdq_write.emit(lowered.step, lowered.quantized)
    onnx.checker.check_model(model, full_check=True)
    found = qdq_deviation.measure(
        model, lowered.offline, lowered.step, lowered.quantized.formats, {"eeg": signal}
    )
    assert found.steps == STEPS
    (name,) = lowered.step.outputs
    assert found.largest_steps <= {"int8": 1.5, "int16": 16.5}[lowered.quantized.formats[name].dtype]
    assert found.grade == "measured"


def test_a_deviation_counts_what_differs(lowered, signal):
    model = qdq_write.emit(lowered.step, lowered.quantized)
    (name,) = lowered.step.outputs
    off = [node for node in model.graph.node if node.op_type == "DequantizeLinear"][-1]
    scale = next(tensor for tensor in model.graph.initializer if tensor.name == off.input[1])
    doubled = 2 * onnx.numpy_helper.to_array(scale)
    model.graph.initializer.append(onnx.numpy_helper.from_array(doubled, "doubled"))
    off.input[1] = "doubled"
    found = qdq_deviation.measure(
        model, lowered.offline, lowered.step, lowered.quantized.formats, {"eeg": signal}
    )
    truth = reference.run(lowered.offline, {"eeg": signal}).tensors[name]
    assert found.values == truth.size
    assert found.differing > 0.5
    assert found.largest == pytest.approx(float(np.abs(truth).max()), rel=0.1)


class Spiking(nn.Module):
    """A layer with no form between pairs amid some that have one."""

    n_chans, n_times, sfreq = 2, 64, 128.0

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.front, self.spikes, self.head = nn.Conv1d(2, 8, 1), Lif(8), nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.spikes(torch.tanh(self.front(x * 0.02)).transpose(1, 2)))


def test_a_bundle_has_the_model_and_what_it_is_off_by(tmp_path):
    samples = 40 * np.random.default_rng(0).normal(size=(2, 128 * 20))
    recording = Recording(samples.astype(np.float32), ("EEG1", "EEG2"), 128.0)
    bundle = export_model(Spiking(), tmp_path / "bundle", calibration=recording, recording=recording)
    kinds = {node.op_type for node in onnx.load(str(bundle.path(QDQ))).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear", "Conv", "Gemm"} <= kinds
    assert "ConvInteger" not in kinds
    stored = report_table.read_qdq(bundle)
    assert stored == json.loads(bundle.path(report_table.REPORT).read_text())["qdq"]
    line = qdq_deviation.describe(stored)
    assert "measured" in line
    assert f"{stored['steps']} steps" in line


class Short(nn.Module):
    """A valid convolution: its first frames need a part of a hop that no step has alone."""

    n_chans, n_times, sfreq = 2, 64, 128.0

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(2, 3, 4)

    def forward(self, x):
        return self.conv(x)


def test_a_context_that_is_no_whole_hop_is_compared_over_whole_steps(tmp_path):
    samples = 40 * np.random.default_rng(0).normal(size=(2, 128 * 20))
    recording = Recording(samples.astype(np.float32), ("EEG1", "EEG2"), 128.0)
    bundle = export_model(Short(), tmp_path / "bundle", hop=8, calibration=recording, recording=recording)
    stored = report_table.read_qdq(bundle)
    assert stored["values"] == 3 * (128 * 20 - 8)
    assert stored["largest_steps"] <= 16.5
