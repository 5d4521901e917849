"""The whole pipeline on models of the field: the work that is left, the numbers, and what is said of both."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from onnx import helper
from torch import nn
from torch.nn import functional as F

from edgeeeg_export import reference
from edgeeeg_export.capture import to_onnx, trace
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes import PIPELINE, explain, simplify
from edgeeeg_export.passes.rewriting import macs
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.tensor import TensorType

N_CHANS, N_TIMES = 22, 256


class EEGNet(nn.Module):
    """EEGNet-8,2 (Lawhern et al., 2018); `causal` pads the past alone and reads every frame."""

    def __init__(self, causal):
        super().__init__()
        self.causal = causal
        self.temporal, self.norm1 = nn.Conv2d(1, 8, (1, 64), bias=False), nn.BatchNorm2d(8)
        self.spatial, self.norm2 = nn.Conv2d(8, 16, (N_CHANS, 1), groups=8, bias=False), nn.BatchNorm2d(16)
        self.depthwise = nn.Conv2d(16, 16, (1, 16), groups=16, bias=False)
        self.pointwise, self.norm3 = nn.Conv2d(16, 16, 1, bias=False), nn.BatchNorm2d(16)
        self.head = nn.Linear(16 if causal else 128, 4)

    def pad(self, x, taps):
        return F.pad(x, (taps - 1, 0) if self.causal else (taps // 2, taps // 2))

    def forward(self, x):
        y = self.norm2(self.spatial(self.norm1(self.temporal(self.pad(x[:, None], 64)))))
        y = F.avg_pool2d(F.elu(y), (1, 4))
        y = self.norm3(self.pointwise(self.depthwise(self.pad(y, 16))))
        y = F.avg_pool2d(F.elu(y), (1, 8))
        return self.head(y.squeeze(2).transpose(1, 2) if self.causal else y.flatten(1))


class Shallow(nn.Module):
    """The first layers of ShallowFBCSPNet (Schirrmeister et al., 2017) without braindecode's own merging."""

    def __init__(self):
        super().__init__()
        self.time, self.space = nn.Conv2d(1, 40, (25, 1)), nn.Conv2d(40, 40, (1, N_CHANS), bias=False)
        self.norm = nn.BatchNorm2d(40)

    def forward(self, x):
        image = F.pad(x.transpose(1, 2)[:, None], (0, 0, 24, 0))
        return torch.log(F.avg_pool2d(self.norm(self.space(self.time(image))) ** 2, (15, 1)) + 1e-6)


def captured(model, streaming=True):
    """The graph of a model with batch norms that do something, and the model's own result."""
    torch.manual_seed(0)
    model = model.eval()
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for value, low, high in ((norm.running_mean, -1, 1), (norm.running_var, 0.5, 2)):
                value.uniform_(low, high)
            nn.init.uniform_(norm.weight, 0.5, 2)
            nn.init.uniform_(norm.bias, -1, 1)
    graph = import_onnx(to_onnx(trace(model, N_CHANS, N_TIMES)).model, "model", streaming=streaming)
    x = np.random.default_rng(0).standard_normal((1, N_CHANS, N_TIMES)).astype(np.float32)
    with torch.no_grad():
        return graph, x, model(torch.from_numpy(x)).numpy()


@pytest.mark.parametrize("causal", [False, True])
def test_eegnet_takes_an_eighth_of_its_work(causal, same_numbers):
    graph, x, theirs = captured(EEGNet(causal), streaming=causal)
    simple = simplify(graph)
    assert macs(graph) > 3_000_000
    assert macs(simple) < 390_000
    same_numbers(graph, simple)
    ours = reference.run(simple, {"eeg": x}).tensors["score"]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    said = {explanation.rewrite: explanation for explanation in explain(graph)}
    (done,) = said["commute"].fired
    assert "'norm2' (Conv): now stands before 'norm1' (Conv)" in done
    assert f"{macs(simple):,} multiply-accumulates rather than {macs(graph):,}" in done
    assert "different taps" in said["commute"].declined[0]


