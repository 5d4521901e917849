from dataclasses import replace

import pytest

from edgeeeg_export.boards import BOARDS, check_fit, find_board, fits, memory_of
from edgeeeg_export.errors import DoesNotFit, UnknownBoard


def test_emulated_machines_and_parts_are_listed():
    machines = {board.machine for board in BOARDS.values() if board.machine}
    assert machines == {"mps2-an386", "mps2-an500", "mps3-an547", "netduinoplus2"}
    with_firmware = [board.name for board in BOARDS.values() if board.firmware]
    assert with_firmware == ["qemu:mps2-an386", "qemu:mps2-an500", "qemu:mps3-an547"]
    assert all(board.source and board.gcc_flags and board.clock_hz > 0 for board in BOARDS.values())


def test_whatever_a_board_stands_for_is_a_real_part_with_the_same_core():
    for board in BOARDS.values():
        part = memory_of(board)
        assert part.stands_for is None
        assert part.core == board.core


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [("mps2-an386", "qemu:mps2-an386"), ("nrf52832", "nrf52840"), ("NRF52840", "nrf52840")],
)
def test_unknown_board_names_the_nearest_and_all(wrong, nearest):
    with pytest.raises(UnknownBoard) as caught:
        find_board(wrong)
    message = str(caught.value)
    assert f"did you mean {nearest}?" in message
    assert all(name in message for name in BOARDS)
    assert "\n" not in message


def test_unknown_board_without_a_near_name_guesses_none():
    with pytest.raises(UnknownBoard) as caught:
        find_board("zzzz")
    assert "did you mean" not in str(caught.value)


def test_fit_of_an_emulated_board_is_judged_by_the_part():
    emulated = find_board("qemu:mps2-an386")
    assert emulated.ram_bytes > 256 * 1024
    check_fit(emulated, 1024 * 1024, 256 * 1024)
    with pytest.raises(DoesNotFit) as caught:
        check_fit(emulated, 1000, 256 * 1024 + 1)
    message = str(caught.value)
    assert "judged as nrf52840" in message
    assert "RAM 262,145 bytes needed, 262,144 available" in message
    assert "flash" not in message
    assert "stm32l4p5" in message
    assert "nrf54l15" not in message
    assert "\n" not in message


def test_another_part_can_be_stood_for():
    emulated = replace(find_board("qemu:mps2-an386"), stands_for="stm32l451")
    assert not fits(emulated, 600 * 1024, 1024)
    assert fits(emulated, 500 * 1024, 1024)


def test_too_large_for_every_board_says_so():
    with pytest.raises(DoesNotFit, match="fits no known board"):
        check_fit(find_board("nrf52840"), 1 << 40, 1 << 40)
