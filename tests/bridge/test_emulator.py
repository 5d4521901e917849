"""The emulated board starts, leaves, and takes nothing with it or behind it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgeeeg.errors import MissingDependency
from edgeeeg_bridge.device import Device
from edgeeeg_bridge.emulator import EmulatedBoard
from edgeeeg_bridge.errors import EmulatorError


def running(elf: Path) -> list[int]:
    """Process ids of the QEMUs that run this image."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except (NotADirectoryError, FileNotFoundError, ProcessLookupError):
            continue
        if b"qemu" in words[0] and bytes(elf) in words:
            found.append(int(entry.name))
    return found


def test_a_missing_emulator_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependency, match="apt-get install -y qemu-system-arm"):
        EmulatedBoard(tmp_path / "firmware.elf")


def test_the_context_leaves_no_emulator_behind(firmware_elf: Path) -> None:
    with pytest.raises(ZeroDivisionError), EmulatedBoard(firmware_elf) as board:  # noqa: PT012
        Device(board.url).close()
        assert len(running(firmware_elf)) == 1
        _ = 1 / 0
    assert running(firmware_elf) == []


def test_two_boards_run_side_by_side(firmware_elf: Path) -> None:
    with EmulatedBoard(firmware_elf) as one, EmulatedBoard(firmware_elf) as other:
        assert one.url != other.url
        with Device(one.url) as first, Device(other.url) as second:
            assert first.hello.model_hash == second.hello.model_hash == "0123456789abcdef"


def test_an_emulator_that_leaves_early_is_an_error_with_its_words(firmware_elf: Path) -> None:
    board = EmulatedBoard(firmware_elf, extra_args=("-no-such-option",))
    with pytest.raises(EmulatorError, match=r"status 1: .*no-such-option"), board:
        board._process.wait(10)


def test_wait_exit_lets_qemu_finish_what_it_writes(firmware_elf: Path, tmp_path: Path) -> None:
    log = tmp_path / "qemu.log"
    with EmulatedBoard(firmware_elf, extra_args=("-d", "cpu_reset", "-D", str(log))) as board:
        Device(board.url).close()
        board.wait_exit()
        assert log.stat().st_size > 0
        assert running(firmware_elf) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_an_emulator_dies_with_a_host_that_is_killed(firmware_elf: Path) -> None:
    script = (
        "import pathlib, sys, time\n"
        "from edgeeeg_bridge.emulator import EmulatedBoard\n"
        "with EmulatedBoard(pathlib.Path(sys.argv[1])) as board:\n"
        "    print(board._process.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, firmware_elf], stdout=subprocess.PIPE) as host:
        emulator = int(host.stdout.readline())
        descriptor = os.pidfd_open(emulator)
        host.send_signal(signal.SIGKILL)
    assert wait_for_exit(descriptor)


def wait_for_exit(descriptor: int) -> bool:
    """A process's descriptor becomes readable when it ends."""
    try:
        return bool(select.select([descriptor], [], [], 10)[0])
    finally:
        os.close(descriptor)
