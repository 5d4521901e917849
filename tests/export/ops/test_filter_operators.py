"""Biquad, running statistics and Interleave: torch's numbers, and the same bits in chunks, steps and C."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from onnx import helper
from scipy.signal import butter, iirnotch, sosfilt, tf2sos

from edgeeeg.cells import biquad, exponential_moving_average, running_z_score
from edgeeeg.layers.interleave import weave
from edgeeeg_export import reference
from edgeeeg_export.contract import by_step
from edgeeeg_export.errors import GraphError, UnsupportedOperator
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.ops import DOMAIN
from edgeeeg_export.ops.biquad import Biquad
from edgeeeg_export.ops.interleave import Interleave
from edgeeeg_export.ops.running_z_score import RunningZScore
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets.onnx_run import run_steps
from edgeeeg_export.tensor import TensorType

N_CHANS, N_TIMES, SFREQ = 3, 48, 256.0
SOS = np.concatenate(
    [
        butter(3, (0.5, 40.0), btype="bandpass", fs=SFREQ, output="sos"),
        tf2sos(*iirnotch(50.0, 30.0, fs=SFREQ)),
    ]
)
COEFFICIENTS = biquad.delta_coefficients(SOS).astype(np.float32)
ALPHA = np.array([0.07], dtype=np.float32)


def in_torch(op_type, x):
    """What the layer's own custom operator computes."""
    x, alpha = torch.from_numpy(x), torch.from_numpy(ALPHA)
    if op_type == "Biquad":
        return biquad.biquad(x, torch.from_numpy(COEFFICIENTS)).numpy()
    if op_type == "RunningZScore":
        return running_z_score.running_z_score(x, alpha, 0.01).numpy()
    return exponential_moving_average.exponential_moving_average(x, alpha).numpy()


def model(op_type, onnx_model):
    second = {"k": COEFFICIENTS} if op_type == "Biquad" else {"k": ALPHA}
    attributes = {"epsilon": 0.01} if op_type == "RunningZScore" else {}
    node = helper.make_node(op_type, ["x", "k"], ["y"], domain=DOMAIN, **attributes)
    return import_onnx(onnx_model([node], second, shape=(1, N_CHANS, N_TIMES)), "op")


def same_bits(a, b):
    np.testing.assert_array_equal(a.view(np.uint32), b.view(np.uint32))


@pytest.mark.parametrize("op_type", ["Biquad", "ExponentialMovingAverage", "RunningZScore"])
@pytest.mark.parametrize("hop", [1, 4])
def test_torch_numpy_c_and_onnxruntime_agree(op_type, hop, onnx_model, counts, as_input, native):
    graph, samples = model(op_type, onnx_model), counts(N_TIMES, N_CHANS)
    x = as_input(samples)
    truth = reference.run(graph, {"x": x}).tensors["y"]
    # the square root of a vector is a last bit off in torch
    np.testing.assert_allclose(truth, in_torch(op_type, x), rtol=3e-7, atol=0)
    step = stream(graph, hop)
    same_bits(native(step).push(samples), by_step(truth, 2, hop))
    np.testing.assert_allclose(run_steps(step, {"x": x})["y"], truth, rtol=3e-7, atol=0)


@pytest.mark.parametrize("op_type", ["Biquad", "ExponentialMovingAverage", "RunningZScore"])
@pytest.mark.parametrize("chunk", [1, 3, 7, N_TIMES])
def test_the_state_goes_from_call_to_call(op_type, chunk, onnx_model, counts, as_input):
    graph, x = model(op_type, onnx_model), as_input(counts(N_TIMES, N_CHANS))
    truth = reference.run(graph, {"x": x}).tensors["y"]
    states, pieces = None, []
    for start in range(0, N_TIMES, chunk):
        result = reference.run(stream(graph), {"x": x[:, :, start : start + chunk]}, states)
        states = result.states
        pieces.append(result.tensors["y"])
    same_bits(np.concatenate(pieces, axis=2), truth)


@pytest.mark.parametrize("n_chans", [1, 2])
def test_what_an_operator_reads_it_leaves_as_it_is(n_chans, counts, as_input):
    x = as_input(counts(N_TIMES, n_chans))
    before = x.copy()
    memory = np.ones((n_chans, len(COEFFICIENTS), 2), dtype=np.float32)
    Biquad().run((x, COEFFICIENTS), (memory,))
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(memory, 1.0)


DESIGNS = {
    "0.5 to 40 Hz": butter(4, (0.5, 40.0), btype="bandpass", fs=SFREQ, output="sos"),
    "0.1 to 40 Hz": butter(4, (0.1, 40.0), btype="bandpass", fs=SFREQ, output="sos"),
    "notch at 50 Hz": tf2sos(*iirnotch(50.0, 30.0, fs=SFREQ)),
}


MICROVOLTS_PER_COUNT = 0.25


