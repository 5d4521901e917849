"""One step in TVM against the NumPy reference, with states carried and Scans unrolled."""

import sys

import numpy as np
import onnx
import pytest
import torch
from onnx import helper
from torch import nn

from edgeeeg.errors import MissingDependency
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg_bench.zoo.window_lstm import WindowLstm
from edgeeeg_export import reference
from edgeeeg_export.errors import ExportError
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.targets import onnx_step
from edgeeeg_export.targets.tvm_step import TvmStep, unrolled

STEPS = 20


class Small(nn.Module):
    """Convolution, neurons and a selective scan."""

    def __init__(self):
        super().__init__()
        self.conv = CausalConv1d(2, 6, 4)
        self.lif = Lif(6)
        self.mamba = MambaBlock(6, d_state=4)

    def forward(self, x):
        return self.mamba(self.lif(self.conv(x).transpose(1, 2)))


@pytest.fixture(scope="module", params=[1, 3], ids=["hop 1", "hop 3"])
def step(request):
    torch.manual_seed(1)
    loaded = load_model(Small().eval(), n_chans=2, n_times=24)
    return lower(loaded.onnx_model, "small", request.param).step


def starts(graph):
    return {state.name: state.start() for state in graph.all_states()}


def test_twenty_steps_equal_the_reference(step):
    pytest.importorskip("tvm")
    ((name, type_),) = step.inputs.items()
    rng = np.random.default_rng(2)
    machine, states = TvmStep(onnx_step.emit(step), starts(step)), None
    spikes = 0
    for _ in range(STEPS):
        x = rng.normal(0, 2, type_.shape).astype(np.float32)
        run = reference.run(step, {name: x}, states)
        states = run.states
        spikes += sum(run.tensors[n.outputs[0]].sum() for n in step.nodes if n.op.kind == "Lif")
        for output, value in machine.step({name: x}).items():
            np.testing.assert_allclose(value, run.tensors[output], rtol=0, atol=1e-5)
    assert spikes > STEPS  # the neurons took part


def test_a_reset_begins_anew(step):
    pytest.importorskip("tvm")
    ((name, type_),) = step.inputs.items()
    x = np.random.default_rng(3).normal(0, 2, type_.shape).astype(np.float32)
    machine = TvmStep(onnx_step.emit(step), starts(step))
    first = machine.step({name: x})
    assert any(not np.array_equal(machine.step({name: x})[k], v) for k, v in first.items())
    machine.reset()
    again = machine.step({name: x})
    assert all(np.array_equal(again[k], v) for k, v in first.items())


def test_unrolled_has_neither_functions_nor_scans(step):
    model = onnx_step.emit(step)
    flat = unrolled(model)
    assert not flat.functions
    assert not any(node.op_type == "Scan" for node in flat.graph.node)
    assert [value.name for value in flat.graph.output] == [value.name for value in model.graph.output]


def test_a_state_without_a_value_is_named(step):
    pytest.importorskip("tvm")
    with pytest.raises(ExportError, match=r"lif\.mem"):
        TvmStep(onnx_step.emit(step), {})


def test_what_its_importer_does_not_know_is_named():
    pytest.importorskip("tvm")
    loaded = load_model(WindowLstm(n_chans=2, n_times=8, hidden=3).eval())
    with pytest.raises(ExportError, match="LSTM"):
        TvmStep(loaded.onnx_model, {})


def test_frames_must_be_known():
    body = helper.make_graph(
        [helper.make_node("Add", ("s", "v"), ("t",)), helper.make_node("Identity", ("t",), ("w",))],
        "body",
        [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [2]) for n in ("s", "v")],
        [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [2]) for n in ("t", "w")],
    )
    graph = helper.make_graph(
        [helper.make_node("Scan", ("start", "x"), ("last", "y"), body=body, num_scan_inputs=1)],
        "sums",
        [
            helper.make_tensor_value_info("start", onnx.TensorProto.FLOAT, [2]),
            helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["frames", 2]),
        ],
        [
            helper.make_tensor_value_info("last", onnx.TensorProto.FLOAT, [2]),
            helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["frames", 2]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    with pytest.raises(ExportError, match="unknown number of frames"):
        unrolled(model)


def test_without_tvm_the_line_that_installs_it(step, monkeypatch):
    monkeypatch.setitem(sys.modules, "tvm", None)
    with pytest.raises(MissingDependency, match=r"pip install 'edgeeeg\[tvm\]'"):
        TvmStep(onnx_step.emit(step), starts(step))
