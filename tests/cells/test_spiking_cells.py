"""Every spiking cell in every variant: snnTorch's spikes and gradients, chunks, instances, forcing."""

from __future__ import annotations

import pytest
import torch
from neurons import ALL, NEURONS, N, currents

from edgeeeg.cells.firing import Firing, Forced
from edgeeeg.errors import ModelError

EACH = pytest.mark.parametrize(("name", "firing"), [pytest.param(*case[:2], id=case[2]) for case in ALL])
TWINS = pytest.mark.parametrize(
    ("name", "firing"),
    [
        pytest.param(*case[:2], id=case[2])
        for case in ALL
        if NEURONS[case[0]].twin is not None and case[1].fires == "above"
    ],
)


def snntorch_run(name: str, firing: Firing, x: torch.Tensor) -> tuple[torch.Tensor, torch.nn.Module]:
    """Spikes (batch, time, n) of snnTorch's loop, and the neuron with the last states in it."""
    twin = NEURONS[name].twin
    assert twin is not None
    neuron = twin(reset_mechanism=firing.reset, reset_delay=firing.reset_delay)
    return torch.stack([neuron(x_t)[0] for x_t in x.unbind(1)], 1), neuron


@TWINS
def test_ten_thousand_steps_are_snntorchs_bit_for_bit(name: str, firing: Firing) -> None:
    x = currents(1, 10_000)
    with torch.no_grad():
        spikes, neuron = snntorch_run(name, firing, x)
        ours, state = NEURONS[name].scan(x, firing)
    assert 0.1 < spikes.mean() < 0.9
    assert torch.equal(ours, spikes)
    for field, value in state._asdict().items():
        assert torch.equal(value, getattr(neuron, field)), field


@TWINS
def test_gradients_are_those_of_snntorchs_loop(name: str, firing: Firing) -> None:
    x, weight = currents(2, 50), torch.randn(2, 50, N, generator=torch.Generator().manual_seed(8))
    theirs, ours = (x.clone().requires_grad_() for _ in range(2))
    (snntorch_run(name, firing, theirs)[0] * weight).sum().backward()
    (NEURONS[name].scan(ours, firing)[0] * weight).sum().backward()
    assert ours.grad is not None
    assert (ours.grad[:, 0] != 0).any()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-5)


@EACH
def test_the_scan_is_its_step(name: str, firing: Firing) -> None:
    neuron, x = NEURONS[name], currents(3, 50)
    whole, last = neuron.scan(x, firing)
    state = neuron.cell.init_state(3, neuron.params)
    for t, x_t in enumerate(x.unbind(1)):
        spikes, state = neuron.cell.step(neuron.params, x_t, state, firing)
        assert torch.equal(spikes, whole[:, t])
    assert all(torch.equal(a, b) for a, b in zip(state, last, strict=True))


@EACH
def test_chunks_instances_and_a_saved_state_are_the_whole(name: str, firing: Firing) -> None:
    neuron, x, other = NEURONS[name], currents(2, 50), currents(2, 50, seed=9)
    whole, last = neuron.scan(x, firing)
    assert 0.05 < whole.mean() < 0.95
    for chunk in (1, 3, 7):
        parts, state, apart = [], None, None
        for part, interloper in zip(x.split(chunk, 1), other.split(chunk, 1), strict=True):
            spikes, state = neuron.scan(part, firing, state)
            parts.append(spikes)
            state = type(state)(*(value.clone() for value in state))  # as it was saved
            _, apart = neuron.scan(interloper, firing, apart)
        assert torch.equal(torch.cat(parts, 1), whole)
        assert state is not None
        assert all(torch.equal(a, b) for a, b in zip(state, last, strict=True))


def decisions(name: str, firing: Firing, x: torch.Tensor) -> Forced:
    """What the neurons decide by themselves."""
    neuron = NEURONS[name]
    state = neuron.cell.init_state(x.shape[0], neuron.params)
    spikes, resets = [], []
    for x_t in x.unbind(1):
        threshold = neuron.params.threshold
        if name == "Adaptive":
            threshold = threshold + neuron.params.b * state.a
        resets.append(firing.passed(state.mem, threshold))
        spike, state = neuron.cell.step(neuron.params, x_t, state, firing)
        spikes.append(spike)
    return Forced(torch.stack(spikes, 1), torch.stack(resets, 1))


@EACH
def test_forcing_the_own_decisions_changes_nothing_and_others_are_followed(name: str, firing: Firing) -> None:
    neuron, x = NEURONS[name], currents(2, 50)
    own, last = neuron.scan(x, firing)
    forced = decisions(name, firing, x)
    again, state = neuron.scan(x, firing, forced=forced)
    assert torch.equal(own, again)
    assert all(torch.equal(a, b) for a, b in zip(state, last, strict=True))
    never = Forced(*(torch.zeros_like(x) for _ in range(2)))
    silent, _ = neuron.scan(x, firing, forced=never)
    follows = firing.reset != "none" or "RLeaky" in name or name == "Adaptive"
    assert torch.equal(silent, own) != follows


@EACH
def test_the_custom_operator_runs_the_scan(name: str, firing: Firing) -> None:
    neuron, x = NEURONS[name], currents(2, 20)
    operator = getattr(torch.ops.edgeeeg, neuron.cell.__name__.rpartition(".")[2])
    words = (
        (firing.reset, firing.fires)
        if name == "Adaptive"
        else (firing.reset, firing.reset_delay, firing.fires)
    )
    assert torch.equal(operator(x, *neuron.params, *words), neuron.scan(x, firing)[0])


@pytest.mark.parametrize("name", NEURONS)
def test_every_parameter_learns(name: str) -> None:
    neuron = NEURONS[name]
    params = type(neuron.params)(*(value.clone().requires_grad_() for value in neuron.params))
    neuron.cell.scan(params, currents(2, 50))[0].sum().backward()
    assert all((value.grad != 0).any() for value in params)


@pytest.mark.parametrize("name", NEURONS)
def test_silence_and_huge_currents_stay_finite(name: str) -> None:
    x = torch.cat([torch.full((1, 200, N), value) for value in (0.0, 1e4, -1e4, 0.0)], 1)
    for firing in (Firing("subtract"), Firing("zero"), Firing("none")):
        _, state = NEURONS[name].scan(x, firing)
        assert all(value.isfinite().all() for value in state)


@pytest.mark.parametrize("name", NEURONS)
def test_wrong_widths_are_named(name: str) -> None:
    x = currents(1, 5)
    with pytest.raises(ModelError, match=r"\(1, 5, 6\), expected \(batch, time, 7\)"):
        NEURONS[name].scan(x[..., :6], Firing())
    with pytest.raises(ModelError, match="forced reset"):
        NEURONS[name].scan(x, Firing(), forced=Forced(x, x[:, :2]))
