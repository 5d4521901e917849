"""Four floors and no arrow back, and inside a component no module that imports itself through others."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = {
    "edgeeeg": ROOT / "edgeeeg",
    "edgeeeg_export": ROOT / "export" / "edgeeeg_export",
    "edgeeeg_bridge": ROOT / "firmware_bridge" / "edgeeeg_bridge",
    "edgeeeg_bench": ROOT / "benchmarks" / "edgeeeg_bench",
}
"""From the ground up."""

LINE_LIMIT = 400


def module_name(component, path):
    parts = path.relative_to(FLOORS[component]).with_suffix("").parts
    return ".".join((component, *(part for part in parts if part != "__init__")))


def modules():
    return {
        module_name(component, path): path
        for component, folder in FLOORS.items()
        for path in sorted(folder.rglob("*.py"))
    }


def imported(path, known, everywhere):
    """The modules that a file imports: anywhere in it, or only when it is loaded itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    # an import inside a function, or for type checkers alone, does not run on loading
    for statement in ast.walk(tree) if everywhere else tree.body:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            assert not statement.level, f"{path} uses a relative import"
            for alias in statement.names:
                submodule = f"{statement.module}.{alias.name}"
                yield submodule if submodule in known else statement.module


@pytest.mark.parametrize("component", FLOORS)
def test_imports_point_down(component):
    floors = list(FLOORS)
    above = set(floors[floors.index(component) + 1 :])
    for path in FLOORS[component].rglob("*.py"):
        found = {name.split(".")[0] for name in imported(path, (), everywhere=True)} & above
        assert not found, f"{path.relative_to(ROOT)} imports {', '.join(found)} from a floor above"


def test_no_import_cycles():
    known = modules()
    graph = {name: set(imported(path, known, everywhere=False)) & set(known) for name, path in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


def test_no_module_is_longer_than_a_concept():
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules().items()}
    assert not {name: length for name, length in lengths.items() if length > LINE_LIMIT}


def test_modules_are_named_after_concepts():
    assert not {name for name in modules() if name.split(".")[-1] in {"utils", "helpers", "common", "misc"}}
