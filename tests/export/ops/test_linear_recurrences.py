"""S4D, RWKV and linear attention beside Mamba: one result in NumPy, C and ONNX, finite whatever comes in.

The definitions that they are held to are sums over the past in float64, without a recurrence.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from operator_case import i64, node
from recurrence_case import OPERANDS, RECURRENCES
from torch import nn

from edgeeeg_export import reference
from edgeeeg_export.contract import by_step
from edgeeeg_export.errors import GraphError
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.ops import sequences
from edgeeeg_export.ops.linear_attention import LinearAttention
from edgeeeg_export.ops.s4d import S4d
from edgeeeg_export.ops.selective_scan import SelectiveScan
from edgeeeg_export.ops.wkv4 import Wkv4
from edgeeeg_export.ops.wkv6 import Wkv6
from edgeeeg_export.own_nodes import operators
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets.onnx_run import run_steps
from edgeeeg_export.tensor import TensorType

N_TIMES = 84  # whole hops of 1, 3, 7 and itself
LOUD = 1e4
FLUSHED = 2.0**-80
WINDOW, HOP = 24, 8


def same_bits(a, b):
    np.testing.assert_array_equal(a.view(np.uint32), b.view(np.uint32))


def graph_of(kind, onnx_model, peak=4.0):
    return import_onnx(RECURRENCES[kind].model(onnx_model, peak, N_TIMES), "op")


def recordings(counts, n_chans, n_times=N_TIMES):
    """Noise, silence, noise that ends in silence, and full-range noise, steps and spikes."""
    noise = counts(n_times, n_chans)
    ending = noise.copy()
    ending[n_times // 3 :] = 0
    rng = np.random.default_rng(1)
    loud = rng.choice(np.array([-32768, 0, 32767], np.int16), (n_times, n_chans))
    loud[: n_times // 2] = rng.integers(-32768, 32768, (n_times // 2, n_chans))
    return {"noise": noise, "silence": np.zeros_like(noise), "ending": ending, "loud": loud}


@pytest.mark.parametrize("kind", RECURRENCES)
@pytest.mark.parametrize("hop", [1, 3, 7, N_TIMES])
def test_numpy_c_and_onnxruntime_agree_at_every_hop(kind, hop, onnx_model, counts, as_input, native):
    for peak in (4.0, LOUD):
        graph = graph_of(kind, onnx_model, peak)
        step = stream(graph, hop)
        program = native(step)
        for name, samples in recordings(counts, RECURRENCES[kind].n_chans).items():
            x = as_input(samples)
            truth = reference.run(graph, {"x": x}).tensors["y"]
            assert np.isfinite(truth).all(), name
            same_bits(reference.run_stream(step, {"x": x}, 1)["y"], truth)
            program.reset()
            pieces = [program.push(piece) for piece in np.split(samples, [5, 40])]
            same_bits(np.concatenate(pieces), by_step(truth, 1, hop))
            bound = 3e-5 * max(1.0, np.abs(truth).max())
            np.testing.assert_allclose(run_steps(step, {"x": x})["y"], truth, rtol=3e-5, atol=bound)


@pytest.mark.parametrize("kind", RECURRENCES)
def test_a_saved_state_continues_in_another_instance(kind, onnx_model, counts, native):
    step = stream(graph_of(kind, onnx_model), 3)
    samples = counts(N_TIMES, RECURRENCES[kind].n_chans)
    first, second = native(step), native(step)
    whole = first.push(samples)
    first.reset()
    first.push(samples[:42])
    saved = first.save()
    second.push(samples[-9:])  # what the other has heard does not matter
    second.restore(saved)
    same_bits(second.push(samples[42:]), whole[14:])
    same_bits(first.push(samples[42:]), whole[14:])


@pytest.mark.parametrize("kind", RECURRENCES)
def test_frames_come_in_blocks_without_a_seam(kind, onnx_model, counts, as_input, monkeypatch):
    graph = graph_of(kind, onnx_model)
    x = as_input(counts(N_TIMES, RECURRENCES[kind].n_chans))
    whole = reference.run(graph, {"x": x})
    monkeypatch.setattr(sequences, "ELEMENTS_AT_ONCE", 100)
    blocks = reference.run(graph, {"x": x})
    same_bits(blocks.tensors["y"], whole.tensors["y"])
    for ours, theirs in zip(blocks.states.values(), whole.states.values(), strict=True):
        for mine, other in zip(ours, theirs, strict=True):
            same_bits(mine, other)


def attention_weights(decays):
    """(frames, frames, ...): the product of the decays after frame s up to t, 0 where s is later than t."""
    n = len(decays)
    weights = np.zeros((n, n, *decays.shape[1:]))
    for s in range(n):
        weights[s, s] = 1.0
        for t in range(s + 1, n):
            weights[t, s] = weights[t - 1, s] * decays[t]
    return weights


def linear_attention(q, k, v, decay):
    heads = len(decay)
    q, k, v = (x.reshape(len(x), heads, -1) for x in (q, k, v))
    kept = attention_weights(np.broadcast_to(decay, (len(q), heads)))
    return np.einsum("thk,shk,tsh,shv->thv", q, k, kept, v).reshape(len(q), -1)


def s4d(u, lambda_re, lambda_im, C_re, C_im, D):
    ages = np.arange(len(u))[:, None, None]
    kernel = ((C_re + 1j * C_im) * (lambda_re + 1j * lambda_im) ** ages).sum(-1).real  # (age, d)
    rows = [sum(kernel[t - s] * u[s] for s in range(t + 1)) for t in range(len(u))]
    return np.array(rows) + D * u


def selective_scan(u, delta, A, B, C, D):
    kept = attention_weights(np.exp(delta[:, :, None] * A))
    return np.einsum("sd,sn,tsdn,tn->td", delta * u, B, kept, C) + D * u


def wkv4(k, v, w, u):
    rows = []
    for t in range(len(k)):
        exponents = k[: t + 1] - w * (t - 1 - np.arange(t + 1))[:, None]
        exponents[t] = u + k[t]
        weight = np.exp(exponents - exponents.max(axis=0))
        rows.append((weight * v[: t + 1]).sum(axis=0) / weight.sum(axis=0))
    return np.array(rows)


def wkv6(r, k, v, w, u):
    heads = len(u)
    r, k, w, v = (x.reshape(len(x), heads, -1) for x in (r, k, w, v))
    kept = attention_weights(w)
    kept = np.concatenate([np.zeros_like(kept[:1]), kept[:-1]])  # the decay of this frame comes behind it
    past = np.einsum("thk,shk,tshk,shv->thv", r, k, kept, v)
    now = np.einsum("thk,hk,thk,thv->thv", r, u, k, v)
    return (past + now).reshape(len(r), -1)


DEFINITIONS = {
    "LinearAttention": linear_attention,
    "S4d": s4d,
    "SelectiveScan": selective_scan,
    "Wkv4": wkv4,
    "Wkv6": wkv6,
}


@pytest.mark.parametrize("kind", RECURRENCES)
def test_it_is_the_sum_over_the_past(kind, onnx_model, counts, as_input):
    graph = graph_of(kind, onnx_model)
    x = as_input(counts(N_TIMES, RECURRENCES[kind].n_chans))
    tensors = reference.run(graph, {"x": x}).tensors
    operands = [np.asarray(tensors[name], np.float64) for name in OPERANDS[kind]]
    operands = [value[0] if value.ndim == 3 else value for value in operands]
    expected = DEFINITIONS[kind](*operands)
    np.testing.assert_allclose(tensors["y"][0], expected, rtol=1e-5, atol=2e-6 * np.abs(expected).max())


class InTorch(nn.Module):
    """A cell's torch operator on slices of the features, limited as `Recurrence.nodes` does."""

    def __init__(self, kind):
        super().__init__()
        self.case, self.operator = RECURRENCES[kind], operators()[kind]
        self.n_chans, self.n_times, self.sfreq = self.case.n_chans, N_TIMES, 256.0
        for name, value in self.case.parameters.items():
            self.register_buffer(name, torch.from_numpy(value.copy()))

    def forward(self, x):
        limits = {"Softplus": nn.functional.softplus, "Sigmoid": torch.sigmoid}
        parts = x.transpose(1, 2).split(tuple(self.case.widths.values()), dim=2)
        operands = dict(self.named_buffers())
        for name, part in zip(self.case.widths, parts, strict=True):
            limit = limits[self.case.activations[name]] if name in self.case.activations else torch.clone
            operands[name] = limit(part) * 0.999
        return self.operator(*(operands[name] for name in OPERANDS[self.case.kind]))


