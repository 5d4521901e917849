"""The table of layers in docs/cells.md says what the code says."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest
from torch import nn

DOCS = Path(__file__).parents[2] / "docs" / "cells.md"
ROWS: list[tuple[str, str]] = re.findall(
    r"^\| `(edgeeeg\.layers\.\w+)` \| `(.+?)` \|", DOCS.read_text("utf-8"), re.M
)


def described(layer: type[nn.Module]) -> str:
    """A layer's constructor as the table writes it: its arguments and their defaults, without types."""
    signature = inspect.signature(layer)
    bare = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
    arguments = signature.replace(parameters=bare, return_annotation=signature.empty)
    return f"{layer.__name__}{arguments}"


def test_the_table_has_every_recurrent_layer() -> None:
    assert len(ROWS) == 17


@pytest.mark.parametrize(("module", "constructor"), ROWS, ids=[row[1].split("(")[0] for row in ROWS])
def test_constructors_are_those_of_the_code(module: str, constructor: str) -> None:
    layer = getattr(importlib.import_module(module), constructor.split("(")[0])
    assert described(layer) == constructor
