"""Recurrences that carried integers in training: the exported program makes the same ones, NumPy and C."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from edgeeeg.cells.quantized_selective_scan import ScanFormat, quantize_params
from edgeeeg.cells.selective_scan import ScanParams
from edgeeeg.quantization.freeze import freeze
from edgeeeg.quantization.integers import Integers
from edgeeeg.quantization.prepare import prepare
from edgeeeg.quantization.state_in_steps import STATE_IN_STEPS, state_in_steps
from edgeeeg_export import capture, reference
from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.quantize.format import Format
from edgeeeg_export.quantize.qdq_read import read_qdq

SOURCE = Path(__file__).parents[2] / "quantization" / "networks.py"
SPEC = importlib.util.spec_from_file_location("quantization_cell_networks", SOURCE)
networks = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(networks)
N_WINDOWS = 12
FORMS = {
    "LIF": {"QuantizedLif": 2},
    "Mamba": {"QuantizedSelectiveScan": 1},
    "RWKV": {"QuantizedWkv4": 1, "QuantizedAffine": 5},
    "windows": {"QuantizedSelectiveScan": 2, "QuantizedMean": 2, "QuantizedAffine": 1},
}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def frozen():
    """Networks after a few steps of training with integer states, by name, and their programs."""
    made = {}

    def train(name, states="int16"):
        if (name, states) not in made:
            model, x = networks.trained(name), networks.signal(8, seed=1)
            quantized = prepare(model, x, x, states=states)
            optimizer = torch.optim.Adam(quantized.parameters(), 2e-3)
            for _ in range(3):
                optimizer.zero_grad()
                (quantized(x) - 0.5).square().mean().backward()
                optimizer.step()
            model = freeze(quantized)
            semantics = "windowed" if name == "windows" else "continuous"
            made[name, states] = model, lower(load_model(model).onnx_model, "m", semantics=semantics)
        return made[name, states]

    return train


@pytest.mark.parametrize("name", FORMS)
def test_numpy_has_the_integers_of_the_training(name, frozen):
    (model, lowered), x = frozen(name), networks.signal(N_WINDOWS, seed=2)
    kinds = [node.op.kind for node in lowered.captured.nodes]
    assert {kind: kinds.count(kind) for kind in FORMS[name]} == FORMS[name]
    assert kinds.count("DequantizeLinear") == 1  # of the output: nothing in between is float32
    values, outputs = model.model.run(x)
    ((source, _),) = lowered.captured.inputs.items()
    compared = 0
    for k, window in enumerate(x):
        tensors = reference.run(lowered.captured, {source: window[None].numpy()}).tensors
        for node, value in values.items():
            ours = tensors.get(f"{node}.int8")
            if isinstance(value, Integers) and ours is not None:
                np.testing.assert_array_equal(ours.ravel(), value.whole[k].numpy().ravel(), err_msg=node)
                compared += ours.size
        (output,) = lowered.captured.outputs
        np.testing.assert_array_equal(tensors[output].ravel(), outputs[k].numpy().ravel())
    assert compared > {"LIF": 10_000, "Mamba": 50_000, "RWKV": 90_000, "windows": 100_000}[name]


def test_a_state_of_int32_is_that_of_the_training_too(frozen):
    (model, lowered), x = frozen("RWKV", "int32"), networks.signal(4, seed=2)
    ((source, _),) = lowered.captured.inputs.items()
    (cell,) = (node for node in lowered.captured.nodes if node.op.kind == "QuantizedWkv4")
    assert lowered.captured.states[cell.name][0].dtype == "int32"
    expected = model.model.run(x)[0]["wkv4"].whole
    for k, window in enumerate(x):
        y = reference.run(lowered.captured, {source: window[None].numpy()}).tensors[cell.outputs[0]]
        np.testing.assert_array_equal(y.ravel(), expected[k].numpy().ravel())


def test_rates_of_decay_are_made_of_the_floats_of_the_training(frozen):
    """Torch's exp of a parameter and NumPy's differ in the last bit, which 31 bits of a rate show."""
    model, lowered = frozen("Mamba")
    seen, layer = model.model.silent(), model.model.layers["at_selective_scan"]
    u, delta, a, b, c, d = (seen[name] for name in model.model.operands["selective_scan"])
    scales = [float(each.scale) for each in (u, delta, b, c)]
    y_scale = float(seen["selective_scan"].scale)
    formats = ScanFormat(*scales, layer.states.wish("h"), y_scale, layer.states.width)
    expected = quantize_params(ScanParams(a, d), formats)
    (cell,) = (node for node in lowered.captured.nodes if node.op.kind == "QuantizedSelectiveScan")
    constants = lowered.captured.constants
    np.testing.assert_array_equal(constants[cell.inputs[2]], expected.rate.numpy())
    np.testing.assert_array_equal(constants[cell.inputs[5]], expected.through.numpy())
    assert (cell.op.core.drive, cell.op.core.read) == (expected.drive, expected.read)


@pytest.mark.parametrize("name", ["LIF", "Mamba", "RWKV"])
def test_c_streams_the_same(name, frozen, native, as_input, counts):
    model, lowered = frozen(name)
    samples = counts(4 * networks.N_TIMES, networks.N_CHANS)
    (outputs,) = model.model(torch.from_numpy(as_input(samples))).numpy()
    program = native(lowered.step)
    pieces = [program.push(piece) for piece in np.split(samples, [5, 60])]
    in_c = np.concatenate([*pieces, program.flush(lowered.step.timing.flush + 1)])
    behind = len(in_c) - len(outputs)  # steps that wait for what lies ahead give nothing at the start
    np.testing.assert_array_equal(in_c[behind:], outputs)


def test_c_gives_the_same_for_each_window(frozen, native, as_input, counts):
    model, lowered = frozen("windows")
    ((_, type_),) = lowered.step.inputs.items()
    n, hop = networks.N_TIMES, type_.frames
    samples = counts(n + 9 * hop, networks.N_CHANS)
    starts = range(0, len(samples) - n + 1, hop)
    x = np.concatenate([as_input(samples[start : start + n]) for start in starts])
    expected = model(torch.from_numpy(x)).numpy()
    in_c = native(lowered.step).push(samples)
    assert len(expected) == 10
    np.testing.assert_array_equal(in_c[-len(expected) :], expected)


def test_formats_of_states_travel_behind_their_cell_and_leave_with_the_pairs(frozen):
    model, lowered = frozen("RWKV")
    taken = read_qdq(load_model(model).onnx_model)
    states = model.model.layers["at_wkv4"].states
    expected = {f"wkv4:{name}": Format("int16", states.wish(name)) for name in ("num", "den")}
    assert taken.states == expected
    assert not any(node.op_type == "StateInSteps" for node in taken.model.graph.node)
    assert {name: lowered.quantized.formats[name] for name in expected} == expected


def test_a_state_in_other_steps_than_integers_have_is_refused(frozen):
    model: onnx.ModelProto = load_model(frozen("LIF")[0]).onnx_model
    broken = onnx.ModelProto()
    broken.CopyFrom(model)
    node = next(node for node in broken.graph.node if node.op_type == "StateInSteps")
    next(each for each in node.attribute if each.name == "width").s = b"int8"
    with pytest.raises(QuantizationError, match=r"state 'lif:mem' is carried as int8 .* int16 or int32"):
        read_qdq(broken)


def test_integers_are_compared_with_cells_that_carry_floats(frozen):
    converted = capture.to_onnx(capture.trace(frozen("RWKV")[0], networks.N_CHANS, networks.N_TIMES))
    assert not [node for node in converted.program.graph.nodes if node.target is STATE_IN_STEPS]
    assert sum(node.op_type == "StateInSteps" for node in converted.model.graph.node) == 2


def test_saying_a_states_steps_changes_nothing():
    y = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(state_in_steps(y, "mem", "int16", 0.1), y, rtol=0, atol=0)


def test_a_program_on_file_finds_what_a_frozen_model_says():
    check = "import torch; from edgeeeg_export.own_nodes import register_operators as r; r(); "
    check += "torch.ops.edgeeeg.state_in_steps.default, torch.ops.edgeeeg.round_to_steps.default"
    subprocess.run([sys.executable, "-c", check], check=True)
