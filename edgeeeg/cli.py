"""The `edgeeeg` program: loads the verbs of every installed component, and turns our errors into one line."""

from __future__ import annotations

import signal
import sys
from importlib.metadata import entry_points
from types import FrameType
from typing import NoReturn, cast

import typer

from edgeeeg import __version__
from edgeeeg.errors import EdgeEEGError

GROUP = "edgeeeg.commands"

USAGE_ERROR = cast("type[typer.BadParameter]", typer.BadParameter.mro()[1])
"""Any mistake in the command line: the base that typer, or the click beneath an older one, has for them."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgeeeg {__version__}")
        raise typer.Exit


def build_app() -> typer.Typer:
    """The typer application with one verb per function that the entry points register."""
    app = typer.Typer(
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        help="EEG models from PyTorch to a verified streaming program on a microcontroller.",
    )

    @app.callback()
    def root(
        version: bool = typer.Option(
            False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ) -> None:
        pass

    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        point.load()(app)
    return app


def main() -> None:
    """Run the command line: 0 on success, 2 with one line on stderr for an error the user can mend."""
    signal.signal(signal.SIGTERM, _leave)
    try:
        # without standalone_mode typer raises a usage error instead of drawing a box around it
        code = build_app()(sys.argv[1:] or ["--help"], prog_name="edgeeeg", standalone_mode=False)
    except EdgeEEGError as error:
        _refuse(str(error))
    except USAGE_ERROR as error:
        _refuse(f"{error.format_message().rstrip('.')}; see `{_command(error)} --help`")
    except OSError as error:
        if error.filename is None:
            raise
        _refuse(f"cannot use {error.filename}: {error.strerror}; choose another path")
    except MemoryError as error:
        _refuse(f"not enough memory: {error}; give fewer samples or a lower rate")
    sys.exit(code or 0)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """Unwind, so that temporary folders are removed and emulators ended; by default a process just stops."""
    sys.exit(128 + number)


def _refuse(message: str) -> NoReturn:
    sys.stderr.write(f"edgeeeg: {' '.join(message.split())}\n")
    sys.exit(2)


def _command(error: typer.BadParameter) -> str:
    """The verb that was misused, as it was called."""
    return "edgeeeg" if error.ctx is None else error.ctx.command_path
