"""`edgeeeg verify`: options that could have no effect are one line, before anything is read."""

from __future__ import annotations

import pytest

from edgeeeg.cli import main


def refused(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["edgeeeg", *map(str, arguments)])
    with pytest.raises(SystemExit) as done:
        main()
    said = capsys.readouterr()
    assert (done.value.code, said.out) == (2, "")
    (line,) = said.err.splitlines()
    return line


def test_weights_belong_to_a_model(monkeypatch, capsys, tmp_path):
    line = refused(monkeypatch, capsys, "verify", tmp_path, "--weights", "w.safetensors")
    assert "add --model module:factory" in line


@pytest.mark.parametrize(
    ("board", "reason"),
    [
        ("nrf52840", "is not emulated"),
        ("qemu:mps2-an500", "no firmware"),
        ("qemu:mps2-an38", "did you mean qemu:mps2-an386"),
    ],
)
def test_a_board_that_cannot_run_it(monkeypatch, capsys, tmp_path, board, reason):
    assert reason in refused(monkeypatch, capsys, "verify", tmp_path, "--board", board)
