"""Ranges of the states of recurrences, at every frame of recordings from their first sample to their last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, fx

from edgeeeg.cells import lif, selective_scan, wkv4
from edgeeeg.cells.firing import Firing
from edgeeeg.errors import ModelError

Largest = dict[str, float]
"""Magnitudes by the names of a cell's states."""


def observe_states(traced: fx.GraphModule, recordings: Tensor) -> dict[str, Largest]:
    """Largest magnitude of each state of LIF neurons, selective scans and WKV-4, by the name of its node.

    Parameters
    ----------
    recordings : (n_recordings, n_chans, n_times), of the length that was traced.

    Raises
    ------
    ModelError
        If a state is not finite.
    """
    observer = _StateObserver(traced)
    with torch.no_grad():
        observer.run(recordings)
    return observer.largest


class _StateObserver(fx.Interpreter):
    """Runs a traced model and walks over each recurrence a second time, a frame at a time."""

    def __init__(self, traced: fx.GraphModule) -> None:
        super().__init__(traced)
        self.largest: dict[str, Largest] = {}

    def run_node(self, n: fx.Node) -> Any:
        if n.target in STATES:
            arguments, _ = self.fetch_args_kwargs_from_env(n)
            self.largest[n.name] = STATES[n.target](*arguments)
            for state, magnitude in self.largest[n.name].items():
                if not magnitude < float("inf"):
                    raise ModelError(
                        f"state '{state}' of '{n.name}' is not finite on the calibration recordings; "
                        "calibrate on ones on which the float model works"
                    )
        return super().run_node(n)


def _walk(
    step: Callable[[Any, Any], tuple[Tensor, Any]],
    frames: list[Any],
    state: Any,
    names: tuple[str, ...],
) -> Largest:
    """Largest magnitudes over all frames; 1 for a state that stays 0, of which any step is exact."""
    peaks = torch.zeros(len(names))
    for frame in frames:
        _, state = step(frame, state)
        peaks = torch.maximum(peaks, torch.stack([getattr(state, name).abs().max() for name in names]))
    return {name: float(peak) or 1.0 for name, peak in zip(names, peaks, strict=True)}


def _lif(
    x: Tensor,
    beta: Tensor,
    threshold: Tensor,
    reset: str = "subtract",
    reset_delay: bool = True,
    fires: str = "above",
) -> Largest:
    params, firing = lif.LifParams(beta, threshold), Firing(reset, reset_delay, fires)
    start = lif.init_state(x.shape[0], params)
    return _walk(lambda x, state: lif.step(params, x, state, firing), list(x.unbind(1)), start, ("mem",))


def _selective_scan(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Largest:
    params = selective_scan.ScanParams(A, D)
    each = zip(*(part.unbind(1) for part in (u, delta, B, C)), strict=True)
    frames = [selective_scan.ScanInput(*parts) for parts in each]
    start = selective_scan.init_state(u.shape[0], params)
    return _walk(lambda x, state: selective_scan.step(params, x, state), frames, start, ("h",))


def _wkv4(k: Tensor, v: Tensor, w: Tensor, u: Tensor) -> Largest:
    params = wkv4.Wkv4Params(w, u)
    frames = [wkv4.Wkv4Input(*parts) for parts in zip(k.unbind(1), v.unbind(1), strict=True)]
    start = wkv4.init_state(k.shape[0], params)
    return _walk(lambda x, state: wkv4.step(params, x, state), frames, start, ("num", "den"))


STATES: Mapping[Any, Callable[..., Largest]] = MappingProxyType(
    {
        torch.ops.edgeeeg.lif.default: _lif,
        torch.ops.edgeeeg.selective_scan.default: _selective_scan,
        torch.ops.edgeeeg.wkv4.default: _wkv4,
    }
)
"""By the operator of an exported program."""
