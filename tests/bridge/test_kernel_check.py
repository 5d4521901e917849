"""Operators over a million drawn values each: NumPy, C on the host and C on every board, by checksum."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from integer_kernel_cases import INTEGER_KERNELS
from kernel_cases import CASES

from edgeeeg_bridge.build import PORTS
from edgeeeg_bridge.errors import BuildError, IllegalCase, LinkLost
from edgeeeg_bridge.kernel_case import SEED, KernelCase, Operand, checksum_in_numpy
from edgeeeg_bridge.kernel_check import checksums_on_board, checksums_on_host
from edgeeeg_bridge.operand_draw import draw_words, uniform
from edgeeeg_export.errors import GraphError
from edgeeeg_export.ops.lif import Lif
from edgeeeg_export.ops.tanh import Tanh

MILLION = 1_000_000
ALL = (*CASES, *INTEGER_KERNELS)


@pytest.fixture(scope="module")
def expected() -> dict[str, int]:
    return {case.name: checksum_in_numpy(case) for case in ALL}


def test_every_case_covers_a_million_values() -> None:
    assert {case.name: case.n_values for case in CASES if case.n_values < MILLION} == {}


def test_every_kernel_of_an_integer_layer_has_cases() -> None:
    """Of those that the operators of the cases offer."""
    offered = {k.name for case in INTEGER_KERNELS for k in case.op.kernels(case.input_types)}
    assert {case.kernel for case in INTEGER_KERNELS} == offered


def test_the_host_agrees_with_numpy_in_every_bit(expected: dict[str, int], tmp_path: Path) -> None:
    assert checksums_on_host(ALL, tmp_path) == expected


@pytest.mark.parametrize("board", PORTS)
def test_a_board_agrees_with_numpy_in_every_bit(
    board: str, expected: dict[str, int], firmware_elf: Path, tmp_path: Path
) -> None:
    half = len(ALL) // 2  # all of them are more than the 512 KB of code that the M55 board has
    first = checksums_on_board(ALL[:half], tmp_path / "first", board)
    assert first | checksums_on_board(ALL[half:], tmp_path / "second", board) == expected


SIGNAL = Operand((512,), uniform(-3.0, 3.0))
SHORT = KernelCase("tanh", Tanh(), (SIGNAL,), 4)


def test_one_wrong_value_in_a_million_is_found(tmp_path: Path) -> None:
    rounds = MILLION // 512
    words, _ = draw_words(SEED, 512 * rounds)
    unlucky = float(SIGNAL.draw.numpy(words)[-1]).hex()

    @dataclass(frozen=True, slots=True)
    class WrongOnce(Tanh):
        c_expression: ClassVar[str] = f"(v == {unlucky}f ? v : edgeeeg_tanh(v))"

    right = KernelCase("right", Tanh(), (SIGNAL,), rounds)
    wrong = KernelCase("wrong", WrongOnce(), (SIGNAL,), rounds)
    sums = checksums_on_host((right, wrong), tmp_path)
    assert sums["right"] == checksum_in_numpy(right) == checksum_in_numpy(wrong) != sums["wrong"]


def test_a_state_is_carried_from_round_to_round_and_summed() -> None:
    """Neurons that never fire: what remains of them differs all the same."""

    def silent(high: float, rounds: int) -> KernelCase:
        x = Operand((1, 2, 4), uniform(0.0, high), time_axis=1)
        beta, threshold = (Operand((4,), uniform(low, low + 0.5), held=True) for low in (0.5, 9.0))
        return KernelCase("lif", Lif(), (x, beta, threshold), rounds)

    assert len({checksum_in_numpy(silent(high, n)) for high in (0.1, 0.2) for n in (1, 2)}) == 4


def test_a_case_that_cannot_be_is_refused() -> None:
    with pytest.raises(IllegalCase, match="'Tanh 1' is no name of a C function"):
        KernelCase("Tanh 1", Tanh(), (SIGNAL,), 1)
    with pytest.raises(IllegalCase, match="case tanh has 0 rounds"):
        KernelCase("tanh", Tanh(), (SIGNAL,), 0)
    with pytest.raises(GraphError, match="time"):
        KernelCase("lif", Lif(), (SIGNAL,) * 3, 1)


def test_cases_need_names_of_their_own(tmp_path: Path) -> None:
    with pytest.raises(IllegalCase, match="cases tanh, tanh: give 1 to 256"):
        checksums_on_host((SHORT, SHORT), tmp_path)
    with pytest.raises(IllegalCase, match="cases none"):
        checksums_on_host((), tmp_path)


def test_a_board_without_an_emulator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="nrf52840 is not emulated"):
        checksums_on_board((SHORT,), tmp_path, "nrf52840")


def test_a_case_that_does_not_end_is_named(firmware_elf: Path, tmp_path: Path) -> None:
    endless = KernelCase("endless", Tanh(), (SIGNAL,), 1 << 31)
    with pytest.raises(LinkLost, match=r"no checksum of endless on qemu:mps2-an386 within 0\.5 s"):
        checksums_on_board((endless,), tmp_path, "qemu:mps2-an386", timeout=0.5)
