"""The C header says what the Python definition says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgeeeg_bridge import protocol_header
from edgeeeg_bridge.build import firmware_directory


def test_the_committed_header_is_current() -> None:
    committed = (firmware_directory() / "protocol.h").read_text(encoding="utf-8")
    assert committed == protocol_header.render(), "run python -m edgeeeg_bridge.protocol_header on it"


def test_the_module_writes_the_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["protocol_header", str(tmp_path / "protocol.h")])
    protocol_header.main()
    written = (tmp_path / "protocol.h").read_text(encoding="utf-8").split()
    assert written[written.index("LINK_COMMAND_SAMPLES") + 1] == "0x02u"
