"""A board emulated by QEMU, with its UART on a TCP socket: to the host a board like any other."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

from edgeeeg_bridge.errors import EmulatorError
from edgeeeg_export.toolchain import find_program

EMULATOR = "qemu-system-arm"
_HEADLESS = ("-display", "none", "-monitor", "none")
EXEC_SECONDS = 5.0
"""How long the command prefix may take to start QEMU."""


class EmulatedBoard:
    """QEMU running a firmware; a context manager that leaves no QEMU behind.

    `url` is for `Device` and pyserial. The board runs, whether or not anybody is connected, until the context
    ends or `wait_exit` is called.

    Parameters
    ----------
    elf
        Firmware, see `edgeeeg_bridge.build.build_firmware`.
    machine
        QEMU's machine name.
    extra_args
        Further arguments for QEMU, such as `("-plugin", "counter.so")`.

    Raises
    ------
    MissingDependency
        QEMU is not installed.
    """

    def __init__(self, elf: Path, machine: str = "mps2-an386", extra_args: tuple[str, ...] = ()) -> None:
        self._command = (find_program(EMULATOR), "-M", machine, "-kernel", str(elf), *extra_args)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> EmulatedBoard:
        # The socket listens before QEMU starts and is handed over open: no port can be taken in between, and
        # no host can come too early.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.url = f"socket://127.0.0.1:{listener.getsockname()[1]}"
            # Without nodelay TCP holds the UART's single bytes back for 40 ms at a time.
            uart = f"socket,id=uart,fd={listener.fileno()},server=on,wait=off,nodelay=on"
            self._log = tempfile.TemporaryFile()
            self._process = subprocess.Popen(
                [*_dies_with_us(), *self._command, *_HEADLESS, "-chardev", uart, "-serial", "chardev:uart"],
                pass_fds=(listener.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,  # Ctrl-C is for the host, which then asks QEMU to leave
            )
        _wait_for_exec(self._process)
        return self

    def wait_exit(self, timeout: float = 10.0) -> None:
        """Ask QEMU to leave and wait until it has: what its plugins write at exit is complete then.

        Raises
        ------
        EmulatorError
            QEMU had left before, or does not leave within `timeout` seconds and was killed.
        """
        process, self._process = self._process, None
        if process is None:
            return
        with self._log:
            left_before = process.poll()
            process.terminate()
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise EmulatorError(f"QEMU did not leave within {timeout:g} s and was killed") from None
            if left_before is not None:
                self._log.seek(0)
                said = self._log.read().decode(errors="replace").strip() or "without a word"
                raise EmulatorError(f"QEMU left early with status {left_before}: {said}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wait_exit()


def _wait_for_exec(process: subprocess.Popen[bytes]) -> None:
    """Wait until the prefix has become QEMU: killed before that, this process would leave it behind."""
    prefix = _dies_with_us()
    running = Path(f"/proc/{process.pid}/exe")
    deadline = time.monotonic() + EXEC_SECONDS
    while prefix and process.poll() is None and time.monotonic() < deadline:
        try:
            if not running.samefile(prefix[0]):
                return
        except FileNotFoundError:  # it has just left
            return
        time.sleep(0.001)


def _dies_with_us() -> tuple[str, ...]:
    """Command prefix that ends QEMU when this process is killed; util-linux, so all of Linux, has it."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM", "--") if setpriv is not None else ()
