"""Linear recurrences as small ONNX models: their operands are slices of the features, scaled to `peak`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from operator_case import i64, node, weights

from edgeeeg_export.ops import DOMAIN

FULL_SCALE = np.float32(32768 * 2.0**-9)
"""The largest input of tests, in the units of the fixture `as_input`."""


@dataclass(frozen=True)
class Recurrence:
    """One node of the set: its operands that vary in time by name and width, then its parameters."""

    kind: str
    widths: dict
    parameters: dict
    activations: dict = field(default_factory=dict)
    """The operator that limits an operand, such as Softplus for a step size."""

    @property
    def n_chans(self):
        return sum(self.widths.values())

    def nodes(self, peak, source="frames", result="y"):
        """Nodes from the frames (1, time, n_chans) of the input, and their constants."""
        made, at = [], 0
        constants = {"gain": np.float32(peak) / FULL_SCALE, "axis": i64(2), "below_one": np.float32(0.999)}
        for name, width in self.widths.items():
            constants |= {f"{name}.from": i64(at), f"{name}.to": i64(at + width)}
            made += [
                node("Slice", [source, f"{name}.from", f"{name}.to", "axis"], [f"{name}.part"]),
                node("Mul", [f"{name}.part", "gain"], [f"{name}.raw"]),
            ]
            last = f"{name}.raw"
            if name in self.activations:
                made.append(node(self.activations[name], [last], [f"{name}.limited"]))
                last = f"{name}.limited"
            made.append(node("Mul", [last, "below_one"], [name]))
            at += width
        operands = OPERANDS[self.kind]
        made.append(node(self.kind, operands, [result], domain=DOMAIN))
        return tuple(made), constants | self.parameters

    def model(self, onnx_model, peak=4.0, n_times=84):
        """The whole model of an input (1, n_chans, n_times)."""
        made, constants = self.nodes(peak)
        turn = node("Transpose", ["x"], ["frames"], perm=[0, 2, 1])
        return onnx_model((turn, *made), constants, shape=(1, self.n_chans, n_times))


OPERANDS = {
    "LinearAttention": ("q", "k", "v", "decay"),
    "S4d": ("u", "lambda_re", "lambda_im", "C_re", "C_im", "D"),
    "SelectiveScan": ("u", "delta", "A", "B", "C", "D"),
    "Wkv4": ("k", "v", "w", "u"),
    "Wkv6": ("r", "k", "v", "w", "u"),
}
RADIUS, ANGLE = weights(3, 4, low=0.3, high=0.98), weights(4, 3, low=0.0, high=3.0).T
RECURRENCES = {
    "LinearAttention": Recurrence(
        "LinearAttention", {"q": 4, "k": 4, "v": 6}, {"decay": np.array([0.95, 0.6], np.float32)}
    ),
    "S4d": Recurrence(
        "S4d",
        {"u": 3},
        {
            "lambda_re": RADIUS * np.cos(ANGLE),
            "lambda_im": RADIUS * np.sin(ANGLE),
            "C_re": weights(3, 4),
            "C_im": weights(4, 3).T.copy() * 0.7,
            "D": weights(3),
        },
    ),
    "SelectiveScan": Recurrence(
        "SelectiveScan",
        {"u": 3, "delta": 3, "B": 4, "C": 4},
        {"A": weights(3, 4, low=-2.0, high=-0.1), "D": weights(3)},
        {"delta": "Softplus"},
    ),
    "Wkv4": Recurrence(
        "Wkv4", {"k": 5, "v": 5}, {"w": weights(5, low=0.05, high=2.0), "u": weights(5, low=-1.0, high=2.0)}
    ),
    "Wkv6": Recurrence("Wkv6", {"r": 4, "k": 4, "v": 6, "w": 4}, {"u": weights(2, 2)}, {"w": "Sigmoid"}),
}
