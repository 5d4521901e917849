"""The serial port: the only file that knows pyserial.

A URL is a device (`/dev/ttyACM0`, `COM3`) or any URL of pyserial (`socket://host:port`, `rfc2217://…`).
"""

from __future__ import annotations

import time
from types import TracebackType

import serial

from edgeeeg_bridge.errors import PortError

_READ_AT_MOST = 65536
_REOPEN_PAUSE = 0.1


class Port:
    """An open serial port that opens itself again after the line failed.

    Bytes in transit when the line fails are lost; the session above repeats what they were.

    Parameters
    ----------
    url
        Device or pyserial URL.
    baudrate
        Bit/s; an emulated board takes any.
    patience
        Seconds to try opening before giving up.
    """

    def __init__(self, url: str, baudrate: int = 115200, patience: float = 5.0) -> None:
        self.url = url
        self.reopened = 0
        self._baudrate = baudrate
        self._patience = patience
        self._serial = self._open()

    def write(self, data: bytes) -> None:
        """Write all bytes."""
        if not data:
            return
        try:
            self._serial.write(data)
        except (serial.SerialException, OSError):
            self._reopen()

    def read(self, timeout: float) -> bytes:
        """Return what has arrived, waiting at most `timeout` seconds for a first byte; b"" for none."""
        try:
            self._serial.timeout = timeout
            first: bytes = self._serial.read(1)
            if not first:
                return b""
            self._serial.timeout = 0
            return first + self._serial.read(_READ_AT_MOST)
        except (serial.SerialException, OSError):
            self._reopen()
            return b""

    def close(self) -> None:
        """Close the port."""
        # pyserial leaves a socket open whose peer is gone: its shutdown fails before it comes to close it
        line = getattr(self._serial, "_socket", None)
        self._serial.close()
        if line is not None:
            line.close()

    def __enter__(self) -> Port:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _reopen(self) -> None:
        self.close()
        self._serial = self._open()
        self.reopened += 1

    def _open(self) -> serial.SerialBase:
        give_up = time.monotonic() + self._patience
        while True:
            try:
                return serial.serial_for_url(self.url, baudrate=self._baudrate)
            except (serial.SerialException, OSError) as error:
                if time.monotonic() >= give_up:
                    raise PortError(f"cannot open {self.url} within {self._patience:g} s: {error}") from error
            except ValueError as error:
                raise PortError(f"{self.url} is no serial port that can be opened: {error}") from error
            time.sleep(_REOPEN_PAUSE)
