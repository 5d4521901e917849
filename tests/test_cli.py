"""The program: verbs from entry points, a mendable error as one line and exit code 2, a bug as it is."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
import typer

from edgeeeg import __version__, cli
from edgeeeg.errors import ModelError


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["edgeeeg", *arguments])
    with pytest.raises(SystemExit) as done:
        cli.main()
    return done.value.code


def only_verb(monkeypatch, verb):
    """A program whose one installed component registers this function."""

    class Point(EntryPoint):
        def load(self):
            return lambda app: app.command("verb")(verb)

    points = (Point("test", "test:register", cli.GROUP),)
    monkeypatch.setattr(cli, "entry_points", lambda group: points if group == cli.GROUP else ())


def test_the_version(monkeypatch, capsys):
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.strip() == f"edgeeeg {__version__}"


def test_every_component_brings_its_verbs(monkeypatch, capsys):
    assert run(monkeypatch, "--help") == 0
    listed = capsys.readouterr().out
    for verb in ("train", "export", "verify", "audit"):
        assert re.search(rf"\b{verb}\b", listed)


@pytest.mark.parametrize("verb", ["train", "export", "verify", "audit"])
def test_every_verb_has_help_with_an_example_and_json(monkeypatch, capsys, verb):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    assert run(monkeypatch, verb, "--help") == 0
    said = capsys.readouterr().out
    assert "Example" in said
    assert f"edgeeeg {verb}" in said
    assert "--json" in said


def test_a_mendable_error_is_one_line_on_stderr(monkeypatch, capsys):
    def verb() -> None:
        """Fail."""
        raise ModelError("layer 'a':\n   use b")

    only_verb(monkeypatch, verb)
    assert run(monkeypatch, "verb") == 2
    assert capsys.readouterr() == ("", "edgeeeg: layer 'a': use b\n")


def test_a_path_that_cannot_be_used_is_one_line(monkeypatch, capsys, tmp_path):
    def verb() -> None:
        """Fail."""
        (tmp_path / "missing" / "file").read_bytes()

    only_verb(monkeypatch, verb)
    assert run(monkeypatch, "verb") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert (
        said.err
        == f"edgeeeg: cannot use {tmp_path}/missing/file: No such file or directory; choose another path\n"
    )


def test_a_bug_keeps_its_traceback(monkeypatch):
    def verb() -> None:
        """Fail."""
        raise ZeroDivisionError

    only_verb(monkeypatch, verb)
    monkeypatch.setattr("sys.argv", ["edgeeeg", "verb"])
    with pytest.raises(ZeroDivisionError):
        cli.main()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("exprot",), "No such command 'exprot'"),
        (("export",), "Missing argument"),
        (("export", "m:f", "--out", "b", "--hop", "0"), "'--hop'"),
        (("export", "m:f", "--ouut", "b"), "--ouut"),
        (("train", "--root", "r", "--out", "o", "--seed", "-1"), "'--seed'"),
        (("train", "--root", "r", "--out", "o", "--seed", str(2**64)), "'--seed'"),
        (("train", "--root", "r", "--out", "o", "--data", "tuh"), "'bonn'"),
    ],
)
def test_a_usage_error_is_one_line_without_a_box(monkeypatch, capsys, arguments, said):
    assert run(monkeypatch, *arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("edgeeeg: ")
    assert said in line
    command = "edgeeeg" if arguments == ("exprot",) else f"edgeeeg {arguments[0]}"
    assert line.endswith(f"; see `{command} --help`")


def test_no_verb_at_all_shows_the_help(monkeypatch, capsys):
    assert run(monkeypatch) == 0
    assert "Usage" in capsys.readouterr().out


def test_a_verbs_own_exit_code_is_the_programs(monkeypatch):
    def verb() -> None:
        """Fail."""
        raise typer.Exit(1)

    only_verb(monkeypatch, verb)
    assert run(monkeypatch, "verb") == 1


SLOW_VERB = """
import sys, tempfile, time
from edgeeeg import cli

def verb() -> None:
    with tempfile.TemporaryDirectory(dir=folder):
        print("begun", flush=True)
        time.sleep(60)

class Point:
    name = "test"
    def load(self):
        return lambda app: app.command("verb")(verb)

folder = sys.argv.pop()
cli.entry_points = lambda group: (Point(),)
cli.main()
"""


def test_a_terminated_program_removes_its_temporary_folders(tmp_path):
    command = [sys.executable, "-c", SLOW_VERB, "verb", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "begun\n"
        assert list(tmp_path.iterdir())
        running.terminate()
    assert running.returncode == 128 + signal.SIGTERM
    assert not list(tmp_path.iterdir())
