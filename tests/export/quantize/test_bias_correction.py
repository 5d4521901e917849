"""Bias correction: the mean error of a channel is gone, with everything in front of it rounded."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg_export import reference
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.bias_correction import correct, find_corrections
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.quantize.post_training import quantize

N_CHANS, HOP = 16, 4
SIGNAL = np.random.default_rng(0).uniform(0.0, 2.0, (1, N_CHANS, 2000)).astype(np.float32)
SIGNAL[:, 0] = 0.0


class Offset(nn.Module):
    """Coarse weights on inputs with a mean: what rounding does to a weight is an offset."""

    n_chans, n_times, sfreq = N_CHANS, 64, 128.0

    def __init__(self, bias=True):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv1d(N_CHANS, 8, 4, stride=HOP, bias=bias)
        self.head = nn.Linear(8, 2, bias=bias)
        with torch.no_grad():
            self.first.weight[:, 0] = (
                8.0  # of a silent channel: the step of each row, too coarse for the rest
            )

    def forward(self, x):
        return self.head(torch.relu(self.first(x)).transpose(1, 2))


@pytest.mark.parametrize("bias", [True, False])
def test_the_mean_error_of_the_outputs_goes(bias):
    graph = lower(load_model(Offset(bias).eval()).onnx_model, "m", HOP).captured
    (name,), (output,) = graph.inputs, graph.outputs
    inputs = {name: SIGNAL}
    formats = assign(calibrate(stream(graph, HOP), inputs, "min-max"), {})
    done = []
    found = find_corrections(graph, formats, HOP, inputs, lambda *of: done.append(of))
    corrected = correct(graph, found)
    assert done == [(1, 2), (2, 2)]
    assert len(found) == 2
    assert all(len(node.inputs) == 3 for node in corrected.nodes if node.outputs[0] in found)

    def mean_error(floats):
        integers = reference.run(quantize(floats, formats), inputs).tensors[output]
        return float(np.abs((integers - reference.run(graph, inputs).tensors[output]).mean((0, 1))).max())

    assert mean_error(corrected) < 0.2 * mean_error(graph)


def test_nothing_to_correct_is_the_same_graph():
    graph = lower(load_model(Offset().eval()).onnx_model, "m", HOP).captured
    assert correct(graph, {}).hash == graph.hash
