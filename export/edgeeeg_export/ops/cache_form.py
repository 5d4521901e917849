"""How a cache goes on in memory: its frames move down in every step, or its window slides over spare memory.

Row r of a window of L old and n new elements a row begins at r (L + n). If the whole window begins n elements
further on, every old element is where it belongs, and the n that row r + 1 has just dropped are the place of
row r's new ones: only those are written. Where the spare memory ends, the window moves back to its start. So
a reader needs nothing but another first address; a mirrored buffer, which is written twice, would save that
move for as much memory again.
"""

from __future__ import annotations

from dataclasses import dataclass

PER_WORD, PER_ELEMENT, PER_ROW, PER_STEP = 4, 4, 6, 12
"""Instructions on Cortex-M4: to move four bytes, to write an element, for a row, and for a window's place.

Counts are in `benchmarks/results/cache_forms.json`.
"""
SPARE_SHARE = 16
"""The part of a cache that its spare memory may be at most: a sixteenth, as RAM is the scarcer of the two."""

WORTH_SLIDING = 0.75
"""What must be left of the mean instructions at most, for the spare memory to be worth it."""


@dataclass(frozen=True, slots=True)
class CacheForm:
    """Rows of `length` old and `new` new elements, and the spare elements behind them; without, they move.

    `element` is the bytes of one.
    """

    rows: int
    length: int
    new: int
    spare: int
    element: int = 4

    @property
    def name(self) -> str:
        """What tables call it."""
        return "sliding" if self.spare else "moving"

    @property
    def size(self) -> int:
        """Elements of the window."""
        return self.rows * (self.length + self.new)

    @property
    def appending(self) -> int:
        """Instructions to write the new elements."""
        return self.rows * (PER_ROW + self.new * PER_ELEMENT)

    def _moved(self, elements: int) -> int:
        """Instructions to move so many elements down."""
        return -(-elements * self.element // 4) * PER_WORD

    @property
    def worst(self) -> int:
        """Instructions of the step that takes most."""
        if not self.spare:
            return self.appending + self.rows * (PER_ROW + self._moved(self.length))
        return self.appending + PER_STEP + self._moved(self.size - self.new)

    @property
    def mean(self) -> float:
        """Instructions of a step, of many."""
        if not self.spare:
            return self.worst
        period = self.spare // self.new + 1
        return self.appending + PER_STEP + self._moved(self.size - self.new) / period


def forms(rows: int, length: int, new: int, element: int = 4) -> tuple[CacheForm, ...]:
    """The forms that a cache can have, the one to take first; it slides only where that is well worth it."""
    moving = CacheForm(rows, length, new, 0, element)
    spare = moving.size // SPARE_SHARE // new * new
    if not spare:
        return (moving,)
    sliding = CacheForm(rows, length, new, spare, element)
    return (sliding, moving) if sliding.mean <= WORTH_SLIDING * moving.mean else (moving, sliding)
