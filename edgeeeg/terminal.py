"""What the verbs share on the terminal: results on stdout, progress and tables for people on stderr."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

stdout = Console(soft_wrap=True)
stderr = Console(stderr=True, soft_wrap=True)


def print_json(result: Any) -> None:
    """Print one JSON object on stdout, and nothing else; NaN is refused because JSON has none."""
    sys.stdout.write(json.dumps(result, indent=2, allow_nan=False) + "\n")


def progress() -> Progress:
    """Progress bar on stderr; a context manager that leaves the terminal as it was on Ctrl-C.

    In a pipe or a log file there is none: errors stay one line.
    """
    return Progress(
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=stderr,
        transient=True,
        disable=not stderr.is_terminal,
    )
