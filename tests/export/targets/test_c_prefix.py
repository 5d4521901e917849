"""A prefix that is somebody else's is refused by name; those that are not refused compile."""

from __future__ import annotations

import re
import runpy
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from edgeeeg_bridge.build import firmware_directory
from edgeeeg_export.errors import ExportError
from edgeeeg_export.loading import load_model
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.pipeline import compile_model
from edgeeeg_export.targets import c
from edgeeeg_export.targets.c_prefix import require_prefix
from edgeeeg_export.toolchain import C_FLAGS


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("int", "a keyword of C"),
        ("class", "a keyword of C++"),
        ("uint8", "the stem of the type uint8_t"),
        ("int8", "int8_t"),
        ("size", "size_t"),
        ("div", "div_t"),
        ("math", "the stem of the header math.h"),
        ("string", "string.h"),
        ("link", "a file of the firmware"),
        ("edgeeeg", "the runtime's own symbols"),
        ("edgeeeg_model", "the runtime's own symbols"),
        ("edgeeeg_math", "the runtime's own symbols"),
    ],
)
def test_what_is_taken_is_named(name, what):
    with pytest.raises(ExportError) as refused:
        require_prefix(name)
    assert str(refused.value).startswith(f"'{name}' cannot be the symbol prefix")
    assert what in str(refused.value)
    assert str(refused.value).endswith("choose another --name")


def test_every_file_of_the_firmware_is_taken():
    for path in firmware_directory().glob("*.[ch]"):
        with pytest.raises(ExportError):
            require_prefix(path.stem)


def test_every_type_of_the_headers_that_a_program_includes_is_taken():
    headers = ("stddef", "stdint", "stdlib", "string", "time", "stdio", "signal", "setjmp")
    included = "".join(f"#include <{name}.h>\n" for name in headers)
    command = ["gcc", "-std=c99", "-E", "-P", "-"]
    text = subprocess.run(command, input=included, capture_output=True, text=True, check=True).stdout
    types = set(re.findall(r"\b([a-z][a-z0-9_]*)_t\b", text))
    assert {"size", "uint8", "div", "int_fast16"} <= types
    for stem in types:
        with pytest.raises(ExportError):
            require_prefix(stem)


def test_an_export_asks():
    with pytest.raises(ExportError, match="uint8_t"):
        compile_model(load_model("edge-detector"), name="uint8")


@pytest.mark.parametrize("name", ["model", "detector", "edgeeegs", "eeg", "score", "samples", "state", "i"])
def test_ordinary_names_compile(name, tmp_path):
    require_prefix(name)
    graph = runpy.run_path(str(Path(__file__).parents[2] / "update_golden.py"))["graph"]()
    folder = c.emit(stream(replace(graph, name=name)), 0.125).write(tmp_path)
    subprocess.run(["gcc", *C_FLAGS, "-c", folder / f"{name}.c", "-o", tmp_path / "model.o"], check=True)
