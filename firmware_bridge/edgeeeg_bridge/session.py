"""The host's side of the link without any I/O: bytes in, replies out, time passed in by the caller.

The board carries commands out once each and strictly in order. Three signs tell the host of a loss before any
time-out, and each asks for a repeat at once:

- a NAK: a command was lost, so everything unanswered is sent again in a new *round*. NAKs of an older round
  speak of frames that have been repeated already and are ignored, so losses cannot breed repeats;
- a reply to a command that was sent later than the last copy of an unanswered one: that one's reply was lost;
- a rejected frame: it may have been either, so the oldest unanswered command is sent again.

What the board has carried out already it does not carry out again: it repeats its reply.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum, auto

from edgeeeg_bridge.errors import IllegalTransition, LinkLost
from edgeeeg_bridge.framing import MAX_FRAME_BYTES, FrameDecoder, encode_frame
from edgeeeg_bridge.messages import Command, Error, Hello, HelloRequest, Message, Nak, Reply, parse_message
from edgeeeg_bridge.protocol import RX_BUFFER_BYTES, WINDOW, ErrorCode

SEQUENCE_NUMBERS = 1 << 16
ROUNDS = 1 << 8


class SessionState(Enum):
    """Where a session stands."""

    CLOSED = auto()
    CONNECTING = auto()
    READY = auto()
    LOST = auto()


class Event(Enum):
    """What can happen to a session."""

    OPEN = auto()
    COMMAND = auto()
    HELLO = auto()
    RESTART = auto()
    REPLY = auto()
    NAK = auto()
    SILENCE = auto()


_CLOSED, _CONNECTING = SessionState.CLOSED, SessionState.CONNECTING
_READY, _LOST = SessionState.READY, SessionState.LOST

TRANSITIONS: dict[tuple[SessionState, Event], SessionState] = {
    (_CLOSED, Event.OPEN): _CONNECTING,
    (_CONNECTING, Event.HELLO): _READY,
    # The board started after our hello and never saw it, or still speaks to the session before this one.
    (_CONNECTING, Event.RESTART): _CONNECTING,
    (_CONNECTING, Event.REPLY): _CONNECTING,
    (_CONNECTING, Event.NAK): _CONNECTING,
    (_CONNECTING, Event.SILENCE): _LOST,
    (_READY, Event.COMMAND): _READY,
    (_READY, Event.REPLY): _READY,
    (_READY, Event.NAK): _READY,
    (_READY, Event.HELLO): _READY,  # the answer to a hello that was sent twice
    (_READY, Event.RESTART): _LOST,
    (_READY, Event.SILENCE): _LOST,
}
"""The next state by state and event; what is missing here must not happen."""


@dataclass(slots=True)
class _Outstanding:
    """A command in flight; `order` counts transmissions, so that later ones compare greater."""

    command: Command
    wire_bytes: int
    order: int
    reply: Reply | None = None


class Session:
    """One session with a board, from hello to the loss of the link.

    Parameters
    ----------
    nonce
        1 to 2³² − 1, new for every session: the board begins again at sequence number 0 when it changes.
    timeout
        Seconds without progress until everything unanswered is sent again.
    max_repeats
        Repeats without any progress after which the link is lost.
    """

    def __init__(self, nonce: int, timeout: float = 2.0, max_repeats: int = 5) -> None:
        self.state = SessionState.CLOSED
        self.hello: Hello | None = None
        self.repeats = 0
        self.duplicates = 0
        self._nonce = nonce
        self._timeout = timeout
        self._max_repeats = max_repeats
        self._silences = 0
        self._decoder = FrameDecoder()
        self._to_send = bytearray()
        self._outstanding: dict[int, _Outstanding] = {}
        self._in_flight = 0
        self._next_seq = 0
        self._round = 0
        self._order = 0
        self.deadline = float("inf")

    @property
    def rejected_frames(self) -> int:
        """Frames of the board that arrived damaged."""
        return self._decoder.rejected

    @property
    def idle(self) -> bool:
        """Every command has been answered."""
        return not self._outstanding

    def open(self, now: float) -> None:
        """Ask the board for its hello; `now` is in seconds of any steady clock."""
        self._on(Event.OPEN)
        self._say_hello()
        self.deadline = now + self._timeout

    @property
    def can_send(self) -> bool:
        """One more command, whatever its length, neither exceeds the window nor overruns the board."""
        fits = self._in_flight + MAX_FRAME_BYTES <= RX_BUFFER_BYTES // 2
        return fits and len(self._outstanding) < WINDOW

    def send(self, command: Command, now: float) -> int:
        """Queue a command and return its sequence number; ask `can_send` first."""
        self._on(Event.COMMAND)
        if not self.can_send:
            raise IllegalTransition(f"{len(self._outstanding)} commands are in flight: wait for a reply")
        seq = self._next_seq
        self._next_seq = (seq + 1) % SEQUENCE_NUMBERS
        if not self._outstanding:
            self.deadline = now + self._timeout
        entry = _Outstanding(replace(command, seq=seq), wire_bytes=0, order=0)
        self._outstanding[seq] = entry
        entry.wire_bytes = self._transmit(entry)
        self._in_flight += entry.wire_bytes
        return seq

    def data_to_send(self) -> bytes:
        """Return and forget the bytes that are due on the wire."""
        data = bytes(self._to_send)
        self._to_send.clear()
        return data

    def receive_data(self, data: bytes, now: float) -> list[Reply]:
        """Take bytes from the wire; return the replies they complete, in the order of their commands.

        Raises
        ------
        LinkLost
            The board restarted: the model's state is gone.
        MalformedMessage
            The board speaks another version of the protocol.
        """
        rejected = self._decoder.rejected
        replies: list[Reply] = []
        for payload in self._decoder.receive_data(data):
            replies += self._receive(parse_message(payload), now)
        if self._decoder.rejected > rejected:
            self._repeat_oldest()
        return replies

    def check_time(self, now: float) -> None:
        """Send everything unanswered again once `deadline` (s) has passed without progress.

        Raises
        ------
        LinkLost
            The board has been silent for `max_repeats` time-outs.
        """
        if now < self.deadline:
            return
        if self._silences == self._max_repeats:
            self._on(Event.SILENCE)
            raise LinkLost(
                f"the board has not answered for {self._timeout * (self._silences + 1):g} s: "
                "is it running, and is this its port?"
            )
        self._silences += 1
        self.deadline = now + self._timeout
        self.repeat()

    def repeat(self) -> None:
        """Send the hello, or everything unanswered, again: the line is known to have lost something."""
        if self.state is SessionState.CONNECTING:
            self._say_hello()
        else:
            self._repeat_all()

    def _on(self, event: Event) -> None:
        # Rule 1: everything that affects the state must pass here.
        following = TRANSITIONS.get((self.state, event))
        if following is None:
            raise IllegalTransition(
                f"{event.name.lower()} is not possible while the session is {self.state.name.lower()}"
            )
        self.state = following

    def _receive(self, message: Message, now: float) -> list[Reply]:
        if isinstance(message, Hello):
            self._receive_hello(message)
        elif isinstance(message, Nak):
            self._on(Event.NAK)
            if self.state is SessionState.READY and message.round == self._round:
                self._repeat_all()
        elif self.state is SessionState.READY and _is_sessionless(message):
            self._on(Event.RESTART)
            raise LinkLost("the board restarted and has lost the model's state: connect and reset")
        else:
            self._on(Event.REPLY)
            if self.state is SessionState.READY:
                return self._receive_reply(message, now)
        return []

    def _receive_hello(self, hello: Hello) -> None:
        if hello.nonce == 0:
            self._on(Event.RESTART)
            if self.state is SessionState.LOST:
                why = f" after exception {hello.exception}" if hello.exception else ""
                raise LinkLost(f"the board restarted{why} and has lost the model's state: connect and reset")
            self._say_hello()
        elif hello.nonce == self._nonce:
            self._on(Event.HELLO)
            if self.hello is None:
                self.hello = hello
                self._silences = 0
                self.deadline = float("inf")

    def _receive_reply(self, reply: Reply, now: float) -> list[Reply]:
        answered = self._outstanding.get(reply.seq)
        if answered is None or answered.reply is not None:
            self.duplicates += 1
            return []
        answered.reply = reply
        self._silences = 0
        self.deadline = now + self._timeout
        for seq, entry in self._outstanding.items():
            if seq == reply.seq:
                break
            if entry.reply is None and entry.order < answered.order:
                self._repeat(entry)
        return self._answered_in_order()

    def _answered_in_order(self) -> list[Reply]:
        replies: deque[Reply] = deque()
        for entry in self._outstanding.values():
            if entry.reply is None:
                break
            replies.append(entry.reply)
            self._in_flight -= entry.wire_bytes
        for reply in replies:
            del self._outstanding[reply.seq]
        if not self._outstanding:
            self.deadline = float("inf")
        return list(replies)

    def _say_hello(self) -> None:
        self._to_send += encode_frame(HelloRequest(self._nonce).payload())

    def _repeat_all(self) -> None:
        self._round = (self._round + 1) % ROUNDS
        for entry in self._outstanding.values():
            if entry.reply is None:
                self._repeat(entry)

    def _repeat_oldest(self) -> None:
        for entry in self._outstanding.values():
            if entry.reply is None:
                self._repeat(entry)
                return

    def _repeat(self, entry: _Outstanding) -> None:
        self.repeats += 1
        self._transmit(entry)

    def _transmit(self, entry: _Outstanding) -> int:
        self._order += 1
        entry.order = self._order
        frame = encode_frame(replace(entry.command, round=self._round).payload())
        self._to_send += frame
        return len(frame)


def _is_sessionless(reply: Reply) -> bool:
    return isinstance(reply, Error) and reply.code is ErrorCode.NO_SESSION
