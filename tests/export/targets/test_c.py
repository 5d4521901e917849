"""Generated C: deterministic, C99 without heap, stdio or globals, and the same bits from every compiler."""

from __future__ import annotations

import ctypes
import re
import runpy
import shutil
import subprocess
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.contract import stack_outputs
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.lif import Lif
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets import c
from edgeeeg_export.targets.c_layout import comment, lay_out_stream
from edgeeeg_export.tensor import TensorType

TESTS = Path(__file__).parents[2]
LSB = 2.0**-9
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
OPTIONS = ("-O0", "-O2", "-O3", "-Os", "-O3 -march=native")


@pytest.fixture(scope="module")
def offline():
    return runpy.run_path(str(TESTS / "update_golden.py"))["graph"]()


@pytest.fixture(scope="module")
def program(offline):
    return c.emit(stream(offline), LSB)


def shared(program, folder, compiler="gcc", options="-O2"):
    program.write(folder)
    library = folder / "libmodel.so"
    with as_file(files("edgeeeg_export").joinpath("runtime/edgeeeg_host.c")) as host:
        command = [compiler, "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off"]
        command += [*options.split(), "-shared", "-fPIC", "-I", str(folder)]
        command += [str(folder / f"{program.prefix}.c"), str(host), "-o", str(library)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return ctypes.CDLL(str(library))


class Instance:
    """One struct, and the generated functions called on it directly."""

    def __init__(self, library, program):
        self.library, self.program = library, program
        library.edgeeeg_host_size.restype = ctypes.c_size_t
        self.struct = ctypes.create_string_buffer(library.edgeeeg_host_size())
        self.call("init")

    def call(self, function, *arguments):
        return getattr(self.library, f"{self.program.prefix}_{function}")(self.struct, *arguments)

    def push(self, samples):
        suffix = "" if samples.dtype == np.int16 else "_f32"
        samples = np.ascontiguousarray(samples)
        pointer = samples.ctypes.data_as(ctypes.c_void_p)
        return self.call(f"push_eeg{suffix}", pointer, ctypes.c_size_t(len(samples)))

    def step(self):
        outputs = np.full(self.program.n_outputs, np.nan, dtype=np.float32)
        return self.call("step", outputs.ctypes.data_as(ctypes.c_void_p)), outputs

    def run(self, samples):
        rows = []
        for start in range(0, len(samples), self.program.hop):
            assert self.push(samples[start : start + self.program.hop]) == 0
            ready, outputs = self.step()
            assert ready == 1
            rows.append(outputs)
        return np.array(rows)

    def save(self, size=None):
        buffer = ctypes.create_string_buffer(self.program.saved_bytes)
        size = self.program.saved_bytes if size is None else size
        written = self.call("save", buffer, ctypes.c_size_t(size))
        return buffer.raw[:written]

    def restore(self, saved):
        return self.call("restore", saved, ctypes.c_size_t(len(saved)))


@pytest.fixture(scope="module")
def library(program, tmp_path_factory):
    return shared(program, tmp_path_factory.mktemp("golden"))


@pytest.fixture
def model(library, program):
    return Instance(library, program)


def same_bits(a, b):
    np.testing.assert_array_equal(np.asarray(a).view(np.uint32), np.asarray(b).view(np.uint32))


def test_the_same_graph_gives_the_same_bytes(offline, program):
    again = runpy.run_path(str(TESTS / "update_golden.py"))["graph"]()
    assert c.emit(stream(again), LSB).files == program.files


def test_no_heap_stdio_globals_or_foreign_headers(program):
    for name, text in program.files.items():
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        assert not re.search(r"\b(malloc|calloc|realloc|free|printf|fopen|memcpy|memset|goto)\b", code), name
        for header in re.findall(r"#include\s+(\S+)", code):
            own = header.strip('"<>') in program.files
            # those of the language and of the compiler, none of a library
            known = ("<stddef.h>", "<stdint.h>", "<arm_acle.h>", "<arm_mve.h>")
            assert own or header in known, (name, header)
        # at file scope: only types, functions and constants
        for line in code.splitlines():
            if line.startswith("static ") and "(" not in line.split("=")[0]:
                assert line.startswith("static const "), (name, line)
            assert not re.match(r"(float|int|uint\w+|size_t|double)\s+\w+(\[.*\])?\s*(=|;)", line), (
                name,
                line,
            )
            assert not re.match(r"\s+static\s+(?!inline)", line), (name, line)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_every_compiler_and_optimization_gives_the_same_bits(compiler, offline, program, counts, tmp_path):
    samples = counts(400, 2)
    x = np.ascontiguousarray(samples.T[None].astype(np.float32) * np.float32(LSB))
    truth = stack_outputs(stream(offline), reference.run(offline.with_frames(400), {"eeg": x}).tensors)
    assert truth.std() > 0.01
    for k, options in enumerate(OPTIONS):
        built = shared(program, tmp_path / str(k), compiler, options)
        same_bits(Instance(built, program).run(samples), truth)


def test_the_struct_has_the_size_that_is_reported(library, program, model):
    assert len(model.struct) == program.struct_bytes


def test_a_step_waits_for_a_full_hop(model):
    assert model.step()[0] == 0
    assert model.push(np.ones((1, 2), dtype=np.int16)) == 0
    assert model.step()[0] == 0
    assert model.push(np.ones((1, 2), dtype=np.int16)) == 0
    assert model.step()[0] == 1
    assert model.step()[0] == 0


def test_more_frames_than_a_hop_are_refused_and_nothing_is_taken(model):
    before = model.save()
    assert model.push(np.ones((3, 2), dtype=np.int16)) == -1
    assert model.save() == before
    model.push(np.ones((2, 2), dtype=np.int16))
    full = model.save()
    assert model.push(np.ones((1, 2), dtype=np.int16)) == -1
    assert model.save() == full


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_not_finite_is_refused_and_nothing_is_taken(model, value):
    before = model.save()
    assert model.push(np.array([[1.0, 2.0], [3.0, value]], dtype=np.float32)) == -2
    assert model.save() == before


def test_floats_and_counts_are_the_same_samples(library, program, counts):
    samples = counts(40, 2)
    floats = samples.astype(np.float32) * np.float32(LSB)
    same_bits(Instance(library, program).run(samples), Instance(library, program).run(floats))


def test_two_instances_do_not_meet(library, program, counts):
    first, second = counts(60, 2, seed=1), counts(60, 2, seed=2)
    a, b = Instance(library, program), Instance(library, program)
    rows_a, rows_b = [], []
    for start in range(0, 60, program.hop):
        rows_a.append(a.run(first[start : start + program.hop]))
        rows_b.append(b.run(second[start : start + program.hop]))
    same_bits(np.concatenate(rows_a), Instance(library, program).run(first))
    same_bits(np.concatenate(rows_b), Instance(library, program).run(second))


def test_a_restored_state_continues_as_the_saved_one(library, program, counts):
    samples = counts(61, 2)
    model = Instance(library, program)
    model.run(samples[:30])
    model.push(samples[30:31])  # half a hop waits
    saved = model.save()
    assert len(saved) == program.saved_bytes
    other = Instance(library, program)
    other.run(samples[:8])
    assert other.restore(saved) == 0
    assert other.save() == saved
    for instance in (model, other):
        instance.push(samples[31:32])
    same_bits(model.step()[1], other.step()[1])
    same_bits(model.run(samples[32:60]), other.run(samples[32:60]))


def test_init_forgets_everything(library, program, counts):
    model = Instance(library, program)
    fresh = model.save()
    first = model.run(counts(20, 2))
    assert model.save() != fresh
    model.call("init")
    assert model.save() == fresh
    same_bits(model.run(counts(20, 2)), first)


@pytest.mark.parametrize(
    "damage",
    [
        lambda saved: b"EEG2" + saved[4:],
        lambda saved: saved[:4] + bytes([saved[4] ^ 1]) + saved[5:],
        lambda saved: saved[:12] + (3).to_bytes(4, "little") + saved[16:],
        lambda saved: saved[:-1],
        lambda saved: saved + b"\0",
        lambda saved: b"",
    ],
    ids=["magic", "another model", "more frames than a hop", "truncated", "too long", "empty"],
)
def test_a_foreign_or_damaged_state_is_refused_and_changes_nothing(model, counts, damage):
    saved = model.save()
    model.run(counts(8, 2))
    before = model.save()
    assert model.restore(damage(saved)) == -3
    assert model.save() == before


def test_a_buffer_that_is_too_small_is_not_written(model, program):
    assert model.save(size=program.saved_bytes - 1) == b""


def test_names_that_are_no_c_identifiers(native, counts, as_input):
    """Foreign models number their tensors, repeat names after cleaning, and call them anything."""
    beta = {"é*/": np.full(2, 0.5, dtype=np.float32), "e__": np.full(2, 0.4, dtype=np.float32)}
    nodes = (
        Node("0", Transpose((0, 2, 1)), ("x.1",), ("12",), "*/ #error"),
        Node("a.b", Lif(), ("12", "é*/", "e__"), ("float",), "a\nb"),
        Node("a_b", Lif(), ("12", "é*/", "e__"), ("o.1",)),
        Node("1", Relu(), ("o.1",), ("o_1",)),
        Node("2", Relu(), ("float",), ("3",)),
    )
    x = {"x.1": TensorType((1, 2, 8), 2, 1)}
    graph = Graph("odd", x, ("float", "o.1", "o_1", "3"), nodes, beta)
    samples = counts(32, 2)
    truth = reference.run(graph.with_frames(32), {"x.1": as_input(samples)}).tensors
    same_bits(native(stream(graph)).push(samples), stack_outputs(stream(graph), truth))


def test_a_model_without_state_compiles(native, counts, as_input):
    graph = Graph(
        "relu", {"x": TensorType((1, 2, 8), 2, 1)}, ("y",), (Node("r", Relu(), ("x",), ("y",)),), {}
    )
    samples = counts(16, 2)
    same_bits(native(stream(graph)).push(samples), np.maximum(as_input(samples)[0].T, 0))
    text = c.emit(stream(graph), LSB).files["relu.h"]
    assert "state;" not in text


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, 0.1, 1e-45, 3.4028235e38, -1.17549435e-38, 16777217.0])
def test_literals_read_back_as_the_same_float(value):
    text = literal(value)
    assert text.endswith("f")
    assert np.float32(text[:-1]).view(np.uint32) == np.float32(value).view(np.uint32)


def test_a_comment_cannot_be_left():
    assert "*/" not in comment("a */ int x; /* b")
    assert "\n" not in comment("a\nb")


def test_sizes_follow_from_the_layout(offline, program):
    layout = lay_out_stream(stream(offline), LSB)
    assert program.state_bytes == 4 * (2 * (2 + 2) + 3)  # the cache with its newest frames, and the membranes
    assert program.saved_bytes == layout.saved_bytes == 16 + program.state_bytes + 4 * 2 * 2
    assert program.weight_bytes == 4 * (24 + 3 + 3 + 12 + 4)