def over_ten_minutes(sos, native, offset):
    """Error in µV of the C against scipy in float64, for EEG of 30 µV (SD) on an offset, 0.25 µV a count.

    A minute of saturation and ten of silence follow; the last output and the saved state are returned too.
    At 0.25 µV an int16 reaches 8.2 mV, so that nothing wraps under an offset of 4 mV.
    """
    n_times, second = round(600 * SFREQ), round(SFREQ)
    noise = np.random.default_rng(0).standard_normal(n_times)
    eeg = sosfilt(butter(1, (1.0, 30.0), btype="bandpass", fs=SFREQ, output="sos"), noise)
    microvolts = 30 * eeg / eeg.std() + offset
    counts = np.concatenate(
        [np.round(microvolts / MICROVOLTS_PER_COUNT), np.full(60 * second, 32767), np.zeros(600 * second)]
    ).astype(np.int16)
    constants = {"k": biquad.delta_coefficients(sos).astype(np.float32)}
    nodes = (Node("filter", Biquad(), ("x", "k"), ("y",)),)
    graph = Graph("filter", {"x": TensorType((1, 1, 256), 2, 1)}, ("y",), nodes, constants)
    program = native(stream(graph, 256))
    in_c = program.push(counts[:, None]).ravel()
    lsb = 2.0**-9  # what the fixture compiles with
    truth = sosfilt(sos, counts * lsb)
    return (in_c - truth) * (MICROVOLTS_PER_COUNT / lsb), in_c[-1], program.save()


@pytest.mark.parametrize(
    ("name", "offset", "bound", "saturated"),
    [
        ("0.5 to 40 Hz", 0.0, 5e-5, 8e-3),
        ("0.5 to 40 Hz", 4000.0, 5e-3, 1.2e-2),
        ("0.1 to 40 Hz", 4000.0, 8e-3, 4e-2),
        ("notch at 50 Hz", 4000.0, 8e-3, 1.2e-2),
    ],
)
def test_float32_in_c_stays_with_float64_for_ten_minutes(name, offset, bound, saturated, native):
    """Within a thirtieth of a count under an offset of 4 mV, a sixth from saturation on, then at rest."""
    error, last, saved = over_ten_minutes(DESIGNS[name], native, offset)
    assert 0 < np.abs(error[: round(600 * SFREQ)]).max() < bound
    assert np.abs(error).max() < saturated
    assert last == 0.0
    memory = np.frombuffer(saved[16:], dtype="<f4")[256:]
    assert memory.size == 2 * len(DESIGNS[name])
    assert not memory.any()


@pytest.mark.parametrize("phases", [2, 3])
def test_interleaved_phases_are_one_signal_of_a_higher_rate(phases, onnx_model, counts, as_input, native):
    nodes = [
        helper.make_node("Unsqueeze", ["x", "axis"], ["image"]),
        helper.make_node("Conv", ["image", "w"], ["phases"], strides=[1, 4]),
        helper.make_node("Interleave", ["phases"], ["y"], domain=DOMAIN),
    ]
    taps = np.arange(4 * phases, dtype=np.float32).reshape(phases, 1, 1, 4)
    weights = {"axis": np.array([1]), "w": taps}
    graph = import_onnx(onnx_model(nodes, weights, shape=(1, N_CHANS, N_TIMES)), "woven")
    assert graph.tensors["y"] == TensorType((1, N_CHANS, N_TIMES // 4 * phases), 2, Fraction(4, phases))
    samples = counts(N_TIMES, N_CHANS)
    result = reference.run(graph, {"x": as_input(samples)}).tensors
    np.testing.assert_array_equal(result["y"], weave(torch.from_numpy(result["phases"])).numpy())
    step = stream(graph, 8)
    same_bits(native(step).push(samples), by_step(result["y"], 2, 2 * phases))
    np.testing.assert_allclose(run_steps(step, {"x": as_input(samples)})["y"], result["y"], rtol=1e-5)


def test_what_does_not_fit_is_refused(onnx_model):
    x, alpha = TensorType((1, 3, 8), 2, 1), TensorType((1,))
    with pytest.raises(GraphError, match=r"expects \(1, channels, time\), not \(1, 8, 3\)"):
        Biquad().infer((TensorType((1, 8, 3), 1, 1), TensorType((2, 5))))
    with pytest.raises(GraphError, match=r"coefficients are \(2, 6\); expected five"):
        Biquad().infer((x, TensorType((2, 6))))
    with pytest.raises(GraphError, match=r"alpha is \(3,\); expected \(1,\)"):
        RunningZScore(0.1).infer((x, TensorType((3,))))
    with pytest.raises(GraphError, match=r"\(1, channels, time\), not \(2, 3, 8\)"):
        RunningZScore(0.1).infer((TensorType((2, 3, 8), 2, 1), alpha))
    with pytest.raises(GraphError, match=r"\(1, phases, channels, time\), not \(1, 3, 8\)"):
        Interleave().infer((x,))
    node = helper.make_node("RunningZScore", ["x", "k"], ["y"], domain=DOMAIN)
    with pytest.raises(UnsupportedOperator, match=r"its epsilon is 0.0; silence needs one above 0"):
        import_onnx(onnx_model([node], {"k": ALPHA}, shape=(1, N_CHANS, N_TIMES)), "op")
