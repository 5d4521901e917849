"""The `edgeeeg` program: loads the verbs of every installed component, and turns our errors into one line."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points

import typer

from edgeeeg import __version__
from edgeeeg.errors import EdgeEEGError

GROUP = "edgeeeg.commands"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgeeeg {__version__}")
        raise typer.Exit


def build_app() -> typer.Typer:
    """The typer application with one verb per function that the entry points register."""
    app = typer.Typer(
        no_args_is_help=True,
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
    try:
        build_app()()
    except EdgeEEGError as error:
        message = " ".join(str(error).split())
        sys.stderr.write(f"edgeeeg: {message}\n")
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise
        sys.stderr.write(f"edgeeeg: cannot use {error.filename}: {error.strerror}; choose another path\n")
        sys.exit(2)
    except MemoryError as error:
        sys.stderr.write(f"edgeeeg: not enough memory: {error}; give fewer samples or a lower rate\n")
        sys.exit(2)
