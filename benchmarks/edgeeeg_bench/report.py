"""The HTML report: one file that needs no network, with the grade of evidence beside every figure."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from edgeeeg.evidence import Evidence
from edgeeeg_bench.errors import BenchError
from edgeeeg_bench.figures import energy_figure, instructions_figure, trace_figure
from edgeeeg_bench.result import DemoResult, board_evidence
from edgeeeg_bench.tables import (
    boards_table,
    contract_table,
    evidence_badge,
    sizes_table,
    tasks_table,
    three_figures,
)

_STYLE = Path(__file__).with_name("report.css")


def write_report(path: Path, result: DemoResult) -> Path:
    """Write the report of a demonstration to `path` and return it; an existing file is replaced whole.

    Raises
    ------
    BenchError
        The folder does not exist or cannot be written to.
    """
    page = render_report(result)
    try:
        # Beside its place, so that an interrupted run leaves the old report, never half of a new one.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as scratch:
            written = Path(scratch) / path.name
            written.write_text(page, encoding="utf-8")
            os.replace(written, path)
    except OSError as error:
        raise BenchError(f"cannot write the report {path}: {error.strerror}") from error
    return path


def render_report(result: DemoResult) -> str:
    """Return the report as one HTML page with styles, scripts and data inside."""
    from bokeh.embed import components
    from bokeh.resources import Resources

    plots: dict[str, Any] = {"trace": trace_figure(result.trace)}
    if result.profile is not None:
        plots["instructions"] = instructions_figure(result.profile)
    if result.energy:
        plots["energy"] = energy_figure(result.energy)
    script, places = components(plots)
    scripts = Resources(mode="inline", components=["bokeh"]).render()  # without widgets and WebGL: a third
    sections = (
        _header(result),
        _left_out(result.left_out),
        _section(
            "The recording, and what the detector said",
            f"{escape(result.trace.source)}. Drag across the plot to zoom; the three share their time axis.",
            places["trace"],
        ),
        _section(
            "One model, the same numbers everywhere",
            "Each target against the offline reference over the whole recording, state carried without a "
            "reset. Runtimes that are not ours are held to a tolerance with the reference's spikes forced; "
            "decision flips are of their free run, those that no flipped spike explains in brackets.",
            contract_table(result.contract, result.board),
        ),
        _scores(result),
        _instructions(result, places),
        _section("Size of the model", "", sizes_table(result.sizes, board_evidence(result.board))),
        _boards(result, places),
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(result.title)}</title>\n<style>\n{_STYLE.read_text(encoding='utf-8')}</style>\n"
        f"{scripts}\n</head>\n<body>\n<main>\n{''.join(sections)}\n{_FOOTER}</main>\n{script}\n"
        "</body>\n</html>\n"
    )


_FOOTER = (
    "<footer>Grades of evidence: measured on the hardware that is named; emulated, right about values and "
    "wrong about time; counted exactly; modelled from counts, with a band; declared by a data sheet or the "
    "user. The scores demonstrate the pipeline and support no clinical claim.</footer>\n"
)


def _section(title: str, lead: str, *content: str) -> str:
    introduction = f'<p class="lead">{lead}</p>' if lead else ""
    return f"<section><h2>{escape(title)}</h2>{introduction}{''.join(content)}</section>\n"


def _tile(label: str, value: str, detail: str, evidence: Evidence) -> str:
    return (
        f'<div class="tile"><div class="label">{escape(label)}</div><div class="value">{escape(value)}</div>'
        f'<div class="detail">{escape(detail)} {evidence_badge(evidence)}</div></div>'
    )


def _header(result: DemoResult) -> str:
    n_kept = sum(bool(record["holds"]) for record in result.contract.values())
    identical = [target for target, record in result.contract.items() if record["bit_identical"]]
    tiles = [
        _tile(
            "Contract kept",
            f"{n_kept} of {len(result.contract)}",
            f"same bits: {', '.join(identical) or 'none'}",
            board_evidence(result.board) if "board" in result.contract else Evidence.MEASURED,
        ),
        _tile(
            f"Flash, {result.sizes.flash_content}",
            f"{result.sizes.flash_bytes / 1024:.1f} KiB",
            f"RAM {result.sizes.ram_bytes / 1024:.1f} KiB",
            Evidence.COUNTED,
        ),
    ]
    if result.profile is not None:
        tiles.append(
            _tile(
                "Instructions per step",
                f"{result.profile.instructions_per_step:,.0f}",
                f"{result.steps_per_second:.4g} steps a second",
                result.profile.instructions_evidence,
            )
        )
    if result.energy:
        estimate = result.energy[0]
        joules, factor = estimate.joules_per_second_of_eeg, estimate.real_time_factor
        tiles += [
            _tile(
                f"Faster than real time, {estimate.part}",
                f"{three_figures(factor.mid)} ×",
                f"{three_figures(factor.low)} to {three_figures(factor.high)}",
                estimate.evidence,
            ),
            _tile(
                f"Energy per second of EEG, {estimate.part}",
                f"{three_figures(joules.mid * 1e6)} µJ",
                f"{three_figures(joules.low * 1e6)} to {three_figures(joules.high * 1e6)}",
                estimate.evidence,
            ),
        ]
    return (
        f"<h1>{escape(result.title)}</h1>"
        f'<p class="lead">Board <code>{escape(result.board)}</code>, '
        f"model <code>{escape(result.model_hash)}</code></p>"
        f'<div class="tiles">{"".join(tiles)}</div>\n'
    )


def _left_out(sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<section class="left-out"><h2>Left out on this machine</h2><ul>{items}</ul></section>\n'


def _scores(result: DemoResult) -> str:
    """Nothing where no task was scored; what was left out says so."""
    if not result.tasks:
        return ""
    return _section("Scores on held-out files", _protocol(result), tasks_table(result.tasks))


def _protocol(result: DemoResult) -> str:
    return " · ".join(
        f"{escape(name.replace('_', ' '))}: {escape(str(value))}" for name, value in result.protocol.items()
    )


def _instructions(result: DemoResult, places: dict[str, str]) -> str:
    profile = result.profile
    if profile is None:
        return ""
    notes = []
    if profile.once:
        notes.append(f"Not in the sum, run once: {', '.join(part.name for part in profile.once)}.")
    if profile.outside:
        listed = ", ".join(
            f"{part.name} (at most {part.instructions_per_step:,.1f})" for part in profile.outside
        )
        notes.append(f"Called outside the model and not in the sum, instructions per step: {listed}.")
    note = f'<p class="note">{escape(" ".join(notes))}</p>' if notes else ""
    badge = evidence_badge(profile.instructions_evidence)
    lead = f"Executed on {escape(result.board)} over {profile.n_steps:,} steps {badge}"
    return _section("Where the instructions go", lead, places["instructions"], note)


def _boards(result: DemoResult, places: dict[str, str]) -> str:
    lead = (
        "Fit is judged by the part's own memory. Time and energy only for parts with the core whose "
        "instructions were counted; for others the instructions are all that is known."
    )
    sources = "".join(
        f"{escape(estimate.part)}: {escape(estimate.source)}; confidence {escape(estimate.confidence)}"
        f"{'' if estimate.includes_sleep else '; sleep unknown, not included'}. "
        for estimate in result.energy
    )
    note = f'<p class="note">{sources}</p>' if sources else ""
    table = boards_table(result.sizes, result.energy)
    return _section(
        "Which boards it fits, and what it would cost", lead, table, places.get("energy", ""), note
    )