def test_eegnet_as_a_stream_equals_c(counts, as_input, native):
    graph, *_ = captured(EEGNet(causal=True))
    simple, samples = simplify(graph), counts(N_TIMES, N_CHANS)
    truth = reference.run(simple, {"eeg": as_input(samples)}).tensors["score"]
    streamed = native(stream(simple)).push(samples)
    np.testing.assert_array_equal(streamed.view(np.uint32), truth[0].view(np.uint32))


def test_convolutions_over_time_and_electrodes_merge(same_numbers):
    graph, *_ = captured(Shallow())
    simple = simplify(graph)
    assert sum(node.op.kind == "Conv" for node in simple.nodes) == 1
    assert not any(node.op.kind == "Transpose" for node in simple.nodes)
    # 22 electrodes of 25 taps for 40 maps; apart, 40 maps of every electrode as well
    assert macs(simple) == N_TIMES * 40 * N_CHANS * 25
    assert macs(graph) == N_TIMES * 40 * N_CHANS * (25 + 40)
    same_numbers(graph, simple)


def test_a_batch_norm_that_the_exporter_left_does_not_part_time_and_space(onnx_model, same_numbers):
    rng = np.random.default_rng(0)
    weights = {
        "shape": np.array([1, 1, N_CHANS, N_TIMES]),
        "h": rng.standard_normal((4, 1, 1, 9)).astype(np.float32),
        "q": rng.standard_normal((8, 1, N_CHANS, 1)).astype(np.float32),
        **{name: rng.uniform(0.5, 2, 4).astype(np.float32) for name in ("gamma", "beta", "mean", "variance")},
    }
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["i"]),
        helper.make_node("Conv", ["i", "h"], ["c"], pads=[0, 8, 0, 0]),
        helper.make_node("BatchNormalization", ["c", "gamma", "beta", "mean", "variance"], ["n"]),
        helper.make_node("Conv", ["n", "q"], ["y"], group=4),
    ]
    graph = import_onnx(onnx_model(nodes, weights, shape=(1, N_CHANS, N_TIMES)), "model")
    simple = simplify(graph)
    assert [node.op.kind for node in simple.nodes] == ["Conv", "Conv", "Reshape"]
    assert macs(simple) == N_TIMES * 8 * (N_CHANS + 9)
    same_numbers(graph, simple)


def tangled():
    """A dense layer of which an output, another layer and a bias read the result."""
    constants = {"w": np.ones((3, 4), dtype=np.float32), "b": np.ones(4, dtype=np.float32)}
    nodes = (
        Node("turn", Transpose((0, 2, 1)), ("x",), ("f",)),
        Node("dense", Linear(), ("f", "w"), ("m",)),
        Node("unused", Relu(), ("m",), ("z",)),
        Node("unused_too", Relu(), ("z",), ("zz",)),
        Node("add", Add(), ("m", "b"), ("y",)),
    )
    return Graph("g", {"x": TensorType((1, 3, 8), 2, 1)}, ("y",), nodes, constants)


def test_what_no_output_needs_is_dropped_before_it_stands_in_the_way():
    simple = simplify(tangled())
    assert [node.name for node in simple.nodes] == ["turn", "dense"]
    assert simple.outputs == ("y",)


def test_every_pass_of_the_tuple_can_be_named_in_an_explanation():
    explanations = explain(tangled())
    names = [rewrite.__name__ for rewrite in PIPELINE]
    assert [e.rewrite for e in explanations] == ["drop_dead", "fold_behind"]
    assert all(e.rewrite in names for e in explanations)
    assert len(explanations[0].fired) == 2


def test_a_simple_graph_has_nothing_more_to_do():
    simple = simplify(captured(EEGNet(causal=True))[0])
    assert simplify(simple).nodes == simple.nodes
    assert not any(explanation.fired for explanation in explain(simple))


def test_a_reason_is_given_once_though_its_pass_runs_twice():
    for explanation in (said := explain(captured(EEGNet(causal=True))[0])):
        others = [e for e in said if e is not explanation and e.rewrite == explanation.rewrite]
        assert not any(set(explanation.declined) & set(other.declined) for other in others)
