"""C++ includes the headers and links with the C."""

from __future__ import annotations

import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets import c
from edgeeeg_export.targets.c_function import emit_function
from edgeeeg_export.tensor import TensorType
from edgeeeg_export.toolchain import compile_object

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")

STREAM = """
#include "edgeeeg_model.h"
int main() {
    static edgeeeg_model_t model;
    static golden_outputs_t outputs;
    const int16_t samples[4] = {1, 2, 3, 4};
    golden_init(&model);
    golden_push_eeg(&model, samples, 2);
    return golden_step(&model, &outputs) == 1 ? 0 : 1;
}
"""

FUNCTION = """
#include "golden.h"
int main() {
    static golden_t model;
    static float x[16], y[16];
    golden_run(&model, x, y);
    return 0;
}
"""


@pytest.fixture(scope="module")
def graph():
    return runpy.run_path(str(Path(__file__).parents[2] / "update_golden.py"))["graph"]()


def run(folder, text):
    (folder / "main.cpp").write_text(text)
    c_object = compile_object(folder / "golden.c", folder / "golden.o")
    warnings = ("-std=c++11", "-pedantic", "-Wall", "-Wextra", "-Werror")
    subprocess.run(["g++", *warnings, folder / "main.cpp", c_object, "-o", folder / "main"], check=True)
    return subprocess.run([folder / "main"], check=False).returncode


def test_a_streaming_program(graph, tmp_path):
    program = c.emit(stream(graph), 0.125)
    assert run(program.write(tmp_path), STREAM) == 0


def test_a_function(graph, tmp_path):
    c.emit(stream(graph), 0.125).write(tmp_path)  # for the runtime headers
    relu = Node("relu", Relu(), ("x",), ("y",))
    function = emit_function(Graph("golden", {"x": TensorType((1, 16))}, ("y",), (relu,), {}))
    for name, text in function.files.items():
        (tmp_path / name).write_text(text)
    assert run(tmp_path, FUNCTION) == 0
