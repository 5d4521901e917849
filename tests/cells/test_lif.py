import pytest
import snntorch
import torch

from edgeeeg.cells import lif
from edgeeeg.errors import ModelError

N = 7


@pytest.fixture
def params() -> lif.LifParams:
    generator = torch.Generator().manual_seed(0)
    return lif.LifParams(
        beta=torch.rand(N, generator=generator),
        threshold=0.5 + torch.rand(N, generator=generator),
    )


@pytest.fixture
def x() -> torch.Tensor:
    return 1.5 * torch.randn(3, 50, N, generator=torch.Generator().manual_seed(1))


def snntorch_run(params: lif.LifParams, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    neuron = snntorch.Leaky(
        beta=params.beta, threshold=params.threshold, reset_mechanism="subtract", reset_delay=True
    )
    mem = torch.zeros(x.shape[0], N)
    spikes, mems = [], []
    for x_t in x.unbind(1):
        spike, mem = neuron(x_t, mem)
        spikes.append(spike)
        mems.append(mem)
    return torch.stack(spikes, 1), torch.stack(mems, 1)


def test_scan_is_snntorch_leaky_bit_for_bit(params: lif.LifParams, x: torch.Tensor) -> None:
    spikes, mems = snntorch_run(params, x)
    ours, state = lif.scan(params, x)
    assert 0.1 < spikes.mean() < 0.9
    assert torch.equal(ours, spikes)
    assert torch.equal(state.mem, mems[:, -1])


def test_each_step_is_snntorch_leaky_bit_for_bit(params: lif.LifParams, x: torch.Tensor) -> None:
    spikes, mems = snntorch_run(params, x)
    state = lif.init_state(x.shape[0], params)
    for t, x_t in enumerate(x.unbind(1)):
        spike, state = lif.step(params, x_t, state)
        assert torch.equal(spike, spikes[:, t])
        assert torch.equal(state.mem, mems[:, t])


@pytest.mark.parametrize("chunk", [1, 3, 7])
def test_chunks_with_carried_state_are_the_whole(params: lif.LifParams, x: torch.Tensor, chunk: int) -> None:
    whole, last = lif.scan(params, x)
    parts, state = [], None
    for part in x.split(chunk, dim=1):
        spikes, state = lif.scan(params, part, state)
        parts.append(spikes)
    assert torch.equal(torch.cat(parts, 1), whole)
    assert state is not None
    assert torch.equal(state.mem, last.mem)


def test_the_threshold_itself_does_not_fire() -> None:
    params = lif.LifParams(torch.tensor([0.0]), torch.tensor([1.0]))
    spikes, _ = lif.scan(params, torch.tensor([[[1.0], [1.0000001], [1.0]]]))
    assert spikes.flatten().tolist() == [0.0, 1.0, 0.0]


def test_forced_spikes_steer_the_reset_and_leave_the_own_decision_visible() -> None:
    params = lif.LifParams(torch.tensor([1.0]), torch.tensor([1.0]))
    x = torch.tensor([[[1.5], [0.0], [0.0]]])
    own, _ = lif.scan(params, x)
    assert own.flatten().tolist() == [1.0, 0.0, 0.0]
    unsaid, state = lif.scan(params, x, forced=torch.zeros(1, 3, 1))
    assert unsaid.flatten().tolist() == [1.0, 1.0, 1.0]
    assert state.mem.item() == 1.5


def test_forcing_the_own_spikes_changes_nothing(params: lif.LifParams, x: torch.Tensor) -> None:
    own, last = lif.scan(params, x)
    again, state = lif.scan(params, x, forced=own)
    assert torch.equal(own, again)
    assert torch.equal(state.mem, last.mem)


def test_gradient_is_the_arctangent_surrogate() -> None:
    params = lif.LifParams(torch.tensor([0.5]), torch.tensor([1.0]))
    x = torch.tensor([[[0.7]]], requires_grad=True)
    spikes, _ = lif.scan(params, x)
    spikes.sum().backward()
    assert x.grad is not None
    expected = 1 / (1 + (torch.pi * (0.7 - 1.0)) ** 2)
    assert x.grad.item() == pytest.approx(expected, rel=1e-5)


def test_gradient_reaches_earlier_inputs_and_the_parameters(x: torch.Tensor) -> None:
    params = lif.LifParams(torch.full((N,), 0.8, requires_grad=True), torch.ones(N, requires_grad=True))
    x = x.clone().requires_grad_()
    spikes, _ = lif.scan(params, x)
    spikes[:, -1].sum().backward()
    assert x.grad is not None
    assert params.beta.grad is not None
    assert params.threshold.grad is not None
    assert (x.grad[:, 0] != 0).all()
    assert (params.beta.grad != 0).all()
    assert (params.threshold.grad < 0).all()


def test_custom_op_runs_the_scan(params: lif.LifParams, x: torch.Tensor) -> None:
    assert torch.equal(lif.lif(x, *params), lif.scan(params, x)[0])


def test_custom_op_refuses_another_reset(params: lif.LifParams, x: torch.Tensor) -> None:
    with pytest.raises(ModelError, match=r"reset='zero'.*use 'subtract'"):
        lif.lif(x, *params, reset="zero")


def test_wrong_widths_are_named(params: lif.LifParams, x: torch.Tensor) -> None:
    with pytest.raises(ModelError, match=r"\(3, 50, 6\), expected \(batch, time, 7\)"):
        lif.scan(params, x[..., :6])
    with pytest.raises(ModelError, match="forced spikes"):
        lif.scan(params, x, forced=x[:, :2])
