"""Random padded nets with windowed semantics: every window equals the offline graph on it alone."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from random_graph import STATELESS, classifiers

from edgeeeg_export import reference
from edgeeeg_export.contract import by_step
from edgeeeg_export.ops.windows import Windows
from edgeeeg_export.passes.exact_windows import exact_windows
from edgeeeg_export.passes.stream import at_hop, stream

N_WINDOWS, WINDOW = 5, 96


@settings(max_examples=80, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(graph=classifiers(STATELESS, whole=True), data=st.data())
def test_every_window_equals_the_offline_graph_on_it(
    graph, data, streamed_as_offline, counts, as_input, native
):
    """In NumPy, over all windows at once and streamed in chunks, and in C."""
    note(str(graph.nodes))
    (source,) = (node.inputs[0] for node in graph.nodes if isinstance(node.op, Windows))
    frame = int(graph.tensors[source].samples_per_frame)
    hop = frame * data.draw(st.integers(1, -(-WINDOW // frame)))
    graph = at_hop(graph, hop)
    exact = exact_windows(graph)
    step = stream(exact, hop)
    n_steps = -(-WINDOW // hop) + N_WINDOWS - 1
    samples = counts(n_steps * hop, graph.inputs["x"].shape[1], seed=hop)
    x = as_input(samples)
    (name,) = graph.outputs
    windows = by_step(reference.run(exact, {"x": x}).tensors[name], step.tensors[name].time_axis, 1)
    assert len(windows) == N_WINDOWS
    for k, window in enumerate(windows):
        alone = reference.run(graph, {"x": x[:, :, k * hop : k * hop + WINDOW]}).tensors[name]
        np.testing.assert_array_equal(window.view(np.uint32), alone.ravel().view(np.uint32))
    streamed_as_offline(exact, step, n_steps, seed=hop)
    model = native(step)
    outputs = np.concatenate([model.push(samples), model.flush(step.timing.flush + 1)])
    np.testing.assert_array_equal(outputs.view(np.uint32), windows.view(np.uint32))
