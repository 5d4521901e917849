"""docs/operators.md is what the operator set says of itself."""

from __future__ import annotations

from pathlib import Path

from edgeeeg_export.operator_table import render
from edgeeeg_export.ops import FROM_ONNX, NEAREST_REWRITE

ROOT = Path(__file__).parents[2]


def test_the_page_is_current():
    page = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    assert page == render(), "run python -m edgeeeg_export.operator_table docs/operators.md"


def test_every_operator_and_remedy_has_its_row_and_file():
    rows = [line.split(" | ") for line in render().splitlines() if line.startswith("| ")]
    named = {row[0].removeprefix("| ") for row in rows}
    assert {f"{domain}::{name}" if domain else name for domain, name in FROM_ONNX} <= named
    assert set(NEAREST_REWRITE) <= named
    for row in rows:
        if row[-1].startswith("`export/"):
            assert (ROOT / row[-1].split("`")[1]).is_file()
            assert row[1].endswith(".")
            assert row[2].endswith(".")
