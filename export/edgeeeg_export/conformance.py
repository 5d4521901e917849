"""The official ONNX backend node tests, run in the NumPy reference and in compiled C.

Each case is one operator (or its expansion into others) with inputs and the outputs that the standard
expects. A program's tensors are float32, so a case whose data are integers or doubles is refused by name.
Integer inputs beside float data (shapes, axes, indices) are frozen to constants, and so are the rest behind
the first input where an operator needs them constant (weights, bounds).
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from edgeeeg_export import reference
from edgeeeg_export.errors import ExportError, ToolchainError
from edgeeeg_export.graph import Graph
from edgeeeg_export.importer import OPSETS, import_onnx
from edgeeeg_export.targets.c_function import CFunction, emit_function
from edgeeeg_export.targets.native_function import NativeFunctions
from edgeeeg_export.tensor import Array

PROGRAMS_PER_LIBRARY = 100
"""Few enough for the compiler's memory, many enough that reading the kernels does not count."""


@dataclass(frozen=True, slots=True)
class Conformance:
    """Names of the cases that passed, why others failed, and why the rest are outside the set."""

    passed: tuple[str, ...]
    failed: Mapping[str, str]
    refused: Mapping[str, str]

    @property
    def ran(self) -> int:
        """Cases that were run, in NumPy and in C."""
        return len(self.passed) + len(self.failed)

    def to_json(self) -> dict[str, Any]:
        """Counts, and names with reasons."""
        return {
            "onnx": onnx.__version__,
            "ran": self.ran,
            "passed": len(self.passed),
            "failed": dict(self.failed),
            "refused": dict(self.refused),
        }


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A case inside the set: its graph, run-time inputs, and what the reference and the standard give."""

    graph: Graph
    inputs: Mapping[str, Array]
    truth: Mapping[str, Array]


class _Refused(Exception):
    """A case that the set does not hold; the message is the reason."""


def run_conformance(
    text: str = "", on_case: Callable[[int, int], None] = lambda done, total: None
) -> Conformance:
    """Run every node test whose name contains `text`.

    Parameters
    ----------
    text : str
        A part of the cases' names, such as `softmax`; all cases without it.
    on_case : callable, optional
        Told how many cases are prepared, of how many.

    Raises
    ------
    ExportError
        If no case bears such a name.
    """
    cases = [case for case in _collect() if text in case.name]
    if not cases:
        raise ExportError(f"no node test has '{text}' in its name: try a part of it, such as softmax")
    prepared: list[_Prepared] = []
    passed: list[str] = []
    failed: dict[str, str] = {}
    refused: dict[str, str] = {}
    for done, case in enumerate(cases):
        on_case(done, len(cases))
        try:
            prepared.append(_prepare(case))
        except _Refused as reason:
            refused[case.name] = str(reason)
        except Exception as error:  # whatever an operator trips over is that case's failure, not the run's
            failed[case.name] = f"{type(error).__name__}: {error}"
    for start in range(0, len(prepared), PROGRAMS_PER_LIBRARY):
        for name, fault in _run_in_c(prepared[start : start + PROGRAMS_PER_LIBRARY]).items():
            if fault is None:
                passed.append(name)
            else:
                failed[name] = fault
    on_case(len(cases), len(cases))
    return Conformance(tuple(passed), failed, refused)


def _collect() -> Sequence[Any]:
    """The cases that the onnx package generates."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the generators divide by zero on purpose
        return load_model_tests(kind="node")


