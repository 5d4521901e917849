"""The generated C of a small model is what was reviewed; `make golden` refreshes it."""

from __future__ import annotations

import runpy
from pathlib import Path

TESTS = Path(__file__).parents[2]


def test_generated_c_is_the_golden_c():
    generated = runpy.run_path(str(TESTS / "update_golden.py"))["generate"]()
    golden = {path.name: path.read_text(encoding="utf-8") for path in (TESTS / "golden").iterdir()}
    assert generated == golden, "if the change is meant, run `make golden` and review the difference"
