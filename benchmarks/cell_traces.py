"""Draw what cells remember: the figures of docs/cells.md, from the cells' own steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from edgeeeg.cells import adaptive_lif, lif, linear_attention, s4d, selective_scan, wkv4
from edgeeeg.cells.firing import Firing

FIGURES = Path(__file__).parents[1] / "docs" / "figures"
SETTINGS = {"svg.hashsalt": "edgeeeg", "font.size": 8, "axes.spines.top": False, "axes.spines.right": False}
"""The salt makes the file the same in every run."""
N_STEPS = 120
Seen = Callable[[Any], Tensor]
"""What of a state is plotted."""


def main() -> None:
    """Write every figure."""
    FIGURES.mkdir(exist_ok=True)
    with plt.rc_context(SETTINGS):
        for name, draw in (("lif", _resets), ("adaptive_lif", _adaptation), ("memories", _memories)):
            figure = draw()
            figure.savefig(FIGURES / f"{name}.svg", metadata={"Date": None}, bbox_inches="tight")
            plt.close(figure)
            print(f"{FIGURES / name}.svg")


def _resets() -> plt.Figure:
    """One neuron under the three resets, at once and a step later."""
    figure, axes = plt.subplots(3, 1, figsize=(6.5, 4.5), sharex=True, layout="constrained")
    params = lif.LifParams(torch.tensor([0.9]), torch.tensor([1.0]))
    x = _burst(0.28)
    for axis, reset in zip(axes, ("subtract", "zero", "none"), strict=True):
        for delayed, style in ((True, "-"), (False, ":")):
            firing = Firing(reset, delayed)
            state, mems, spikes = lif.init_state(1, params), [], []
            for frame in x.unbind(1):
                spike, state = lif.step(params, frame, state, firing)
                mems.append(float(state.mem))
                spikes.append(float(spike))
            axis.plot(mems, style, color="C0", lw=1, label=f"reset_delay={delayed}")
            if delayed:
                axis.eventplot([t for t, s in enumerate(spikes) if s], lineoffsets=-0.4, linelengths=0.4)
        axis.axhline(1.0, color="0.6", lw=0.8)
        axis.set_title(f"mem, reset={reset!r}", loc="left", fontsize=8)
    axes[0].legend(frameon=False)
    axes[-1].set_xlabel("step; bars are spikes of the delayed reset, the line is the threshold")
    return figure


def _adaptation() -> plt.Figure:
    """A neuron whose threshold rises as it fires."""
    figure, axis = plt.subplots(figsize=(6.5, 2.2), layout="constrained")
    params = adaptive_lif.AdaptiveLifParams(*(torch.tensor([v]) for v in (0.9, 1.0, 0.97, 6.0)))
    state, mems, thresholds, spikes = adaptive_lif.init_state(1, params), [], [], []
    for frame in _burst(0.35).unbind(1):
        spike, state = adaptive_lif.step(params, frame, state)
        mems.append(float(state.mem))
        thresholds.append(float(params.threshold + params.b * state.a))
        spikes.append(float(spike))
    axis.plot(mems, lw=1, label="mem")
    axis.plot(thresholds, lw=1, label="threshold + b a")
    axis.eventplot([t for t, s in enumerate(spikes) if s], lineoffsets=-0.4, linelengths=0.4)
    axis.legend(frameon=False)
    axis.set_xlabel("step; bars are spikes")
    return figure


def _memories() -> plt.Figure:
    """What four linear recurrences keep of a burst of 50 steps."""
    figure, axes = plt.subplots(5, 1, figsize=(6.5, 6.0), sharex=True, layout="constrained")
    x = _burst(1.0)
    axes[0].plot(x[0, :, 0], color="0.3", lw=1)
    axes[0].set_title("input", loc="left", fontsize=8)
    one = torch.ones(1, 1)
    ssm = selective_scan.ScanParams(-torch.tensor([[0.2, 1.0, 4.0]]), torch.zeros(1))
    steps = torch.full_like(x, 0.15)
    modes = torch.ones(1, N_STEPS, 3)
    _trace(
        axes[1],
        "selective_scan: h",
        ssm,
        selective_scan.ScanInput(x, steps, modes, modes),
        selective_scan,
        lambda state: state.h.ravel(),
    )
    turn = 0.95 * torch.exp(1j * torch.tensor([[0.15, 0.6]]))
    weights = torch.ones(1, 2)
    modal = s4d.S4dParams(turn.real, turn.imag, weights, 0 * weights, torch.zeros(1))
    _trace(axes[2], "s4d: Re h", modal, x, s4d, lambda state: state.h_re.ravel())
    mixing = wkv4.Wkv4Params(torch.tensor([0.05]), torch.tensor([0.3]))
    _trace(
        axes[3],
        "wkv4: num / den",
        mixing,
        wkv4.Wkv4Input(x, x),
        wkv4,
        lambda state: (state.num / state.den).ravel(),
    )
    fading = linear_attention.AttentionParams(torch.tensor([0.95]))
    _trace(
        axes[4],
        "linear_attention: S",
        fading,
        linear_attention.AttentionInput(one.expand_as(x[0])[None], x, x),
        linear_attention,
        lambda state: state.S.ravel(),
    )
    axes[-1].set_xlabel("step")
    return figure


def _trace(axis: plt.Axes, label: str, params: Any, x: Any, cell: ModuleType, seen: Seen) -> None:
    """Step a cell through x and plot what `seen` picks of its state."""
    state, rows = None, []
    for t in range(N_STEPS):
        now = slice(t, t + 1)
        frame = x[:, now] if isinstance(x, Tensor) else type(x)(*(part[:, now] for part in x))
        _, state = cell.scan(params, frame, state)
        rows.append(seen(state))
    axis.plot(torch.stack(rows), lw=1)
    axis.set_title(label, loc="left", fontsize=8)


def _burst(height: float) -> Tensor:
    """(1, N_STEPS, 1): silence, 50 steps of a constant, silence."""
    x = torch.zeros(1, N_STEPS, 1)
    x[:, 15:65] = height
    return x


if __name__ == "__main__":
    main()
