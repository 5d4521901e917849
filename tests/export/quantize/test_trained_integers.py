"""Models that were trained in integers: the exported program gives the training's integers, every one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from edgeeeg.quantization.freeze import freeze
from edgeeeg.quantization.integers import Integers
from edgeeeg.quantization.prepare import prepare
from edgeeeg.quantization.rounding import ROUND_TO_STEPS
from edgeeeg_export import capture, reference
from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.quantize.format import Format
from edgeeeg_export.quantize.qdq_read import read_qdq

SOURCE = Path(__file__).parents[2] / "quantization" / "networks.py"
SPEC = importlib.util.spec_from_file_location("quantization_networks", SOURCE)
networks = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(networks)
N_WINDOWS = 12


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def frozen():
    """Networks after a few steps of training in integers, by name."""
    made = {}

    def train(name):
        if name not in made:
            model, x = networks.trained(name), networks.signal(8, seed=1)
            quantized = prepare(model, x, x)
            optimizer = torch.optim.Adam(quantized.parameters(), 2e-3)
            for _ in range(3):
                optimizer.zero_grad()
                (quantized(x) - 0.5).square().mean().backward()
                optimizer.step()
            made[name] = freeze(quantized)
        return made[name]

    return train


def windows_alone(lowered, x):
    """What NumPy gives for each window: its tensors and its output."""
    ((name, _),) = lowered.captured.inputs.items()
    for window in x:
        tensors = reference.run(lowered.captured, {name: window[None].numpy()}).tensors
        yield tensors, np.concatenate([tensors[output] for output in lowered.captured.outputs])


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_numpy_has_the_integers_of_the_training(name, frozen):
    model, x = frozen(name), networks.signal(N_WINDOWS, seed=2)
    values, outputs = model.model.run(x)
    lowered = lower(load_model(model).onnx_model, "m")
    compared = 0
    for k, (tensors, output) in enumerate(windows_alone(lowered, x)):
        np.testing.assert_array_equal(output.ravel(), outputs[k].numpy().ravel())
        for node, value in values.items():
            ours = tensors.get(f"{node}.int8")
            if isinstance(value, Integers) and ours is not None:
                np.testing.assert_array_equal(ours.ravel(), value.whole[k].numpy().ravel(), err_msg=node)
                compared += ours.size
    assert compared > (100_000 if name == "EEGNet" else 5_000)


@pytest.mark.parametrize("name", ["Mamba", "GRU", "gates"])
def test_c_streams_the_same(name, frozen, native, as_input, counts):
    model = frozen(name)
    lowered = lower(load_model(model).onnx_model, "m")
    samples = counts(networks.N_TIMES, networks.N_CHANS)
    (outputs,) = model(torch.from_numpy(as_input(samples))).numpy()
    if name == "gates":
        outputs = outputs.T
    program = native(lowered.step)
    pieces = [program.push(piece) for piece in np.split(samples, [5, 60])]
    in_c = np.concatenate([*pieces, program.flush(lowered.step.timing.flush + 1)])
    behind = len(in_c) - len(outputs)  # steps that wait for what lies ahead give nothing at the start
    np.testing.assert_array_equal(in_c[behind:], outputs)


@pytest.mark.parametrize("name", ["EEGNet", "GRU"])
def test_a_traced_model_rounds_where_it_says(name, frozen):
    model = frozen(name)
    qdq = read_qdq(load_model(model).onnx_model)
    scales = {
        node: value.scale
        for node, value in model.model.run(networks.signal(1))[0].items()
        if isinstance(value, Integers)
    }
    first = "conv2d" if name == "EEGNet" else "conv1d"
    assert qdq.formats[first] == Format("int8", scales[first].item())
    assert qdq.weights[first].shape == (8,)
    if name == "GRU":
        (hidden,) = qdq.hidden
        assert qdq.formats[hidden] == Format("int8", scales["getitem"].item())


def test_a_frozen_model_is_what_it_was_and_says_what_the_trained_one_said(frozen):
    model, x = frozen("EEGNet"), networks.signal(2)
    before = model(x)
    assert (model.n_chans, model.n_times, model.sfreq) == (4, 192, 128.0)
    assert not any(parameter.requires_grad for parameter in model.parameters())
    torch.testing.assert_close(model(x), before, rtol=0, atol=0)


def test_formats_beside_those_of_the_model_are_refused(frozen):
    model: onnx.ModelProto = load_model(frozen("gates")).onnx_model
    with pytest.raises(QuantizationError):
        lower(model, "m", formats={"x": Format("int8", 1.0)})


def test_integers_are_compared_with_the_model_of_floats(frozen):
    model = frozen("Mamba")
    converted = capture.to_onnx(capture.trace(model, networks.N_CHANS, networks.N_TIMES))
    kept = [node for node in converted.program.graph.nodes if node.target is ROUND_TO_STEPS]
    assert len(kept) == 7  # of the weights of seven layers
    assert sum(node.op_type == "QuantizeLinear" for node in converted.model.graph.node) > 15
