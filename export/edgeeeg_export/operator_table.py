"""The operator set as people read it: `python -m edgeeeg_export.operator_table docs/operators.md`."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from edgeeeg_export.ops import FROM_ONNX, NEAREST_REWRITE

INTRODUCTION = """\
# Operators

<!-- Written by `python -m edgeeeg_export.operator_table docs/operators.md` from the operator set itself. -->

An export accepts these ONNX operators and no others: what is not in the table is refused by name. Inputs are
`(1, channels, time)`, weights are constant, and no operator may mix time with another axis. Nodes whose
inputs are all constant are computed at export. Each operator is one file with its equation, types, NumPy
reference, C and ONNX form.

| ONNX | computes | accepted form | file |
|---|---|---|---|
"""

REFUSED = """
## What to use instead

| ONNX | remedy |
|---|---|
"""


def render() -> str:
    """The text of docs/operators.md."""
    rows = []
    for (domain, name), lower in sorted(FROM_ONNX.items()):
        # a class method belongs to its operator, a plain function to its file
        owner = getattr(lower, "__self__", None) or sys.modules[lower.__module__]
        file = (owner.__module__ if inspect.isclass(owner) else owner.__name__).replace(".", "/")
        shown = f"{domain}::{name}" if domain else name
        rows.append(f"| {shown} | {_summary(owner)} | {_summary(lower)} | `export/{file}.py` |")
    remedies = [f"| {name} | {remedy} |" for name, remedy in sorted(NEAREST_REWRITE.items())]
    return INTRODUCTION + "\n".join(rows) + "\n" + REFUSED + "\n".join(remedies) + "\n"


def _summary(documented: object) -> str:
    """The first paragraph of a docstring, on one line."""
    text = inspect.getdoc(documented) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
