"""Verbs of this component."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path

import typer

from edgeeeg import terminal
from edgeeeg.extras import needs


class DataChoice(StrEnum):
    """What `demo` streams."""

    SYNTHETIC = "synthetic"
    BONN = "bonn"


class TaskChoice(StrEnum):
    """Which of the shipped detectors."""

    RAW = "raw"
    NORMALISED = "normalised"


def register(app: typer.Typer) -> None:
    """Add this component's verbs to the application."""
    app.command(epilog="Example: `edgeeeg demo --data bonn --root data/bonn --out runs/demo`")(demo)
    app.command(epilog="Example: `edgeeeg profile runs/demo/bundle --board qemu:mps2-an386`")(profile)
    app.command(epilog="Example: `edgeeeg boards --json`")(boards)


@needs("bench", "torch", "onnx", "onnxscript", "onnxruntime", "scipy", "serial", "cobs", "bokeh")
def demo(
    data: DataChoice = typer.Option(DataChoice.SYNTHETIC, help="EEG to run on; Bonn also scores the task."),
    root: Path | None = typer.Option(None, help="Folder of the Bonn set, with Z, O, N, F and S."),
    task: TaskChoice = typer.Option(TaskChoice.RAW, help="Which shipped detector to deploy."),
    board: str = typer.Option("qemu:mps2-an386", help="Emulated board (`edgeeeg boards`)."),
    out: Path = typer.Option(Path("runs/demo"), help="Folder for bundle, builds and report."),
    json: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """The whole way: shipped detector, export, contract, emulated board on a serial link, report."""
    from edgeeeg.output_path import require_file
    from edgeeeg_bench.demo import Progress, run_demo
    from edgeeeg_bench.demo_summary import render_summary
    from edgeeeg_bench.report import write_report
    from edgeeeg_export import contract_table

    require_file(out / "report.html")
    with terminal.progress() as bar:
        running = bar.add_task("starting", total=None)
        progress = Progress(
            stage=lambda what: bar.update(running, description=what, total=None, completed=0),
            amount=lambda done, of: bar.update(running, completed=done, total=of),
        )
        result = run_demo(data.value, root, task.value, board, out, progress)
        progress.stage("writing the report")
        report = write_report(out / "report.html", result)
    if json:
        terminal.print_json(result.to_dict() | {"report": str(report), "bundle": str(out / "bundle")})
        return
    terminal.stdout.print(contract_table.render(result.contract))
    terminal.stdout.print(render_summary(result))
    terminal.stdout.print(f"report: {report}\nbundle: {out / 'bundle'}")


@needs("bench", "onnx", "serial", "cobs")
def profile(
    bundle: Path = typer.Argument(help="Folder of a bundle."),
    board: str = typer.Option("qemu:mps2-an386", help="Emulated board (`edgeeeg boards`)."),
    json: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Count the instructions of a step on an emulated board, and model cycles, time and energy.

    Runs the bundle's golden samples; the result is stored in the bundle as profile.json.
    """
    from edgeeeg.bundle import Bundle
    from edgeeeg_bench.bundle_profile import PROFILE, profile_bundle
    from edgeeeg_bench.profile_table import render_profile
    from edgeeeg_bridge.board_run import require_emulated
    from edgeeeg_export import golden

    require_emulated(board)
    opened = Bundle.load(bundle)
    info = opened.manifest.input
    counts, sfreq = golden.read(opened)[0][info.name], info.sfreq
    with terminal.progress() as bar, tempfile.TemporaryDirectory() as build:
        running = bar.add_task(f"counting instructions, {len(counts) / sfreq:g} s", total=len(counts))
        result = profile_bundle(
            opened, board, counts, Path(build), lambda n: bar.update(running, completed=n)
        )
    opened.add({PROFILE: result.to_bytes()})
    if json:
        terminal.print_json(result.to_json())
    else:
        terminal.stdout.print(*render_profile(result))


def boards(
    json: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """List the boards: emulated ones, and parts whose memory and energy are known."""
    from rich.table import Table

    from edgeeeg_bench.energy import ENERGY_MODELS
    from edgeeeg_export.boards import BOARDS

    joules = {name: model.picojoules_per_cycle for name, model in ENERGY_MODELS.items()}
    if json:
        terminal.print_json(
            {
                name: asdict(board) | {"picojoules_per_cycle": joules.get(name)}
                for name, board in BOARDS.items()
            }
        )
        return
    table = Table(title="boards (all figures declared: data sheets and the sources that --json names)")
    for column in ("board", "core"):
        table.add_column(column, no_wrap=True)
    for column in ("MHz", "flash kB", "RAM kB", "pJ/cycle"):
        table.add_column(column, justify="right")
    table.add_column("runs here")
    for name, board in BOARDS.items():
        table.add_row(
            name,
            board.core,
            f"{board.clock_hz / 1e6:.0f}",
            f"{board.flash_bytes // 1024}",
            f"{board.ram_bytes // 1024}",
            f"{joules[name]:.0f}" if name in joules else "–",
            "firmware" if board.firmware else "",
        )
    terminal.stdout.print(table)