@pytest.mark.parametrize("kind", RECURRENCES)
def test_a_torch_model_keeps_it_as_one_node_and_its_numbers(kind, counts, as_input):
    model = InTorch(kind)
    graph = load_model(model)
    captured = import_onnx(graph.onnx_model, "op")
    assert [n.op.kind for n in captured.nodes].count(kind) == 1
    for name, samples in recordings(counts, model.n_chans).items():
        x = as_input(samples)
        (y,) = (reference.run(captured, {"eeg": x}).tensors[out] for out in captured.outputs)
        expected = model(torch.from_numpy(x)).numpy()
        bound = 1e-5 * max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=bound, err_msg=name)


@pytest.mark.parametrize("kind", RECURRENCES)
def test_memories_end_before_the_subnormal_numbers(kind, onnx_model, counts, as_input, native):
    """What decays by a constant factor would stay at the smallest of them for ever; in C as in NumPy."""
    step = stream(graph_of(kind, onnx_model))
    program, n_chans = native(step), RECURRENCES[kind].n_chans
    samples = np.concatenate([counts(40, n_chans), np.zeros((4000, n_chans), np.int16)])
    states, least = None, np.inf
    for start in range(0, len(samples), 40):
        piece = samples[start : start + 40]
        result = reference.run(step, {"x": as_input(piece)}, states)
        states = result.states
        same_bits(program.push(piece), by_step(result.tensors["y"], 1, 1))
        values = np.concatenate([value.ravel() for parts in states.values() for value in parts])
        same_bits(np.frombuffer(program.save(), dtype="<f4")[-values.size :], values)
        least = min(least, np.abs(values[values != 0]).min(initial=np.inf))
    assert least > FLUSHED
    forgotten = {"Wkv4": "num"}.get(kind)
    for name, parts in states.items():
        for state, value in zip(step.states[name], parts, strict=True):
            if forgotten is None or state.name.endswith(forgotten):
                assert not value.any(), state.name


