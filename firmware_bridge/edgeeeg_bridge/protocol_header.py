"""Renders `protocol` as the C header that the firmware includes.

`python -m edgeeeg_bridge.protocol_header firmware_bridge/firmware/protocol.h` writes it.
"""

from __future__ import annotations

import sys
from enum import IntEnum
from pathlib import Path

from edgeeeg_bridge import protocol
from edgeeeg_bridge.framing import MAX_CODED, MAX_FRAME_BYTES

_SIZES = {
    "VERSION": protocol.VERSION,
    "MAX_PAYLOAD": protocol.MAX_PAYLOAD,
    "CRC_BYTES": protocol.CRC_BYTES,
    "MAX_CODED": MAX_CODED,
    "MAX_FRAME_BYTES": MAX_FRAME_BYTES,
    "COMMAND_HEADER_BYTES": protocol.COMMAND_HEADER_BYTES,
    "REPLY_HEADER_BYTES": protocol.REPLY_HEADER_BYTES,
    "STATE_PIECE_BYTES": protocol.STATE_PIECE_BYTES,
    "WINDOW": protocol.WINDOW,
    "RX_BUFFER_BYTES": protocol.RX_BUFFER_BYTES,
}
_ENUMS: dict[str, type[IntEnum]] = {
    "COMMAND": protocol.CommandKind,
    "REPLY": protocol.ReplyKind,
    "ERROR": protocol.ErrorCode,
}


def render() -> str:
    """Return the text of protocol.h."""
    lines = [
        "/* Generated from edgeeeg_bridge/protocol.py by `python -m edgeeeg_bridge.protocol_header`. */",
        "#ifndef PROTOCOL_H",
        "#define PROTOCOL_H",
        "",
        *_defines({f"LINK_{name}": f"{value}u" for name, value in _SIZES.items()}),
    ]
    for prefix, enum in _ENUMS.items():
        lines += [
            "",
            *_defines({f"LINK_{prefix}_{member.name}": f"0x{member.value:02x}u" for member in enum}),
        ]
    return "\n".join([*lines, "", "#endif", ""])


def _defines(values: dict[str, str]) -> list[str]:
    """Lines aligned as clang-format aligns them."""
    width = max(map(len, values))
    return [f"#define {name:{width}} {value}" for name, value in values.items()]


def main() -> None:
    """Write the header to the path given."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m edgeeeg_bridge.protocol_header PATH/protocol.h")
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
