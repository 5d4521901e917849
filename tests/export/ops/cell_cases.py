"""Every cell as a small program of its own: an operator, its operands, and which of them vary in time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgeeeg.cells import biquad
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.adaptive_lif import AdaptiveLif
from edgeeeg_export.ops.biquad import Biquad
from edgeeeg_export.ops.cell import Cell
from edgeeeg_export.ops.exponential_moving_average import ExponentialMovingAverage
from edgeeeg_export.ops.firing import FIRES, RESETS
from edgeeeg_export.ops.lif import Lif
from edgeeeg_export.ops.linear_attention import LinearAttention
from edgeeeg_export.ops.recurrent_lif import RecurrentLif
from edgeeeg_export.ops.running_z_score import RunningZScore
from edgeeeg_export.ops.s4d import S4d
from edgeeeg_export.ops.selective_scan import SelectiveScan
from edgeeeg_export.ops.spiking import FORCED, Spiking
from edgeeeg_export.ops.synaptic import Synaptic
from edgeeeg_export.ops.wkv4 import Wkv4
from edgeeeg_export.ops.wkv6 import Wkv6
from edgeeeg_export.tensor import TensorType

FRAMES = 40


@dataclass(frozen=True)
class CellCase:
    """`sequences` has the shape of each operand that varies in time, by name; `constants` the values."""

    op: Cell
    sequences: dict[str, tuple[int, ...]]
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    positive: tuple[str, ...] = ()
    """Sequences that must be above 0, and here are below 1 as well."""

    def operands(self) -> tuple[str, ...]:
        return tuple(n for n in self.op.operands if n in self.sequences or n in self.constants)

    def values(self, seed: int = 0, scale: float = 1.0) -> dict[str, np.ndarray]:
        """Noise; `scale` is that of what may have any sign."""
        rng = np.random.default_rng(seed)
        drawn = {name: rng.normal(0.0, scale, shape) for name, shape in self.sequences.items()}
        drawn |= {name: rng.uniform(0.01, 0.99, self.sequences[name]) for name in self.positive}
        return {name: value.astype(np.float32) for name, value in drawn.items()}

    def graph(self) -> Graph:
        axes = dict(zip(self.op.operands, self.op.window_axes, strict=True))
        inputs = {name: TensorType(shape, axes[name], 1) for name, shape in self.sequences.items()}
        node = Node("cell", self.op, self.operands(), self.op.results)
        return Graph("cell", inputs, self.op.results, (node,), self.constants)


def drawn(*shape: int, low: float, high: float) -> np.ndarray:
    return np.random.default_rng(sum(shape)).uniform(low, high, shape).astype(np.float32)


def neurons(kind: type[Spiking], **constants: np.ndarray) -> dict[str, CellCase]:
    """Every way to fire and to reset, by itself and with decisions forced."""
    name = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__).strip("_")
    cases = {}
    for reset in RESETS:
        for delay in (True,) if kind is AdaptiveLif else (True, False):
            for fires in FIRES:
                op = kind(reset, delay, fires)
                # what is forced where the cell does not look at both is in test_spiking.py
                both = reset != "none" and (not delay or kind is RecurrentLif)
                for forced in ((), FORCED) if both else ((),):
                    words = (name, reset, *(() if delay else ("at once",)), fires, *forced[:1])
                    shapes = dict.fromkeys(("x", *forced), (1, FRAMES, 5))
                    cases[" ".join(words)] = CellCase(op, shapes, constants)
    return cases


MEMBRANE = {"beta": drawn(5, low=0.5, high=0.95), "threshold": drawn(5, low=0.2, high=1.5)}
RECURRENT = {"V": drawn(5, 5, low=-0.7, high=0.7), "bias": drawn(5, low=-0.2, high=0.3)}
ADAPTATION = {"rho": drawn(5, low=0.7, high=0.99), "b": drawn(5, low=0.5, high=2.0)}
SECTIONS = np.array([[0.2, 0.4, 0.2, 1.0, -0.5, 0.3], [0.5, -0.2, 0.1, 1.0, -0.9, 0.4]])
ALPHA = np.array([0.07], dtype=np.float32)
STATE_SPACE = {"A": -drawn(4, 3, low=0.1, high=2.0), "D": drawn(4, low=-1.0, high=1.0)}

CASES = {
    "biquad": CellCase(
        Biquad(),
        {"x": (1, 3, FRAMES)},
        {"coefficients": biquad.delta_coefficients(SECTIONS).astype(np.float32)},
    ),
    "exponential_moving_average": CellCase(
        ExponentialMovingAverage(), {"x": (1, 3, FRAMES)}, {"alpha": ALPHA}
    ),
    "linear_attention": CellCase(
        LinearAttention(),
        {"q": (1, FRAMES, 4), "k": (1, FRAMES, 4), "v": (1, FRAMES, 6)},
        {"decay": np.array([0.95, 0.6], dtype=np.float32)},
    ),
    "running_z_score": CellCase(RunningZScore(0.01), {"x": (1, 3, FRAMES)}, {"alpha": ALPHA}),
    "s4d": CellCase(
        S4d(),
        {"u": (1, FRAMES, 4)},
        {
            "lambda_re": drawn(4, 3, low=-0.7, high=0.7),
            "lambda_im": drawn(3, 4, low=-0.7, high=0.7).T.copy(),
            "C_re": drawn(4, 3, low=-1.0, high=1.0),
            "C_im": drawn(3, 4, low=-1.0, high=1.0).T.copy(),
            "D": STATE_SPACE["D"],
        },
    ),
    "selective_scan": CellCase(
        SelectiveScan(),
        {"u": (1, FRAMES, 4), "delta": (1, FRAMES, 4), "B": (1, FRAMES, 3), "C": (1, FRAMES, 3)},
        STATE_SPACE,
        positive=("delta",),
    ),
    "wkv4": CellCase(
        Wkv4(),
        {"k": (1, FRAMES, 5), "v": (1, FRAMES, 5)},
        {"w": drawn(5, low=0.05, high=2.0), "u": drawn(5, low=-1.0, high=2.0)},
    ),
    "wkv6": CellCase(
        Wkv6(),
        {"r": (1, FRAMES, 4), "k": (1, FRAMES, 4), "v": (1, FRAMES, 6), "w": (1, FRAMES, 4)},
        {"u": drawn(2, 2, low=-1.0, high=1.0)},
        positive=("w",),
    ),
    **neurons(Lif, **MEMBRANE),
    **neurons(Synaptic, alpha=drawn(5, low=0.1, high=0.9), **MEMBRANE),
    **neurons(RecurrentLif, **MEMBRANE, **RECURRENT),
    **neurons(AdaptiveLif, **MEMBRANE, **ADAPTATION),
}
