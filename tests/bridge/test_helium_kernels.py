"""Kernels of Helium on an emulated Cortex-M55, held to NumPy bit by bit."""

from __future__ import annotations

from pathlib import Path

from helium_cases import CASES

from edgeeeg_bridge.kernel_case import checksum_in_numpy
from edgeeeg_bridge.kernel_check import checksums_on_board

AT_A_TIME = 44  # what the code memory of the board holds


def test_every_kernel_of_helium_agrees_with_numpy_in_every_bit(firmware_elf: Path, tmp_path: Path) -> None:
    found: dict[str, int] = {}
    for first in range(0, len(CASES), AT_A_TIME):
        some = CASES[first : first + AT_A_TIME]
        found |= checksums_on_board(some, tmp_path / str(first), "qemu:mps3-an547")
    assert found == {case.name: checksum_in_numpy(case) for case in CASES}


def test_the_cases_cover_every_kernel_in_all_widths() -> None:
    of_helium = {"dense", "slide", "columns", "across"}
    assert {case.kernel for case in CASES} == of_helium
    pairs = {(case.kernel, case.input_types[0].dtype, case.output_types[0].dtype) for case in CASES}
    assert len(pairs) == 4 * len(of_helium)