@pytest.mark.parametrize("value", [LOUD, -LOUD, 0.0])
def test_the_first_frame_of_rwkv4_is_its_value(value):
    """Whatever its key: what was before has no weight, and no exponent overflows on the way."""
    key = np.full((1, 1, 3), value, np.float32)
    values = np.array([[[1.5, -2.0, LOUD]]], np.float32)
    rate, bonus = np.full(3, 0.01, np.float32), np.array([-LOUD, 0.0, LOUD], np.float32)
    start = tuple(state.start() for state in Wkv4().states(types((1, 1, 3), (1, 1, 3), (3,), (3,))))
    (y,), (num, den, top, started) = Wkv4().run((key, values, rate, bonus), start)
    np.testing.assert_array_equal(y, values)
    np.testing.assert_array_equal(num, values[0, 0])
    np.testing.assert_array_equal(den, 1.0)
    np.testing.assert_array_equal(top, key[0, 0])
    np.testing.assert_array_equal(started, 1.0)


def test_no_weight_of_rwkv4_is_below_one_and_its_mean_stays_within_the_values():
    """What num and den are in units of: the largest term seen, faded."""
    rng = np.random.default_rng(0)
    k = rng.choice([-LOUD, -3.0, 0.0, 3.0, LOUD], (1, 500, 4)).astype(np.float32)
    v = rng.uniform(-LOUD, LOUD, (1, 500, 4)).astype(np.float32)
    rate, bonus = np.array([1e-3, 0.1, 1.0, 50.0], np.float32), np.zeros(4, np.float32)
    states = tuple(s.start() for s in Wkv4().states(types(k.shape, v.shape, (4,), (4,))))
    for t in range(500):
        (y,), states = Wkv4().run((k[:, t : t + 1], v[:, t : t + 1], rate, bonus), states)
        assert (states[1] >= 1.0).all()
        assert (np.abs(y) <= LOUD * (1 + 1e-6)).all()


def flipped(kind, onnx_model):
    """The cell over a window from its end to its start, turned again."""
    case = RECURRENCES[kind]
    made, constants = case.nodes(1.0, "turned", "backwards")
    constants |= {"last": i64(-1), "all": i64(np.iinfo(np.int64).min), "time": i64(1), "back": i64(-1)}
    flip = ["last", "all", "time", "back"]
    nodes = (
        node("Transpose", ["x"], ["frames"], perm=[0, 2, 1]),
        node("Slice", ["frames", *flip], ["turned"]),
        *made,
        node("Slice", ["backwards", *flip]),
    )
    return onnx_model(nodes, constants, shape=(1, case.n_chans, WINDOW))


@pytest.mark.parametrize("kind", RECURRENCES)
@pytest.mark.parametrize(
    ("backwards", "semantics"), [(True, "continuous"), (True, "windowed"), (False, "windowed")]
)
def test_on_windows_it_begins_anew_in_each(
    kind, backwards, semantics, onnx_model, counts, as_input, same_everywhere
):
    forward = RECURRENCES[kind].model(onnx_model, 1.0, WINDOW)
    lowered = lower(flipped(kind, onnx_model) if backwards else forward, "m", HOP, semantics)
    assert lowered.window == WINDOW
    assert not any(n.op.kind == kind and lowered.step.states[n.name] for n in lowered.step.nodes)
    n_steps = WINDOW // HOP + 4
    outputs = same_everywhere(lowered.offline, lowered.step, n_steps)
    assert len(outputs) == 5
    x = as_input(counts(n_steps * HOP, RECURRENCES[kind].n_chans))
    alone = import_onnx(forward, "m")
    for k, row in enumerate(outputs):
        window = x[:, :, k * HOP : k * HOP + WINDOW]
        read = np.flip(window, 2) if backwards else window
        y = reference.run(alone, {"x": read}).tensors["y"]
        same_bits(row, (np.flip(y, 1) if backwards else y).ravel())


