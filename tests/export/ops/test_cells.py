"""Each cell: its own kernel, the function that its node carries, and ONNX Runtime's reading of that."""

from __future__ import annotations

import inspect

import numpy as np
import onnx
import onnx.inliner
import pytest
from cell_cases import CASES, FRAMES
from onnx import numpy_helper

from edgeeeg_export import ops, reference
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.ops.cell import Cell
from edgeeeg_export.ops.scan import Scan
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets import onnx_step
from edgeeeg_export.targets.c_function import emit_function
from edgeeeg_export.targets.native_function import NativeFunctions
from edgeeeg_export.targets.onnx_run import run_steps


def same_bits(a, b):
    np.testing.assert_array_equal(a.view(np.uint32), b.view(np.uint32))


def from_rest(graph):
    """The step model over all frames with the initial states as constants: a Scan over the function."""
    model = onnx_step.emit(graph)
    states = {state.name: state for state in graph.all_states()}
    kept = [value for value in model.graph.input if value.name not in states]
    results = [value for value in model.graph.output if value.name in graph.outputs]
    del model.graph.input[:], model.graph.output[:]
    model.graph.input.extend(kept)
    model.graph.output.extend(results)
    model.graph.initializer.extend(
        numpy_helper.from_array(state.start(), name) for name, state in states.items()
    )
    return import_onnx(model, "body", streaming=False)


def test_every_cell_of_the_set_is_a_case():
    made = {entry.__self__ for entry in ops.FROM_ONNX.values() if inspect.ismethod(entry)}
    cells = {kind for kind in made if issubclass(kind, Cell)}
    assert cells == {type(case.op) for case in CASES.values()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_function_of_its_node_computes_the_same_bits(case, tmp_path):
    graph = case.graph()
    body = from_rest(graph)
    assert any(isinstance(node.op, Scan) for node in body.nodes)
    compiled = NativeFunctions([emit_function(body)], tmp_path)
    for scale in (1.0, 1e4, 0.0):
        values = case.values(scale=scale)
        truth = reference.run(graph, values).tensors
        computed, in_c = reference.run(body, values).tensors, compiled.run("body", values)
        for name in graph.outputs:
            assert np.isfinite(truth[name]).all()
            same_bits(computed[name], truth[name])
            same_bits(in_c[name], truth[name])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("hop", [1, 8])
def test_onnxruntime_runs_the_step(case, hop):
    graph, values = case.graph(), case.values(1)
    truth = reference.run(graph, values).tensors
    results = run_steps(stream(graph, hop), values)
    for name in graph.outputs:
        np.testing.assert_allclose(results[name], truth[name], rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("chunk", [1, 3, 7, FRAMES])
def test_chunks_equal_the_whole(case, chunk):
    graph, values = case.graph(), case.values(2)
    truth = reference.run(graph, values).tensors
    axes = {name: type_.time_axis for name, type_ in graph.inputs.items()}
    states, pieces = None, []
    for start in range(0, FRAMES, chunk):
        stop = min(start + chunk, FRAMES)
        part = {name: np.take(value, range(start, stop), axes[name]) for name, value in values.items()}
        result = reference.run(graph, part, states)
        states = result.states
        pieces.append(result.tensors)
    for name in graph.outputs:
        axis = graph.tensors[name].time_axis
        same_bits(np.concatenate([piece[name] for piece in pieces], axis), truth[name])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_inliner_leaves_standard_operators(case):
    model = onnx_step.emit(stream(case.graph(), 1))
    (function,) = model.functions
    assert {node.domain for node in function.node} == {""}
    inlined = onnx.inliner.inline_local_functions(model)
    assert {node.domain for node in inlined.graph.node} == {""}
