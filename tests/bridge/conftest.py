"""The firmware's C compiled for the host, the fake model in NumPy, and a wire with faults."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from session_bench import Bench

from edgeeeg_bridge.build import build_firmware, firmware_directory

HERE = Path(__file__).parent
FAKE_MODEL = HERE / "fake_model"
LSB_UV = np.float32(0.125)
LEAK = np.float32(0.96875)


@pytest.fixture(scope="session")
def fake_model_directory() -> Path:
    return FAKE_MODEL


@pytest.fixture(scope="session")
def c_link(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed: apt-get install gcc")
    return build_c_link(tmp_path_factory.mktemp("c_link"))


def build_c_link(directory: Path) -> ctypes.CDLL:
    """framing.c, link.c and the fake model as a library of the host; undefined behaviour ends the process."""
    library = directory / "link.so"
    firmware = firmware_directory()
    sources = [
        firmware / "framing.c",
        firmware / "link.c",
        FAKE_MODEL / "edgeeeg_model.c",
        HERE / "host_link.c",
    ]
    flags = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", "-shared", "-fPIC"]
    checks = ["-fsanitize=undefined,bounds-strict", "-fsanitize-undefined-trap-on-error"]
    includes = [f"-I{firmware}", f"-I{FAKE_MODEL}"]
    command = ["gcc", *flags, *checks, *includes, *map(str, sources), "-o", str(library)]
    subprocess.run(command, check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.host_link_create.restype = ctypes.c_void_p
    loaded.host_link_destroy.argtypes = [ctypes.c_void_p]
    loaded.host_link_announce.argtypes = [ctypes.c_void_p]
    loaded.host_link_receive.restype = ctypes.c_size_t
    loaded.host_link_receive.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.POINTER(ctypes.POINTER(ctypes.c_uint8)),
    ]
    loaded.frame_encode.restype = ctypes.c_size_t
    return loaded


class CBoard:
    """One board whose link is the firmware's C: bytes in, bytes out."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._host = library.host_link_create()

    def receive(self, data: bytes) -> bytes:
        answer = ctypes.POINTER(ctypes.c_uint8)()
        n = self._library.host_link_receive(self._host, data, len(data), ctypes.byref(answer))
        return ctypes.string_at(answer, n)

    def restart(self) -> bytes:
        """Begin anew, as after a power-on, and return the announcement."""
        self.close()
        self._host = self._library.host_link_create()
        self._library.host_link_announce(self._host)
        return self.receive(b"")

    def close(self) -> None:
        self._library.host_link_destroy(self._host)


@pytest.fixture
def c_board(c_link: ctypes.CDLL) -> Iterator[CBoard]:
    board = CBoard(c_link)
    yield board
    board.close()


@pytest.fixture(scope="session")
def firmware_elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware with the fake model, for QEMU; skips where the tools are missing."""
    for program, package in (
        ("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi"),
        ("qemu-system-arm", "qemu-system-arm"),
    ):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt-get install {package}")
    return build_firmware(FAKE_MODEL, tmp_path_factory.mktemp("firmware"))


def fake_outputs(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """The fake model in NumPy: samples (n_times, 2) in counts, outputs (n_times // 4, 5), bit for bit."""
    n_steps = len(samples) // 4
    outputs = np.zeros((n_steps, 5), np.float32)
    level = np.zeros(2, np.float32)
    first = 0
    for step in range(n_steps):
        for frame in samples[4 * step : 4 * step + 4].astype(np.float32):
            level = level * LEAK + frame * LSB_UV
        if step % 1152 == 0:
            first = int(samples[4 * step, 0]) & 0xFF
        outputs[step, :4] = *level, level[0] + level[1], level[0] - level[1]
        outputs.view(np.uint32)[step, 4] = 0x7F800001 + step % 1000 + first
    return outputs


@pytest.fixture(scope="session")
def reference() -> Callable[[NDArray[np.int16]], NDArray[np.float32]]:
    return fake_outputs


@pytest.fixture
def recording() -> NDArray[np.int16]:
    """Counts (2000, 2) of 500 steps."""
    return np.random.default_rng(20).integers(-2000, 2000, (2000, 2), dtype=np.int16)


def _drop(data: bytearray, at: int, rng: np.random.Generator) -> None:
    del data[at]


def _flip(data: bytearray, at: int, rng: np.random.Generator) -> None:
    data[at] ^= 1 << int(rng.integers(8))


def _duplicate(data: bytearray, at: int, rng: np.random.Generator) -> None:
    data.insert(at, data[at])


def _insert(data: bytearray, at: int, rng: np.random.Generator) -> None:
    data.insert(at, int(rng.integers(256)))


def _stray_zero(data: bytearray, at: int, rng: np.random.Generator) -> None:
    data.insert(at, 0)


def _burst(data: bytearray, at: int, rng: np.random.Generator) -> None:
    length = int(rng.integers(2, 60))
    data[at : at + length] = rng.bytes(min(length, len(data) - at))


FAULTS = {
    "drop": _drop,
    "flip": _flip,
    "duplicate": _duplicate,
    "insert": _insert,
    "stray zero": _stray_zero,
    "burst": _burst,
}


class FaultyWire:
    """Damages a given share of the bytes it carries, with faults of the kinds named."""

    def __init__(self, kinds: tuple[str, ...], rate: float, seed: int) -> None:
        self._kinds = kinds
        self._rate = rate
        self._rng = np.random.default_rng(seed)
        self.faults = 0

    def carry(self, data: bytes) -> bytes:
        damaged = bytearray(data)
        # From the end, so that a fault moves none of the places still to come.
        for at in np.flatnonzero(self._rng.random(len(data)) < self._rate)[::-1]:
            kind = self._kinds[int(self._rng.integers(len(self._kinds)))]
            if at < len(damaged):
                FAULTS[kind](damaged, int(at), self._rng)
                self.faults += 1
        return bytes(damaged)


@pytest.fixture
def faulty_wire() -> Callable[..., FaultyWire]:
    return FaultyWire


@pytest.fixture
def bench(c_board) -> Bench:
    bench = Bench(c_board)
    bench.open()
    return bench
