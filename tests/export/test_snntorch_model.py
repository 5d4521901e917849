"""Models of snnTorch layers with time in place of the batch: as they are written, or refused."""

from __future__ import annotations

import itertools

import pytest
import snntorch
import torch
from torch import Tensor, nn

from edgeeeg_export.errors import CaptureError
from edgeeeg_export.snntorch_model import adapt_snntorch, in_order

N_CHANS, STEPS = 3, 200


class Loop(nn.Module):
    """A loop over `axis` of its input; spikes and membranes stacked along `stacked`."""

    def __init__(self, axis: int, stacked: int) -> None:
        super().__init__()
        self.axis, self.stacked = axis, stacked
        self.fc1, self.lif1 = nn.Linear(N_CHANS, 8), snntorch.Leaky(beta=torch.rand(8), learn_threshold=True)
        self.norm = nn.BatchNorm1d(8)
        self.fc2, self.lif2 = nn.Linear(8, 2), snntorch.Synaptic(alpha=0.5, beta=0.75)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mem1 = self.lif1.reset_mem()
        syn2, mem2 = self.lif2.init_synaptic()
        spikes, mems = [], []
        for t in range(x.shape[self.axis]):
            spk1, mem1 = self.lif1(self.fc1(x.select(self.axis, t)), mem1)
            spk2, syn2, mem2 = self.lif2(self.fc2(self.norm(spk1)), syn2, mem2)
            spikes.append(spk2)
            mems.append(mem2)
        return torch.stack(spikes, self.stacked), torch.stack(mems, self.stacked)


def steps(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(N_CHANS, 4), *layers)


def signal() -> Tensor:
    return 4 * torch.randn(1, N_CHANS, STEPS, generator=torch.Generator().manual_seed(1))


def both(model: nn.Module, layout: str | None = None) -> tuple[list[Tensor], list[Tensor], str]:
    """Outputs of the original and of the adapted model on a signal, and the form that was found."""
    adapted = adapt_snntorch(model, N_CHANS, layout)
    with torch.no_grad():
        theirs = adapted.original.eval()(signal())
        ours = adapted.model.eval()(signal())
    theirs, ours = ((values,) if isinstance(values, Tensor) else values for values in (theirs, ours))
    ordered = [in_order(value, axes) for value, axes in zip(theirs, adapted.axes, strict=True)]
    return ordered, list(ours), adapted.original.form.name


@pytest.mark.parametrize(
    ("layout", "axis", "stacked"), [("nct", 2, 0), ("nct", 2, -1), ("tnc", 0, 0), ("ntc", 1, 1)]
)
def test_a_loop_over_any_axis_gives_its_own_numbers(layout, axis, stacked):
    torch.manual_seed(0)
    theirs, ours, form = both(Loop(axis, stacked))
    assert form == layout
    assert theirs[0].sum() > 10
    for expected, got in zip(theirs, ours, strict=True):
        assert got.shape == (1, 2, STEPS)
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


VARIANTS = list(itertools.product(("subtract", "zero", "none"), (True, False)))


