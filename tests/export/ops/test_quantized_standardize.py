"""Rows of integers less their mean, over their deviation: the same integers in NumPy, C and ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg_export import quantmath, reference
from edgeeeg_export.errors import GraphError
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.ops.quantized_standardize import LONGEST_ROW, QuantizedStandardize
from edgeeeg_export.ops.standardize import Standardize
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.targets.onnx_run import run_steps
from edgeeeg_export.tensor import TensorType

X_SCALE, Y_SCALE = {"int8": 0.02, "int16": 1e-4}, {"int8": 0.03, "int16": 1.3e-4}
N_CHANS, HOP, STEPS = 3, 8, 120


def form(n, axis=1, epsilon=1e-5, x="int8", y="int8"):
    e = float(np.float32(epsilon * (n / X_SCALE[x]) ** 2))
    return QuantizedStandardize(axis, e, multiplier=1 / Y_SCALE[y], width=y)


@pytest.mark.parametrize("y", ["int8", "int16"])
@pytest.mark.parametrize("x", ["int8", "int16"])
def test_it_is_the_float_layer_within_a_rounding(x, y):
    values = np.random.default_rng(0).integers(quantmath.LOW[x], quantmath.HIGH[x] + 1, (300, 24)).astype(x)
    values[:50] //= 40  # where ε counts
    (made,), _ = form(24, x=x, y=y).run((values,), ())
    (exact,), _ = Standardize(1).run((quantmath.dequantize(values, np.float32(X_SCALE[x])),), ())
    assert made.dtype == y
    off = np.abs(made * np.float64(Y_SCALE[y]) - exact)
    assert off[np.abs(exact) < 127 * Y_SCALE["int8"]].max() < 0.51 * Y_SCALE[y] + 1e-6


@pytest.mark.parametrize("value", [0, 77, -128])
def test_a_row_of_equal_values_is_zeros(value):
    (made,), _ = form(16).run((np.full((2, 16), value, np.int8),), ())
    np.testing.assert_array_equal(made, 0)


def test_the_worst_row_of_int16_overflows_nothing():
    n = LONGEST_ROW - 1
    row = np.full((1, n), -32768, np.int16)
    row[0, 0] = 32767
    (made,), _ = form(n, x="int16", y="int16").run((row,), ())
    x = row * X_SCALE["int16"]
    exact = (x - x.mean()) / np.sqrt(x.var() + 1e-5) / Y_SCALE["int16"]
    assert made[0, 0] == quantmath.HIGH["int16"]
    assert abs(int(made[0, 1]) - exact[0, 1]) <= 1


def test_longer_rows_are_refused():
    with pytest.raises(GraphError, match=f"{LONGEST_ROW} long"):
        form(2).infer((TensorType((1, LONGEST_ROW), dtype="int16"),))


class Normed(nn.Module):
    """A convolution and a norm, over the features of a frame or over a window."""

    n_chans, n_times, sfreq = N_CHANS, 64, 128.0

    def __init__(self, norm, over_window):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm, self.head = CausalConv1d(N_CHANS, 12, 8, stride=4), norm, nn.Linear(12, 2)
        self.over_window = over_window

    def forward(self, x):
        y = self.conv(x)
        y = self.norm(y).transpose(1, 2) if self.over_window else self.norm(y.transpose(1, 2))
        return self.head(y.mean(1) if self.over_window else y)


@pytest.mark.parametrize(("tensors", "least_db"), [("int8", 25), ("int16", 40)])
@pytest.mark.parametrize(
    ("norm", "over_window"),
    [
        (lambda: nn.LayerNorm(12), False),
        (lambda: nn.InstanceNorm1d(12, affine=True), True),
        (lambda: nn.GroupNorm(3, 12), True),
    ],
)
def test_norms_leave_no_floats_and_are_the_same_everywhere(
    norm, over_window, tensors, least_db, same_everywhere
):
    model = load_model(Normed(norm(), over_window).eval()).onnx_model
    signal = np.random.default_rng(0).normal(size=(1, N_CHANS, HOP * STEPS)).astype(np.float32)
    plain = lower(model, "net", HOP)
    (source,), (output,) = plain.captured.inputs, plain.captured.outputs
    seen = calibrate(stream(plain.captured, HOP), {source: signal}, "min-max")
    lowered = lower(model, "net", HOP, formats=assign(seen, {}, tensors))
    kinds = {node.op.kind for node in lowered.step.nodes}
    assert "QuantizedStandardize" in kinds
    assert "Standardize" not in kinds
    same_everywhere(lowered.offline, lowered.step, 30)
    short = {source: signal[..., : HOP * 30]}
    values = reference.run(lowered.offline, short).tensors[output]
    np.testing.assert_array_equal(run_steps(lowered.step, short)[output], values)
    truth = reference.run(plain.offline, {source: signal}).tensors[output]
    off = truth - reference.run(lowered.offline, {source: signal}).tensors[output]
    assert 10 * np.log10(np.square(truth - truth.mean()).mean() / np.square(off).mean()) > least_db
