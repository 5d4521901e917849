"""A table of figures that came about in one way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from edgeeeg.evidence import Evidence

Row = Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True)
class Section:
    """What the figures are, with their units, their grade, and rows that all have the same columns."""

    what: str
    evidence: Evidence
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """The section as JSON values."""
        return {"what": self.what, "evidence": str(self.evidence), "rows": [dict(row) for row in self.rows]}

    def to_table(self) -> Table:
        """The section for people, figures to six places."""
        table = Table(*self.rows[0], title=f"{self.what} ({self.evidence})", title_justify="left")
        for row in self.rows:
            table.add_row(*(f"{cell:.6g}" if isinstance(cell, float) else str(cell) for cell in row.values()))
        return table
