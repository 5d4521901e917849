"""A budget of a program of mixed precision: what the outputs may lose, or what a program may cost."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal, get_args

from edgeeeg_export.errors import QuantizationError

Quantity = Literal["accuracy", "flash", "instructions"]
UNITS = {
    "accuracy": {"dB": 1.0},
    "flash": {"B": 1.0, "kB": 1000.0, "KiB": 1024.0},
    "instructions": {"": 1.0, "k": 1e3, "M": 1e6},
}
"""What may stand behind the number, and what it is worth."""
FORM = "give accuracy=30dB (of the outputs), flash=20kB (weights and tables) or instructions=50k (a step)"


@dataclass(frozen=True, slots=True)
class Budget:
    """At least so many dB of signal to noise at the outputs; at most so many bytes or instructions a step."""

    quantity: Quantity
    amount: float

    @classmethod
    def parse(cls, text: str) -> Budget:
        """From `accuracy=30dB`, `flash=20kB` or `instructions=50k`.

        Raises
        ------
        QuantizationError
            If it is none of them.
        """
        quantity, _, amount = text.partition("=")
        found = re.fullmatch(r"([0-9.]+)\s*([A-Za-z]*)", amount.strip())
        for known in get_args(Quantity):
            if quantity.strip() == known and found and found[2] in UNITS[known]:
                try:
                    value = float(found[1]) * UNITS[known][found[2]]
                except ValueError:
                    break
                if math.isfinite(value) and value > 0:
                    return cls(known, value)
        raise QuantizationError(f"'{text}' is no budget: {FORM}")

    def __str__(self) -> str:
        """As `parse` reads it."""
        unit = {"accuracy": "dB", "flash": "B", "instructions": ""}[self.quantity]
        return f"{self.quantity}={self.amount:.15g}{unit}"
