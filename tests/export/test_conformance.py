"""The standard's own node tests: every one inside the operator set passes in NumPy and in C."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from typer.testing import CliRunner

from edgeeeg.cli import build_app
from edgeeeg_export import conformance
from edgeeeg_export.ops import FROM_ONNX, abs
from edgeeeg_export.tensor import Array


@pytest.fixture(scope="module")
def result():
    return conformance.run_conformance()


def test_no_case_inside_the_set_fails(result):
    assert result.failed == {}
    assert result.ran >= 600


def test_every_case_runs_or_is_refused_with_a_reason(result):
    assert result.ran + len(result.refused) == len(conformance._collect())
    assert all(len(reason) > 20 and "\n" not in reason for reason in result.refused.values())


def test_operators_outside_the_set_are_refused_by_name(result):
    assert "ConvTranspose is outside the operator set; use Resize" in result.refused["test_convtranspose"]
    assert "is int8; the tensors of a program are float32" in result.refused["test_add_int8"]
    assert "is float64" in result.refused["test_bitcast_float64_to_int64"]


def test_no_reason_speaks_of_an_operator_of_the_set_as_outside(result):
    outside = (re.search(r": (\w+) is outside", reason) for reason in result.refused.values())
    assert not {match.group(1) for match in outside if match} & {name for _, name in FROM_ONNX}


@dataclass(frozen=True, slots=True)
class OffByOneBit(abs.Abs):
    """An operator whose C differs from NumPy in the last bit."""

    c_expression: ClassVar[str] = "(v < 0.0f ? -v : v) * 1.0000001f"


@dataclass(frozen=True, slots=True)
class Wrong(abs.Abs):
    """An operator that is not what the standard says, nor what its own C says."""

    @staticmethod
    def function(x: Array) -> Array:
        return -np.abs(x)


@dataclass(frozen=True, slots=True)
class DoesNotCompile(abs.Abs):
    c_expression: ClassVar[str] = "v +"


@pytest.mark.parametrize(
    ("operator", "why"),
    [(OffByOneBit, "differ from NumPy"), (Wrong, "Mismatched elements"), (DoesNotCompile, "gcc failed")],
)
def test_a_wrong_operator_fails_alone(monkeypatch, operator, why):
    monkeypatch.setitem(FROM_ONNX, ("", "Abs"), operator.from_onnx)
    result = conformance.run_conformance("_abs")
    assert list(result.failed) == ["test_abs"]
    assert why in result.failed["test_abs"]
    outcome = CliRunner().invoke(build_app(), ["conformance", "--filter", "test_abs"])
    assert outcome.exit_code == 1
    assert "failed test_abs" in outcome.stdout


def test_the_verb_prints_counts_and_reasons():
    outcome = CliRunner().invoke(build_app(), ["conformance", "--filter", "softsign", "--json"])
    assert outcome.exit_code == 0
    printed = json.loads(outcome.stdout)
    assert printed["ran"] == printed["passed"] >= 2
    assert printed["failed"] == {}
