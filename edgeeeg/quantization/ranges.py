"""Ranges of every tensor of a traced model, seen on recordings from their first sample to their last."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from edgeeeg.calibration_rule import KEPT, PERCENTILE
from edgeeeg.errors import ModelError


class _Observer(fx.Interpreter):
    """Runs a traced model and keeps the magnitude of every tensor on its way."""

    def __init__(self, traced: fx.GraphModule) -> None:
        super().__init__(traced)
        self.ranges: dict[str, float] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor) and result.is_floating_point() and result.numel():
            self.ranges[n.name] = _magnitude(n.name, result)
        return result


def observe(traced: fx.GraphModule, recordings: Tensor) -> dict[str, float]:
    """Magnitude below which 99.99 % of a tensor's values lie, by the name of its node.

    The state is carried from a recording's first sample to its last, as it will be on the device.

    Parameters
    ----------
    recordings : (n_recordings, n_chans, n_times), of the length that was traced.

    Raises
    ------
    ModelError
        If a value is not finite.
    """
    observer = _Observer(traced)
    with torch.no_grad():
        observer.run(recordings)
    return observer.ranges


def _magnitude(name: str, values: Tensor) -> float:
    if not bool(torch.isfinite(values).all()):
        raise ModelError(
            f"tensor '{name}' is not finite on the calibration recordings; calibrate on ones on which the "
            "float model works"
        )
    flat = values.detach().abs().flatten()
    seen = flat[:: -(-flat.numel() // KEPT)].numpy()
    # a tensor of zeros has no range; any scale is exact for it
    return float(np.percentile(seen, PERCENTILE)) or 1.0
