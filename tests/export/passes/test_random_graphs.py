"""Random graphs of the operator set: in any chunks, flushed, and as C, they equal one offline pass.

Hypothesis draws 160 graphs for the chunks, 120 for C, 60 that end with windows of time, 60 for the memory
plan, and `test_random_windows.py` 80 more; it is derandomized, and prints the example that fails.
"""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from random_graph import classifiers, graphs

from edgeeeg_export import reference
from edgeeeg_export.contract import stack_outputs
from edgeeeg_export.passes.plan import ARENA, plan
from edgeeeg_export.passes.stream import natural_hop, stream

N_STEPS = 13
OPTIONS = {"derandomize": True, "deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=160, **OPTIONS)
@given(graph=graphs(), times=st.sampled_from((1, 1, 2, 3)))
def test_every_chunking_equals_one_offline_pass(graph, times, streamed_as_offline):
    note(str(graph.nodes))
    step = stream(graph, times * natural_hop(graph))
    streamed_as_offline(graph, step, N_STEPS + step.timing.delay, seed=times)


def in_c(step, model, samples, data):
    """The outputs of a compiled program that is pushed any number of samples at a time, and flushed."""
    rows, at = [], 0
    while at < len(samples):
        pushed = data.draw(st.integers(1, 2 * len(samples) // 3))
        rows.append(model.push(samples[at : at + pushed]))
        at += pushed
    return np.concatenate([*rows, model.flush(step.timing.flush + 1)])


def hold_c_to_the_offline_pass(graph, times, data, counts, as_input, native):
    note(str(graph.nodes))
    step = stream(graph, times * natural_hop(graph))
    (type_,) = step.inputs.values()
    samples = counts((N_STEPS + step.timing.delay) * type_.frames, type_.shape[1], seed=times)
    truth = stack_outputs(step, reference.run(graph, {"x": as_input(samples)}).tensors)
    # frames that fill no step are lost
    spare = data.draw(st.integers(0, type_.frames - 1))
    pushed = np.concatenate([samples, samples[:spare]])
    outputs = in_c(step, native(step), pushed, data)
    assert outputs.shape == truth.shape
    np.testing.assert_array_equal(outputs.view(np.uint32), truth.view(np.uint32))


@settings(max_examples=120, **OPTIONS)
@given(graph=graphs(), times=st.sampled_from((1, 1, 2, 3)), data=st.data())
def test_c_pushed_any_number_of_samples_equals_numpy(graph, times, data, counts, as_input, native):
    hold_c_to_the_offline_pass(graph, times, data, counts, as_input, native)


@settings(max_examples=60, **OPTIONS)
@given(graph=classifiers(), times=st.sampled_from((1, 1, 2, 3)), data=st.data())
def test_windows_at_the_end_equal_the_offline_pass(
    graph, times, data, streamed_as_offline, counts, as_input, native
):
    step = stream(graph, times * natural_hop(graph))
    streamed_as_offline(graph, step, N_STEPS + step.timing.delay, seed=times)
    hold_c_to_the_offline_pass(graph, times, data, counts, as_input, native)


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(graph=graphs())
def test_plan_never_lets_live_tensors_overlap(graph):
    step = stream(graph)
    memory = plan(step)
    holder: dict[int, str] = {}
    for node in step.nodes:
        for name in node.inputs:
            if name in memory.places and memory.places[name].memory == ARENA:
                assert not clobbered(holder, step, memory, name), f"{name} was overwritten before {node.name}"
        for name in node.outputs:
            place = memory.places[name]
            if place.memory == ARENA:
                end = place.offset + step.tensors[name].nbytes
                assert place.offset >= 0
                assert end <= memory.arena
                if node.name not in memory.views:
                    holder.update(dict.fromkeys(range(place.offset, end), root(step, memory, name)))
    for name in step.outputs:
        if memory.places[name].memory == ARENA:
            assert not clobbered(holder, step, memory, name)
    assert memory.lower_bound <= memory.arena


def root(step, memory, name):
    """The tensor whose computation wrote the memory of `name`: itself, or what it is a view of."""
    maker = next(node for node in step.nodes if name in node.outputs)
    return root(step, memory, maker.inputs[0]) if maker.name in memory.views else name


def clobbered(holder, step, memory, name):
    place = memory.places[name]
    writer = root(step, memory, name)
    return any(holder[i] != writer for i in range(place.offset, place.offset + step.tensors[name].nbytes))
