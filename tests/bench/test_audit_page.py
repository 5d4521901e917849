"""docs/audit.md shows what the stored audits found."""

from __future__ import annotations

import json
from pathlib import Path

from edgeeeg_bench.audit_page import render_markdown
from edgeeeg_bench.results_section import MARK, replace_results

ROOT = Path(__file__).parents[2]


def test_the_document_shows_the_stored_result():
    result = json.loads((ROOT / "benchmarks" / "results" / "audit.json").read_text())
    document = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    assert document.endswith(MARK + render_markdown(result))
    assert replace_results(document, "x").endswith(MARK + "x")


def test_every_model_was_audited_in_every_way():
    result = json.loads((ROOT / "benchmarks" / "results" / "audit.json").read_text())
    said = render_markdown(result)
    for audit in result["audits"]:
        assert audit["model"] in said
        assert {"windowed", "carried"} < {row["state"] for row in audit["rows"]}
        assert len(audit["lines"]) == len(audit["verdicts"])
