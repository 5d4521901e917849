"""Events give what the dense form gives, bit for bit, on the host and on the boards."""

from __future__ import annotations

import dataclasses

import pytest
from event_cases import event_cases

from edgeeeg_bridge.kernel_case import checksum_in_numpy
from edgeeeg_bridge.kernel_check import checksums_on_board, checksums_on_host
from edgeeeg_bridge.kernel_source import kernel_source
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.quantized_linear import QuantizedLinear

CASES = event_cases()


@pytest.fixture(scope="module")
def expected():
    return {case.name: checksum_in_numpy(case) for case in CASES}


def test_the_host_agrees(expected, tmp_path):
    assert checksums_on_host(CASES, tmp_path) == expected


@pytest.mark.parametrize("board", ["qemu:mps2-an386", "qemu:mps2-an500", "qemu:mps3-an547"])
def test_boards_agree(board, expected, tmp_path):
    assert checksums_on_board(CASES, tmp_path, board) == expected


def test_the_dense_form_agrees(expected):
    dense = [
        dataclasses.replace(
            case, op=Linear() if case.op.kind == "EventLinear" else QuantizedLinear(width=case.op.width)
        )
        for case in CASES
    ]
    assert {case.name: checksum_in_numpy(case) for case in dense} == expected


def test_both_forms_are_in_the_source():
    text = kernel_source(CASES)
    assert "edgeeeg_add_rows(places" in text
    assert "edgeeeg_linear(" in text
    assert "edgeeeg_add_rows_int8(places" in text
