"""One step in standard ONNX: states go in and come out under known names."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import onnx
import onnx.inliner

from edgeeeg_export import reference
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets import onnx_step
from edgeeeg_export.targets.onnx_run import run_steps

TESTS = Path(__file__).parents[2]


def golden_graph():
    return runpy.run_path(str(TESTS / "update_golden.py"))["graph"]()


def test_a_cell_is_one_node_with_a_function_of_standard_operators_and_states_at_the_border():
    step = stream(golden_graph(), 4)
    model = onnx_step.emit(step, expose=("hidden",))
    onnx.checker.check_model(model, full_check=True)
    (lif,) = model.functions
    assert (lif.domain, lif.name) == ("edgeeeg", "LifStep")
    assert list(lif.input) == ["x", "beta", "threshold", "mem"]
    assert list(lif.output) == ["spikes", "mem_next"]
    assert {node.domain for node in lif.node} == {""}
    inlined = onnx.inliner.inline_local_functions(model)
    assert {node.domain for node in inlined.graph.node} == {""}
    assert not inlined.functions
    states = [state.name for state in step.all_states()]
    assert [v.name for v in model.graph.input] == ["eeg", *states]
    assert [v.name for v in model.graph.output] == ["score", "hidden", *(f"{s}.next" for s in states)]


def test_the_same_graph_gives_the_same_bytes():
    first, second = (onnx_step.emit(stream(golden_graph())) for _ in range(2))
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(deterministic=True)


def test_states_fed_back_equal_one_offline_pass(counts, as_input):
    offline = golden_graph()
    x = as_input(counts(80, 2))
    truth = reference.run(offline.with_frames(80), {"eeg": x}).tensors
    for hop in (2, 8):
        results = run_steps(stream(offline, hop), {"eeg": x}, expose=("hidden", "score"))
        assert set(results) == {"score", "hidden"}
        for name, value in results.items():
            np.testing.assert_allclose(value, truth[name], rtol=1e-5, atol=1e-5)
