"""Every operator of the set: ONNX Runtime = NumPy within tolerance, chunks = NumPy = C to the last bit.

Each case is a small foreign ONNX model; hops of four frames exercise the loops over time.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from layer_cases import LAYER_CASES
from operator_case import N_TIMES
from pointwise_cases import POINTWISE_CASES
from reduction_cases import REDUCTION_CASES
from shape_cases import SHAPE_CASES

from edgeeeg_export import reference
from edgeeeg_export.contract import by_step
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.ops import FROM_ONNX
from edgeeeg_export.ops.cell import Cell
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes import simplify
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets.onnx_run import run_steps
from edgeeeg_export.tensor import TensorType

OTHER_FILES = ("filter_operators", "recurrence", "scan", "select", "spectrum", "window")
HOP = 4  # the longest stride below, and several frames for everything else

CASES = POINTWISE_CASES | LAYER_CASES | SHAPE_CASES | REDUCTION_CASES


NEEDS_WINDOW = {"DepthToSpace", "GroupNormalization", "InstanceNormalization", "SpaceToDepth"}
"""Operators that look along every axis and so have no streaming form; the node tests run them."""

NEWER_THAN_THIS_OPSET = {"RMSNormalization", "Swish"}
"""Operators of later opsets than ONNX Runtime is asked for here; the node tests run them."""


def test_every_operator_of_the_set_has_a_case():
    folder = Path(__file__).parent
    elsewhere = "".join((folder / f"test_{name}.py").read_text() for name in OTHER_FILES)
    covered = {(n.domain, n.op_type) for case in CASES.values() for n in case.nodes}
    cells = {key for key, made in FROM_ONNX.items() if issubclass(getattr(made, "__self__", object), Cell)}
    uncovered = set(FROM_ONNX) - covered - cells  # test_cells.py has a case for every cell
    missing = {name for domain, name in uncovered if f'"{name}"' not in elsewhere}
    assert missing == NEEDS_WINDOW | NEWER_THAN_THIS_OPSET


@pytest.mark.parametrize("name", CASES)
def test_operator_is_the_same_everywhere(name, onnx_model, counts, as_input, native):
    case = CASES[name]
    model = onnx_model(case.nodes, case.weights, shape=(1, case.n_chans, N_TIMES))
    offline = simplify(import_onnx(model, "op"))
    samples = counts(N_TIMES, case.n_chans)
    x = as_input(samples)
    truth = reference.run(offline, {"x": x}).tensors["y"]

    if all(n.domain == "" for n in case.nodes):
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        (expected,) = session.run(["y"], {"x": x})
        assert expected.shape == truth.shape
        if case.exact:
            np.testing.assert_array_equal(truth, expected)
        else:
            np.testing.assert_allclose(truth, expected, rtol=2e-6, atol=2e-6)

    step = stream(offline, HOP)
    axis = step.tensors["y"].time_axis
    chunks, states = [], None
    for start in range(0, N_TIMES, HOP):
        result = reference.run(step, {"x": x[:, :, start : start + HOP]}, states)
        states = result.states
        chunks.append(result.tensors["y"])
    same_bits(np.concatenate(chunks, axis=axis), truth)
    same_bits(native(step).push(samples), by_step(truth, axis, step.tensors["y"].frames))
    in_onnxruntime = run_steps(step, {"x": x})["y"]
    np.testing.assert_allclose(in_onnxruntime, truth, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["Conv", "Linear"])
def test_a_bias_of_minus_zero_stays_minus_zero(kind, native):
    """Sums start from the bias: 0 added to it first would lose its sign in NumPy and not in C."""
    op, perm = (Conv(), (0, 1, 2)) if kind == "Conv" else (Linear(), (0, 2, 1))
    weight = np.full((1, 1, 1) if kind == "Conv" else (1, 1), -1.0, dtype=np.float32)
    nodes = (Node("turn", Transpose(perm), ("x",), ("f",)), Node("sum", op, ("f", "w", "b"), ("y",)))
    constants = {"w": weight, "b": np.array([-0.0], dtype=np.float32)}
    step = stream(Graph("zero", {"x": TensorType((1, 1, 2), 2, 1)}, ("y",), nodes, constants))
    x = np.zeros((1, 1, 1), dtype=np.float32)
    assert np.signbit(reference.run(step, {"x": x}).tensors["y"]).all()
    assert np.signbit(native(step).push(np.zeros((1, 1), dtype=np.int16))).all()


def same_bits(a, b):
    np.testing.assert_array_equal(a.view(np.uint32), b.view(np.uint32))
