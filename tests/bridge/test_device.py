"""The firmware on an emulated Cortex-M4, end to end over the serial port."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeeeg_bridge.device import Device
from edgeeeg_bridge.emulator import EmulatedBoard
from edgeeeg_bridge.errors import BoardRefused, PortError, UnusableStream
from edgeeeg_bridge.framing import encode_frame
from edgeeeg_bridge.messages import Samples
from edgeeeg_bridge.port import Port


@pytest.fixture(scope="module")
def emulated(firmware_elf: Path) -> Iterator[EmulatedBoard]:
    with EmulatedBoard(firmware_elf) as board:
        yield board


@pytest.fixture
def device(emulated: EmulatedBoard) -> Iterator[Device]:
    with Device(emulated.url) as device:
        device.reset()
        yield device


def same_bits(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def test_the_hello_says_what_runs(device: Device) -> None:
    hello = device.hello
    assert (hello.model_hash, hello.hop, hello.n_chans, hello.n_outputs) == ("0123456789abcdef", 4, 2, 5)
    assert (hello.lsb_uv, hello.saved_bytes, hello.exception) == (0.125, 1200, 0)


@pytest.mark.parametrize("chunk", [1, 3, None, 100])
def test_outputs_have_the_models_bits_for_any_chunk(device, recording, reference, chunk: int | None) -> None:
    assert same_bits(device.stream(recording, chunk), reference(recording))


def test_streams_follow_one_another_without_a_seam(device, recording, reference) -> None:
    parts = [device.stream(part) for part in np.split(recording, [1, 7, 500, 1501])]
    assert same_bits(np.concatenate(parts), reference(recording))


def test_progress_counts_frames_to_the_end(device, recording) -> None:
    seen: list[int] = []
    device.stream(recording, 7, seen.append)
    assert seen == [*range(7, 2000, 7), 2000]


def test_the_counters_and_the_stack_are_real(device, recording) -> None:
    before = device.stats()
    device.stream(recording)
    after = device.stats()
    assert after.steps - before.steps == 500
    assert after.frames_received - before.frames_received == 501
    assert after.uptime_ms > before.uptime_ms
    assert 0 < after.stack_high_water < after.stack_size == 8192
    assert after.rx_overruns == 0


def test_a_state_saved_on_one_board_continues_on_another(firmware_elf, device, recording, reference) -> None:
    device.stream(recording[:1002], 3)
    state = device.save()
    with EmulatedBoard(firmware_elf) as other, Device(other.url) as continued:
        continued.restore(state)
        assert same_bits(continued.stream(recording[1002:]), reference(recording)[250:])


def test_a_state_that_is_not_the_models_is_refused(device) -> None:
    state = device.save()
    with pytest.raises(BoardRefused, match=r"no state of the model it runs \(code 5, detail -3\)"):
        device.restore(b"?" + state[1:])
    with pytest.raises(UnusableStream, match="5000 bytes cannot belong to model 0123456789abcdef"):
        device.restore(bytes(5000))


def test_an_error_of_the_model_ends_the_stream_and_a_reset_heals_it(device, recording, reference) -> None:
    bad = recording.copy()
    bad[1000, 1] = -32768
    with pytest.raises(BoardRefused, match=r"the model returned an error \(code 4, detail -7\)"):
        device.stream(bad)
    device.reset()
    assert same_bits(device.stream(recording), reference(recording))


@pytest.mark.parametrize(
    ("samples", "chunk", "message"),
    [
        (np.zeros((8, 2), np.float32), None, "must be int16 counts, not float32"),
        (np.zeros((8, 3), np.int16), None, r"shape \(8, 3\), the model takes \(n_times, 2\)"),
        (np.zeros(8, np.int16), None, "shape"),
        (np.zeros((8, 2), np.int16), 0, "this model takes 1 to 100"),
        (np.zeros((8, 2), np.int16), 101, "this model takes 1 to 100"),
    ],
)
def test_unusable_samples_are_refused_before_they_are_sent(device, samples, chunk, message: str) -> None:
    with pytest.raises(UnusableStream, match=message):
        device.stream(samples, chunk)


def test_no_samples_give_no_outputs(device) -> None:
    assert device.stream(np.zeros((0, 2), np.int16)).shape == (0, 5)


def test_a_flush_gives_what_remains_until_nothing_does(device, recording, reference) -> None:
    """The fake model keeps two outputs, which it numbers; a reset begins another recording."""
    device.stream(recording[:1000])
    remaining = device.flush()
    assert (remaining.shape, remaining.dtype) == ((2, 5), np.float32)
    assert remaining[:, 0].tolist() == [1, 2]
    assert not remaining[:, 1:].any()
    assert device.flush().shape == (0, 5)
    device.reset()
    assert same_bits(device.stream(recording), reference(recording))
    assert len(device.flush()) == 2


def test_noise_and_a_frame_cut_in_the_middle_do_not_reach_the_model(emulated, recording, reference) -> None:
    with Device(emulated.url) as device:
        device.reset()
    with Port(emulated.url) as port:
        port.write(np.random.default_rng(3).bytes(3000))
        port.write(encode_frame(Samples(bytes(400)).payload())[:200])
    with Device(emulated.url) as device:
        assert same_bits(device.stream(recording), reference(recording))
        assert device.stats().rejected_frames > 0


class FaultyProxy:
    """Relays between a host and a board, damages bytes both ways, and may hang up on the host once."""

    def __init__(self, url: str, to_board, to_host, hang_up_after: int | None = None) -> None:
        host, port = url.removeprefix("socket://").split(":")
        self._board = socket.create_connection((host, int(port)))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stop, self._stopped = socket.socketpair()
        self._to_board, self._to_host, self._hang_up_after = to_board, to_host, hang_up_after
        self._thread = threading.Thread(target=self._serve)
        self.connections = 0
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> FaultyProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.close()
        self._thread.join()
        for end in (self._listener, self._board, self._stopped):
            end.close()

    def _serve(self) -> None:
        while self._stopped not in select.select([self._listener, self._stopped], [], [])[0]:
            host, _ = self._listener.accept()
            self.connections += 1
            with host:
                self._relay(host)

    def _relay(self, host: socket.socket) -> None:
        carried = 0
        while True:
            readable, _, _ = select.select([host, self._board, self._stopped], [], [])
            if self._board in readable:
                host.sendall(self._to_host(self._board.recv(4096)))
            if host in readable:
                data = host.recv(4096)
                self._board.sendall(self._to_board(data))
                carried += len(data)
                if not data or (self._hang_up_after is not None and carried > self._hang_up_after):
                    self._hang_up_after = None
                    return
            if self._stopped in readable:
                return


def test_a_line_that_breaks_in_mid_stream_is_opened_again_and_loses_nothing(
    emulated, recording, reference
) -> None:
    with (
        FaultyProxy(emulated.url, bytes, bytes, hang_up_after=5000) as proxy,
        Device(proxy.url) as device,
    ):
        device.reset()
        assert same_bits(device.stream(recording), reference(recording))
        assert proxy.connections == 2


def test_line_noise_costs_repeats_and_no_output(emulated, faulty_wire, recording, reference) -> None:
    kinds = ("drop", "flip", "duplicate", "insert", "stray zero", "burst")
    there, back = faulty_wire(kinds, 0.001, 11), faulty_wire(kinds, 0.001, 12)
    with FaultyProxy(emulated.url, there.carry, back.carry) as proxy, Device(proxy.url) as device:
        device.reset()
        assert same_bits(device.stream(recording), reference(recording))
    assert min(there.faults, back.faults) > 5


def test_a_port_that_cannot_be_opened_is_named() -> None:
    with pytest.raises(PortError, match=r"cannot open /dev/no-such-port within 0 s"):
        Port("/dev/no-such-port", patience=0)
    with pytest.raises(PortError, match="is no serial port"):
        Port("nonsense://x", patience=0)
