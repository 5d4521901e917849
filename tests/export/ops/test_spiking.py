"""Spiking cells: torch's spikes in NumPy, reference decisions that are followed, and what a verifier asks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from cell_cases import ADAPTATION, MEMBRANE, RECURRENT

from edgeeeg_export import reference
from edgeeeg_export.errors import GraphError
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.adaptive_lif import AdaptiveLif
from edgeeeg_export.ops.firing import FIRES, RESETS
from edgeeeg_export.ops.lif import Lif
from edgeeeg_export.ops.recurrent_lif import RecurrentLif
from edgeeeg_export.ops.spiking import Spiking
from edgeeeg_export.ops.synaptic import Synaptic
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.own_nodes import operators
from edgeeeg_export.passes.force_spikes import force_spikes, forced_names, spiking
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets.onnx_run import run_steps
from edgeeeg_export.tensor import TensorType

FRAMES, N = 400, 5
ALPHA = {"alpha": np.linspace(0.1, 0.9, N, dtype=np.float32)}
CONSTANTS = {
    Lif: MEMBRANE,
    Synaptic: ALPHA | MEMBRANE,
    RecurrentLif: MEMBRANE | RECURRENT,
    AdaptiveLif: MEMBRANE | ADAPTATION,
}
OPS = [
    kind(reset, delay, fires)
    for kind in CONSTANTS
    for reset in RESETS
    for delay in ((True,) if kind is AdaptiveLif else (True, False))
    for fires in FIRES
]


def named(op: Spiking) -> str:
    return f"{op.kind} {op.reset} {'' if op.reset_delay else 'at once '}{op.fires}"


EACH = pytest.mark.parametrize("op", OPS, ids=named)


def graph(op: Spiking) -> Graph:
    constants = {name: CONSTANTS[type(op)][name] for name in op.operands[1 : op.own_operands()]}
    node = Node("cell", op, ("x", *constants), ("spikes",))
    return Graph("cell", {"x": TensorType((1, FRAMES, N), 1, 1)}, ("spikes",), (node,), constants)


def currents(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.1, 1.0, (1, FRAMES, N)).astype(np.float32)


def decided(op: Spiking, x: np.ndarray):
    return op.decide((x, *graph(op).constants.values()))


@EACH
def test_spikes_are_those_of_the_torch_operator(op):
    x = currents()
    program = graph(op)
    ours = reference.run(program, {"x": x}).tensors["spikes"]
    words = {"reset": op.reset, "fires": op.fires}
    words |= {} if op.kind == "AdaptiveLif" else {"reset_delay": op.reset_delay}
    operands = (torch.from_numpy(value) for value in (x, *program.constants.values()))
    theirs = operators()[op.kind](*operands, **words).numpy()
    assert 0.05 < ours.mean() < 0.95
    np.testing.assert_array_equal(ours, theirs)


@EACH
def test_the_own_decisions_forced_are_the_free_run_and_others_are_followed(op):
    program = graph(op)
    forced = force_spikes(program)
    x, other = currents(), currents(1)
    (name,) = spiking(program)
    now, reset = forced_names(name)
    own, strange = decided(op, x), decided(op, other)
    free = reference.run(program, {"x": x}).tensors[name]
    same = reference.run(forced, {"x": x, now: own.spikes, reset: own.reset}).tensors[name]
    np.testing.assert_array_equal(same, free)
    np.testing.assert_array_equal(own.spikes, free)
    followed = reference.run(forced, {"x": x, now: strange.spikes, reset: strange.reset}).tensors[name]
    listens = op.reset != "none" or isinstance(op, RecurrentLif | AdaptiveLif)
    assert np.array_equal(followed, free) != listens


@EACH
@pytest.mark.parametrize("hop", [1, 8])
def test_onnxruntime_follows_forced_decisions(op, hop):
    program, x, strange = graph(op), currents(), decided(op, currents(1))
    now, reset = forced_names("spikes")
    values = {"x": x, now: strange.spikes, reset: strange.reset}
    truth = reference.run(force_spikes(program), values).tensors["spikes"]
    results = run_steps(stream(force_spikes(program), hop), values)
    np.testing.assert_array_equal(results["spikes"], truth)


@pytest.mark.parametrize("kind", CONSTANTS)
def test_in_c_instances_are_apart_and_a_saved_state_goes_on(kind, native, counts, as_input):
    op = kind("zero", kind is AdaptiveLif, "at")
    turn = Node("turn", Transpose((0, 2, 1)), ("eeg",), ("x",))
    program = graph(op)
    inputs = {"eeg": TensorType((1, N, FRAMES), 2, 1)}
    step = stream(replace(program, inputs=inputs, nodes=(turn, *program.nodes)), 1)
    samples = counts(FRAMES, N)
    truth = reference.run(step, {"eeg": as_input(samples)}).tensors["spikes"][0]
    assert 0.05 < truth.mean() < 0.95
    one, other = native(step), native(step)
    first = one.push(samples[:151])
    other.push(samples[::-1][:90])  # what another instance has seen is gone once a state is restored
    other.restore(one.save())
    np.testing.assert_array_equal(first, truth[:151])
    np.testing.assert_array_equal(other.push(samples[151:]), truth[151:])
    np.testing.assert_array_equal(one.push(samples[151:]), truth[151:])


def test_margins_are_the_distance_to_the_threshold_in_its_own_unit_above_one():
    x = np.array([[[1.5], [0.0]]], dtype=np.float32)
    beta = np.zeros(1, dtype=np.float32)
    for threshold, expected in ((1.0, [0.5, 2.0]), (4.0, [0.625, 1.0])):
        level = np.full(1, threshold, dtype=np.float32)
        np.testing.assert_allclose(Lif().decide((x, beta, level)).margins.ravel(), expected)
    assert decided(Lif(), currents()).reset[0, 0].sum() == 0


def test_a_membrane_without_a_leak_carries_what_was_rounded_while_it_was_far_away():
    """A million and back: at the threshold again, rounding of a 16th may have flipped the spike."""
    one = np.ones(1, dtype=np.float32)
    for beta, margin in ((1.0, 0.0), (0.999, 0.0), (0.99, 0.01), (0.5, 0.01)):
        back = -np.float32(beta) * np.float32(1e6)
        x = np.array([[[1e6], [back], [1.01]]], dtype=np.float32)
        found = Lif("none").decide((x, beta * one, one)).margins[0, 2, 0]
        np.testing.assert_allclose(found, margin, rtol=1e-4)
    x = np.array([1e6, -1e6, *np.zeros(60)], dtype=np.float32).reshape(1, -1, 1)
    for alpha, margin in ((1.0, 0.2), (0.5, 1.0)):
        found = Synaptic("none").decide((x, alpha * one, 0.5 * one, one)).margins[0, -1, 0]
        np.testing.assert_allclose(found, margin, atol=0.2 if margin < 1 else 1e-4)
    reset = Lif("zero").decide((np.array([[[1e6], [1.01]]], dtype=np.float32), one, one))
    np.testing.assert_allclose(reset.margins.ravel()[1], 0.01, rtol=1e-4)  # nothing is left of the million


def test_an_adaptive_margin_moves_with_the_threshold():
    one, zero = np.ones(1, dtype=np.float32), np.zeros(1, dtype=np.float32)
    x = np.array([[[3.0], [0.0], [0.0]]], dtype=np.float32)
    # fired at 3 over 1: a = 1/2 and the threshold 1 + 2/2 a frame later, 1 + 2/4 after that
    half = 0.5 * one
    margins = AdaptiveLif().decide((x, zero, one, half, 2 * one)).margins.ravel()
    np.testing.assert_allclose(margins, [2.0, (2.0 + 1.0) / 2.0, 1.0])


@pytest.mark.parametrize(
    ("op", "shapes", "message"),
    [
        (Lif(), ((1, 9, 3), (3,), (2,)), r"threshold has shape \(2,\), expected \(3,\)"),
        (Lif(), ((1, 9, 3), (3,)), "it has 2 operands, expected x, beta, threshold"),
        (RecurrentLif(), ((1, 9, 3), (3,), (3,), (3,), (3,)), r"V has shape \(3,\), expected \(3, 3\)"),
        (AdaptiveLif(reset_delay=False), ((1, 9, 3), *((3,),) * 4), "use reset_delay=1"),
    ],
)
def test_operands_that_do_not_fit_are_named(op, shapes, message):
    types = (TensorType(shapes[0], 1, 1), *(TensorType(shape) for shape in shapes[1:]))
    with pytest.raises(GraphError, match=message):
        op.infer(types)