def types(*shapes):
    return tuple(TensorType(shape, 1, 1) if len(shape) == 3 else TensorType(shape) for shape in shapes)


SEQUENCE, PAIR = (1, 8, 4), (1, 8, 6)
REFUSED = [
    (
        S4d(),
        [(1, 8, 4), (3, 2), (3, 2), (3, 2), (3, 2), (4,)],
        r"lambda_re is \(3, 2\); .* need \(4, states\)",
    ),
    (S4d(), [(1, 8, 4), (4, 2), (4, 2), (4, 2), (4, 3), (4,)], r"C_im is \(4, 3\); .* u has 4 features"),
    (S4d(), [(1, 8, 4), (4, 2), (4, 2), (4, 2), (4, 2), (3,)], r"D is \(3,\); u of 4 features needs \(4,\)"),
    (S4d(), [(2, 8, 4), (4, 2), (4, 2), (4, 2), (4, 2), (4,)], r"u is \(2, 8, 4\); give it \(1, time, feat"),
    (SelectiveScan(), [SEQUENCE, SEQUENCE, (3, 2), PAIR, PAIR, (4,)], r"A is \(3, 2\); u of 4 features"),
    (SelectiveScan(), [SEQUENCE, PAIR, (4, 6), PAIR, PAIR, (4,)], r"delta is \(1, 8, 6\) and u \(1, 8, 4\)"),
    (
        SelectiveScan(),
        [SEQUENCE, SEQUENCE, (4, 2), PAIR, PAIR, (4,)],
        r"B has 6 features; A \(4, 2\) needs 2",
    ),
    (SelectiveScan(), [SEQUENCE, SEQUENCE, (4, 6), PAIR, PAIR, (6,)], r"D is \(6,\); u of 4 features"),
    (Wkv4(), [SEQUENCE, PAIR, (4,), (4,)], r"v is \(1, 8, 6\); k of 4 features needs \(1, 8, 4\)"),
    (Wkv4(), [SEQUENCE, SEQUENCE, (5,), (4,)], r"w is \(5,\); k of 4 features needs \(4,\)"),
    (Wkv4(), [SEQUENCE, (1, 9, 4), (4,), (4,)], r"v has 9 frames of 1 samples and k 8 of 1; compute both"),
    (Wkv6(), [SEQUENCE, SEQUENCE, PAIR, SEQUENCE, (4,)], r"u is \(4,\); give it \(heads, keys"),
    (Wkv6(), [SEQUENCE, PAIR, PAIR, SEQUENCE, (2, 2)], r"k has 6 features; u \(2, 2\) needs heads times"),
    (Wkv6(), [SEQUENCE, SEQUENCE, (1, 8, 5), SEQUENCE, (2, 2)], r"v has 5 features, which 2 heads"),
    (LinearAttention(), [SEQUENCE, SEQUENCE, PAIR, (1, 2)], r"decay is \(1, 2\); give it one for each head"),
    (LinearAttention(), [SEQUENCE, PAIR, PAIR, (2,)], r"k is \(1, 8, 6\) and q \(1, 8, 4\)"),
    (LinearAttention(), [SEQUENCE, SEQUENCE, PAIR, (4,)], r"v has 6 features, which 4 heads"),
]


@pytest.mark.parametrize(("op", "shapes", "message"), REFUSED)
def test_what_does_not_fit_is_refused_with_the_shape_that_would(op, shapes, message):
    with pytest.raises(GraphError, match=message):
        op.infer(types(*shapes))


def test_a_parameter_in_place_of_a_sequence_is_refused():
    with pytest.raises(GraphError, match=r"its w is \(4,\); give it \(1, time, features\)"):
        Wkv6().infer(types(SEQUENCE, SEQUENCE, PAIR, (4,), (2, 2)))


@pytest.mark.parametrize(
    ("kind", "macs", "floats"),
    [
        ("LinearAttention", 3 * 2 * 2 * 3, 12),
        ("S4d", 6 * 12 + 3, 24),
        ("SelectiveScan", 4 * 12 + 2 * 3, 12),
        ("Wkv4", 6 * 5, 16),
        ("Wkv6", 3 * 12 + 2 * 4 + 6, 12),
    ],
)
def test_what_a_frame_costs(kind, macs, floats, onnx_model):
    graph = stream(graph_of(kind, onnx_model))
    (cell,) = (n for n in graph.nodes if n.op.kind == kind)
    assert cell.op.macs(graph.types(cell.inputs)) == macs
    assert sum(state.size for state in graph.states[cell.name]) == floats