def _prepare(case: Any) -> _Prepared:
    """The case as a graph whose NumPy run gives what the standard expects."""
    names = [value.name for value in case.model.graph.input]
    ((inputs, expected), *_) = case.data_sets
    # the generators give tensors without axes as NumPy scalars
    given = dict(zip(names, map(_array, inputs), strict=True))
    expected = [_array(value) for value in expected]
    for name, value in zip(case.model.graph.output, expected, strict=True):
        _require_representable(f"output '{name.name}'", value, (np.float32, np.bool_, np.int64))
    graph = _import(case, given)
    feeds = {name: np.asarray(given[name], dtype=np.float32) for name in graph.inputs}
    tensors = reference.run(graph, feeds).tensors
    for name, value in zip(graph.outputs, expected, strict=True):
        ours = tensors[name]
        if ours.shape != value.shape:
            raise AssertionError(f"output '{name}' is {ours.shape}, expected {value.shape}")
        truth = value.astype(np.float32)
        peak = np.abs(truth[np.isfinite(truth)]).max(initial=0.0)
        # the expected values are rounded too: an inverse transform leaves a bit of its peak where 0 is due
        atol = max(case.atol, float(np.spacing(peak)))
        np.testing.assert_allclose(ours, truth, case.rtol, atol, err_msg=name)
    return _Prepared(graph, feeds, tensors)


def _array(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, np.generic) else value


def _require_representable(what: str, value: Any, types: Sequence[type]) -> None:
    if not isinstance(value, np.ndarray) or value.dtype not in types:
        kind = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
        raise _Refused(f"{what} is {kind}; the tensors of a program are float32")


def _import(case: Any, given: Mapping[str, Any]) -> Graph:
    """The graph with as many inputs left open as the operators take at run time."""
    integers = {
        name
        for name, value in given.items()
        if isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.integer)
    }
    open_inputs = [name for name in given if name not in integers]
    if given and not open_inputs:
        raise _Refused("all of its inputs are integers; the tensors of a program are float32")
    for name in open_inputs:
        _require_representable(f"input '{name}'", given[name], (np.float32, np.bool_))
    attempts = [open_inputs, open_inputs[:1]] if len(open_inputs) > 1 else [open_inputs]
    reason = ""
    for attempt in attempts:
        frozen = {name: value for name, value in given.items() if name not in attempt}
        try:
            graph = import_onnx(_freeze(case.model, frozen), case.name, streaming=False)
        except ExportError as error:
            reason = str(error)
            continue
        if graph.nodes:
            return graph
        reason = "it folds to constants: nothing is left to run"
    raise _Refused(reason)


def _freeze(model: onnx.ModelProto, values: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """The model with these inputs as constants, at the oldest opset read if its operator is older still."""
    frozen = onnx.ModelProto()
    frozen.CopyFrom(model)
    kept = [value for value in model.graph.input if value.name not in values]
    del frozen.graph.input[:]
    frozen.graph.input.extend(kept)
    frozen.graph.initializer.extend(numpy_helper.from_array(v, name) for name, v in values.items())
    for opset in frozen.opset_import:
        if opset.domain in ("", "ai.onnx"):
            opset.version = max(opset.version, OPSETS.start)
    return frozen


def _run_in_c(cases: Sequence[_Prepared]) -> dict[str, str | None]:
    """Compile the cases into one library and run them; why each failed, or None."""
    outcome: dict[str, str | None] = {}
    programs: list[CFunction] = []
    for case in cases:
        try:
            programs.append(emit_function(case.graph))
        except Exception as error:  # as in run_conformance
            outcome[case.graph.name] = f"C: {type(error).__name__}: {error}"
    with tempfile.TemporaryDirectory() as scratch:
        try:
            functions = NativeFunctions(programs, Path(scratch))
        except ToolchainError as error:
            if len(cases) == 1:
                return {cases[0].graph.name: f"C: {error}"}
            # one program that does not compile must not fail the rest
            return {name: why for case in cases for name, why in _run_in_c([case]).items()}
        for case in cases:
            if case.graph.name in outcome:
                continue
            results = functions.run(case.graph.name, case.inputs)
            differing = [name for name, value in results.items() if not _same_bits(value, case.truth[name])]
            outcome[case.graph.name] = f"C: {differing} differ from NumPy" if differing else None
    return outcome


def _same_bits(a: Array, b: Array) -> bool:
    """Equal to the last bit; IEEE leaves a NaN's sign and payload open."""
    numbers = ~np.isnan(b)
    return bool(
        np.array_equal(np.isnan(a), ~numbers)
        and np.array_equal(a[numbers].view(np.uint32), b[numbers].view(np.uint32))
    )