@pytest.mark.parametrize(("reset", "delay"), VARIANTS)
@pytest.mark.parametrize("kind", ["Leaky", "Synaptic", "RLeaky"])
def test_spikes_and_states_of_every_layer_and_reset(kind, reset, delay):
    torch.manual_seed(2)
    options = {"reset_mechanism": reset, "reset_delay": delay, "init_hidden": True, "output": True}
    build = {
        "Leaky": lambda: snntorch.Leaky(beta=torch.rand(4), **options),
        "Synaptic": lambda: snntorch.Synaptic(alpha=torch.rand(4) / 2, beta=torch.rand(4), **options),
        "RLeaky": lambda: snntorch.RLeaky(beta=torch.rand(4), linear_features=4, **options),
    }[kind]
    theirs, ours, form = both(steps(build()))
    assert form == "step"
    assert len(ours) == (3 if kind == "Synaptic" else 2)
    assert torch.equal(ours[0], theirs[0])
    assert 10 < ours[0].sum() < ours[0].numel()
    for expected, got in zip(theirs, ours, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


def test_features_of_any_shape():
    torch.manual_seed(3)

    class Convolved(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.lif = nn.Conv1d(1, 2, 2), snntorch.Leaky(beta=torch.rand(2, 1), init_hidden=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.lif(self.conv(x.unsqueeze(1))).flatten(1)

    theirs, ours, _ = both(Convolved())
    assert ours[0].shape == (1, 4, STEPS)
    assert torch.equal(ours[0], theirs[0])


def test_the_module_itself_stays_as_it_was():
    model = steps(snntorch.Leaky(beta=0.5, init_hidden=True)).train()
    model(torch.randn(5, N_CHANS))  # leaves a membrane that hangs on a graph
    before = model[1].mem
    adapt_snntorch(model, N_CHANS)
    assert model[1].mem is before
    assert model.training
    assert type(model[1]) is snntorch.Leaky


class MicroSteps(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc, self.lif = nn.Linear(N_CHANS, 4), snntorch.Leaky(beta=0.5)

    def forward(self, x: Tensor) -> Tensor:
        mem, spikes = self.lif.reset_mem(), []
        for _ in range(10):
            spk, mem = self.lif(self.fc(x), mem)
            spikes.append(spk)
        return torch.stack(spikes).mean(0)


class Summed(Loop):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[0].sum(0)


class FromAnotherState(Loop):
    def forward(self, x: Tensor) -> Tensor:
        spikes, mem = [], torch.ones(x.shape[0], 8)
        for x_t in x.unbind(2):
            spk, mem = self.lif1(self.fc1(x_t), mem)
            spikes.append(spk)
        return torch.stack(spikes)


class FixedLength(nn.Module):
    """A loop as in snnTorch's tutorials: of so many steps, over the axis of time."""

    def __init__(self, n_steps: int, axis: int) -> None:
        super().__init__()
        self.n_steps, self.axis = n_steps, axis
        self.fc, self.lif = nn.Linear(N_CHANS, 4), snntorch.Leaky(beta=0.5)

    def forward(self, x: Tensor) -> Tensor:
        mem, spikes = self.lif.reset_mem(), []
        for t in range(self.n_steps):
            spk, mem = self.lif(self.fc(x[(slice(None),) * self.axis + (t,)]), mem)
            spikes.append(spk)
        return torch.stack(spikes)


class Selected(FixedLength):
    def forward(self, x: Tensor) -> Tensor:
        mem, spikes = self.lif.reset_mem(), []
        for t in range(self.n_steps):
            spk, mem = self.lif(self.fc(x.select(self.axis, t)), mem)
            spikes.append(spk)
        return torch.stack(spikes)


@pytest.mark.parametrize("build", [FixedLength, Selected])
@pytest.mark.parametrize("n_steps", [25, 10])
@pytest.mark.parametrize(
    ("axis", "looped"), [(2, r"\(1, 3, time\)"), (0, r"\(time, 1, 3\)"), (1, r"\(1, time, 3\)")]
)
def test_a_loop_of_fixed_length_is_told_what_to_loop_over(build, n_steps, axis, looped):
    reason = (
        rf"time; called as a loop over {looped}: its loop has a fixed length .*; loop over x.shape\[{axis}\]"
    )
    with pytest.raises(CaptureError, match=reason) as refused:
        adapt_snntorch(build(n_steps, axis), N_CHANS)
    assert str(refused.value).endswith("a stream has no length")


class Convolved(nn.Module):
    def __init__(self, padding: int) -> None:
        super().__init__()
        self.conv, self.lif = nn.Conv1d(N_CHANS, 4, 5, padding=padding), snntorch.Leaky(beta=0.5)

    def forward(self, x: Tensor) -> Tensor:
        mem, spikes = self.lif.reset_mem(), []
        for z_t in self.conv(x).unbind(2):
            spk, mem = self.lif(z_t, mem)
            spikes.append(spk)
        return torch.stack(spikes)


@pytest.mark.parametrize("padding", [0, 2])
def test_a_convolution_before_the_loop_is_told_what_to_use(padding):
    with pytest.raises(CaptureError, match=r"if 'conv' runs along time before the loop, .*CausalConv1d and"):
        adapt_snntorch(Convolved(padding), N_CHANS)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (MicroSteps, "'lif' is called more than once a time step"),
        (lambda: Summed(2, 0), "sum or average them behind the model"),
        (lambda: FromAnotherState(2, 0), "'lif1' begins with a state other than zero"),
        (lambda: steps(snntorch.Leaky(beta=0.5, init_hidden=True), nn.Softmax(0)), "mixes its batch"),
        (lambda: steps(snntorch.Alpha(alpha=0.9, beta=0.5, init_hidden=True)), "use Synaptic"),
        (lambda: nn.Sequential(nn.Linear(7, 4), snntorch.Leaky(beta=0.5, init_hidden=True)), "shapes cannot"),
    ],
)
def test_what_cannot_run_along_time_is_refused(build, reason):
    with pytest.raises(CaptureError, match=reason) as refused:
        adapt_snntorch(build(), N_CHANS)
    assert "\n" not in str(refused.value)


def test_a_layout_says_which_axis_is_looped_over():
    torch.manual_seed(0)
    assert both(Loop(1, 1), "ntc")[2] == "ntc"
    with pytest.raises(CaptureError, match=r"a loop over \(1, 3, time\)"):
        adapt_snntorch(Loop(1, 1), N_CHANS, "nct")
    with pytest.raises(CaptureError, match="give one of nct, tnc, ntc, or none"):
        adapt_snntorch(Loop(1, 1), N_CHANS, "n1ct")
