"""What README.md shows is run: its Python example as it stands, its C loop against the exported model."""

from __future__ import annotations

import re
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from edgeeeg.bundle import Bundle
from edgeeeg_export.boards import find_board, memory_of
from edgeeeg_export.toolchain import C_FLAGS

ROOT = Path(__file__).parents[1]


def block(language: str, text: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_example_is_fifteen_lines_and_exports(readme, tmp_path, monkeypatch):
    code = block("python", readme)
    assert len([line for line in code.splitlines() if line.strip()]) <= 16
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    bundle = Bundle.load(tmp_path / "runs" / "mine")
    assert bundle.manifest.input.ch_names == ("Fp1", "Fp2")
    assert bundle.manifest.c.struct_bytes < memory_of(find_board("nrf52840")).ram_bytes


def test_the_cell_of_ones_own_in_the_docs_exports(tmp_path, monkeypatch):
    from edgeeeg_export.pipeline import export_model

    code = block("python", (ROOT / "docs" / "cells.md").read_text(encoding="utf-8"))
    (tmp_path / "own_cell.py").write_text(code)  # torch reads the module that a step was written in
    monkeypatch.syspath_prepend(tmp_path)
    own_layer: Any = import_module("own_cell").OwnLayer

    class Network(own_layer):
        n_chans, n_times, sfreq = 2, 64, 256.0

        def forward(self, x):
            return super().forward(x.transpose(1, 2) * 0.02)

    (layer,) = export_model(Network(2), tmp_path / "own").manifest.states
    assert (layer.name, layer.shape) == ("scan.memory_0", (1, 2))


def test_the_c_example_compiles_against_an_export(readme, tmp_path):
    from edgeeeg_export.loading import load_model
    from edgeeeg_export.pipeline import compile_model

    program = compile_model(load_model("edge-detector"), name="detector").subject.program
    folder = program.write(tmp_path / "c")
    main = tmp_path / "main.c"
    main.write_text(
        '#include "detector.h"\nextern const int16_t *adc_samples;\nextern size_t n_frames;\n'
        f"void report(float score);\nvoid run(void);\nvoid run(void) {{\n{block('c', readme)}}}\n"
    )
    subprocess.run(["gcc", *C_FLAGS, "-I", folder, "-c", main, "-o", tmp_path / "main.o"], check=True)


def test_every_file_that_the_readme_points_to_exists(readme):
    for target in re.findall(r"\]\(([^)#]+)\)", readme):
        assert (ROOT / target).exists(), target


def test_the_readme_names_the_flags_that_keep_the_bits(readme):
    before = readme.partition("```c\n")[0]
    for flag in ("-std=c99", "-ffp-contract=off", "-fno-math-errno"):
        assert flag in C_FLAGS
        assert flag in before
