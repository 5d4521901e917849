"""What a recording changes in the float model before it is rounded: factors of channels, and biases."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.graph import Graph
from edgeeeg_export.quantize.bias_correction import Corrections
from edgeeeg_export.quantize.equalization import Exponents, equalize


@dataclass(frozen=True, slots=True)
class Adjustments:
    """Factors of channels, and what is added to biases, each by the result of its layer."""

    exponents: Exponents = field(default_factory=lambda: MappingProxyType({}))
    corrections: Corrections = field(default_factory=lambda: MappingProxyType({}))

    def equalized(self, graph: Graph) -> Graph:
        """The captured graph with its channels scaled: the same outputs, bit for bit."""
        return equalize(graph, self.exponents)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "log2_of_channels": {name: list(powers) for name, powers in self.exponents.items()},
            "added_to_biases": {name: list(values) for name, values in self.corrections.items()},
        }

    @classmethod
    def from_json(cls, value: Any) -> Adjustments:
        """From JSON values.

        Raises
        ------
        QuantizationError
            If they are none.
        """
        try:
            return cls(
                {name: tuple(map(int, powers)) for name, powers in value["log2_of_channels"].items()},
                {name: tuple(map(float, values)) for name, values in value["added_to_biases"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise QuantizationError(
                "adjustments must be lists of numbers by layer: log2_of_channels and added_to_biases"
            ) from error
