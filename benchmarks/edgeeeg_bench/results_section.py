"""The end of a document that a benchmark writes: the results of its last run."""

from __future__ import annotations

MARK = "<!-- results of the last run, written by the benchmark -->\n"
"""Everything behind it in the document is replaced."""


def replace_results(document: str, results: str) -> str:
    """The document with its results exchanged."""
    return document.partition(MARK)[0] + MARK + results
