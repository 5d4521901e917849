"""A board that runs an exported model, as the host sees it: samples in, outputs and states out."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from edgeeeg_bridge.errors import BoardRefused, UnusableStream
from edgeeeg_bridge.messages import (
    Command,
    Error,
    Flush,
    Hello,
    Outputs,
    Reply,
    Reset,
    Restore,
    Samples,
    Save,
    State,
    Stats,
    StatsRequest,
)
from edgeeeg_bridge.port import Port
from edgeeeg_bridge.protocol import (
    COMMAND_HEADER_BYTES,
    MAX_PAYLOAD,
    REPLY_HEADER_BYTES,
    STATE_PIECE_BYTES,
    ErrorCode,
)
from edgeeeg_bridge.session import Session

_REASONS = {
    ErrorCode.NO_SESSION: "it knows no session",
    ErrorCode.MALFORMED: "it could not read a command",
    ErrorCode.TOO_MANY_FRAMES: "the outputs of so many samples do not fit one message",
    ErrorCode.MODEL: "the model returned an error",
    ErrorCode.STATE: "that is no state of the model it runs",
}


class Device:
    """A connected board; a context manager.

    Parameters
    ----------
    url
        Serial device or pyserial URL.
    baudrate
        Bit/s; an emulated board takes any.
    timeout
        Seconds without progress until commands are repeated; an emulator needs 2 or more.
    """

    def __init__(self, url: str, baudrate: int = 115200, timeout: float = 2.0) -> None:
        self._port = Port(url, baudrate)
        self._timeout = timeout
        try:
            self.hello = self.connect()
        except BaseException:
            self._port.close()
            raise

    def connect(self) -> Hello:
        """Begin a new session and return what runs on the board; the model keeps its state.

        Raises
        ------
        LinkLost
            Nothing answers.
        MalformedMessage
            The board speaks another version of the protocol.
        """
        self._session = Session(1 + secrets.randbelow(2**32 - 1), self._timeout)
        self._session.open(time.monotonic())
        while self._session.hello is None:
            self._turn()
        self.hello = self._session.hello
        return self.hello

    @property
    def max_chunk(self) -> int:
        """Frames that one message may carry: their samples, and the outputs of their steps, fit it."""
        by_samples = (MAX_PAYLOAD - COMMAND_HEADER_BYTES) // (2 * self.hello.n_chans)
        steps = (MAX_PAYLOAD - REPLY_HEADER_BYTES) // (4 * self.hello.n_outputs)
        return min(by_samples, steps * self.hello.hop)

    def stream(
        self,
        samples: NDArray[np.int16],
        chunk: int | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> NDArray[np.float32]:
        """Send samples (n_times, n_chans), in counts of `lsb_uv` µV, and return outputs (n_steps, n_outputs).

        The bits of the outputs are those on the board. The model goes on from the state it is in, and samples
        that complete no step stay with it for the next call.

        Parameters
        ----------
        samples
            Interleaved by frame.
        chunk
            Frames in one message: 1 sends sample by sample; the model's hop where it is not given.
        on_progress
            Called with the number of frames that the board has answered.

        Raises
        ------
        UnusableStream
            Shape, type or chunk do not fit the model.
        BoardRefused
            The model returned an error.
        LinkLost
            The board stopped answering or restarted.
        """
        samples = np.asarray(samples)
        chunk = min(self.hello.hop, self.max_chunk) if chunk is None else chunk
        self._check_stream(samples, chunk)
        wire = np.ascontiguousarray(samples, dtype="<i2")
        commands = (Samples(wire[start : start + chunk].tobytes()) for start in range(0, len(wire), chunk))
        values = []
        for n_answered, reply in enumerate(self._exchange(commands), start=1):
            if isinstance(reply, Outputs):
                values.append(reply.values)
            if on_progress is not None:
                on_progress(min(n_answered * chunk, len(wire)))
        return self._outputs(values)

    def flush(self) -> NDArray[np.float32]:
        """End the recording and return the outputs (n_steps, n_outputs) that remain; then `reset`.

        Samples that complete no step are left out. Only a model that looks ahead has any.
        """
        values: list[bytes] = []
        while True:
            (reply,) = self._exchange_all(Flush())
            if not isinstance(reply, Outputs):
                raise BoardRefused(f"the board answered a flush with {type(reply).__name__}")
            if not reply.values:
                return self._outputs(values)
            values.append(reply.values)

    def _outputs(self, values: list[bytes]) -> NDArray[np.float32]:
        return np.frombuffer(b"".join(values), dtype="<f4").reshape(-1, self.hello.n_outputs).copy()

    def reset(self) -> None:
        """Put the model into its initial state."""
        self._exchange_all(Reset())

    def stats(self) -> Stats:
        """Return the board's counters."""
        (reply,) = self._exchange_all(StatsRequest())
        if not isinstance(reply, Stats):
            raise BoardRefused(f"the board answered a request for its counters with {type(reply).__name__}")
        return reply

    def save(self) -> bytes:
        """Return the model's state, which `restore` accepts on any board with the same model."""
        pieces = (Save(offset) for offset in range(0, self.hello.saved_bytes, STATE_PIECE_BYTES))
        return b"".join(reply.state for reply in self._exchange(pieces) if isinstance(reply, State))

    def restore(self, state: bytes) -> None:
        """Put the model into a saved state.

        Raises
        ------
        UnusableStream
            The state is empty or longer than this model's.
        BoardRefused
            The model does not accept it: another model's, or damaged.
        """
        if not 0 < len(state) <= self.hello.saved_bytes:
            raise UnusableStream(
                f"a state of {len(state)} bytes cannot belong to model {self.hello.model_hash}, "
                f"whose states have {self.hello.saved_bytes}"
            )
        self._exchange_all(
            *(
                Restore(offset, len(state), state[offset : offset + STATE_PIECE_BYTES])
                for offset in range(0, len(state), STATE_PIECE_BYTES)
            )
        )

    def close(self) -> None:
        """Close the port; the board keeps running."""
        self._port.close()

    def __enter__(self) -> Device:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_stream(self, samples: NDArray[np.int16], chunk: int) -> None:
        if samples.dtype != np.int16:
            raise UnusableStream(
                f"samples must be int16 counts, not {samples.dtype}: scale by 1/lsb_uv and round"
            )
        if samples.ndim != 2 or samples.shape[1] != self.hello.n_chans:
            raise UnusableStream(
                f"samples have shape {samples.shape}, the model takes (n_times, {self.hello.n_chans})"
            )
        if not 1 <= chunk <= self.max_chunk:
            raise UnusableStream(f"a chunk of {chunk} frames: this model takes 1 to {self.max_chunk}")

    def _exchange_all(self, *commands: Command) -> list[Reply]:
        return list(self._exchange(commands))

    def _exchange(self, commands: Iterable[Command]) -> Iterator[Reply]:
        """Send commands as the window allows and yield their replies in order."""
        while not self._session.idle:
            self._turn()  # what an interrupted exchange left in flight
        waiting = iter(commands)
        command = next(waiting, None)
        while command is not None or not self._session.idle:
            while command is not None and self._session.can_send:
                self._session.send(command, time.monotonic())
                command = next(waiting, None)
            for reply in self._turn():
                if isinstance(reply, Error):
                    raise BoardRefused(
                        f"model {self.hello.model_hash} on {self._port.url}: {_REASONS[reply.code]} "
                        f"(code {reply.code.value}, detail {reply.detail})"
                    )
                yield reply

    def _turn(self) -> list[Reply]:
        """Write what is due, wait for bytes until the session's deadline, and return the replies."""
        reopened = self._port.reopened
        self._port.write(self._session.data_to_send())
        data = self._port.read(max(0.0, self._session.deadline - time.monotonic()))
        now = time.monotonic()
        replies = self._session.receive_data(data, now)
        if self._port.reopened > reopened:
            self._session.repeat()
        self._session.check_time(now)
        return replies
