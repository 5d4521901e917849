"""A soak's result as people read it: the table of docs/soak.md, and a page with the curves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

COLORS = ("#2a6f97", "#7b2cbf", "#e07a5f", "#2a9d8f", "#5d6b7a", "#b5838d", "#1c2733")


def render_markdown(result: Mapping[str, Any]) -> str:
    """Verdicts and a row for every quantity, in Markdown."""
    found, stream = result["result"], result["stream"]
    bits = "the same bits" if found["bit_identical"] else "**different bits**"
    steady = "does not grow" if found["steady"] else "**grows**"
    rows = {"output (probability)": found["output"], **found["states"]}
    lines = [
        f"{stream['hours']} hours, {stream['samples']:,} samples of {stream['channels']} channels at "
        f"{stream['sfreq']:g} Hz: {stream['source']}. One core of {result['machine']['processor']}, commit "
        f"{result['commit'][:10]}, {result['seconds']:.0f} s.",
        "",
        f"- NumPy and C on {found['stretches']} stretches, {found['stretch_seconds']} s together: {bits} in "
        "outputs and states.",
        f"- |float32 − float64| {steady}. {found['spike_flips']} of {stream['spikes']:,} spike decisions "
        f"differ, in {found['flip_episodes']} episodes of {found['flip_episode_seconds']:.1f} s together.",
        "",
        "| error of | median, first quarter | last quarter | largest outside episodes | largest | growth |",
        "|---|---|---|---|---|---|",
    ]
    quarter = max(1, stream["hours"] // 4)
    for name, curve in rows.items():
        first, last = median(curve["median"][:quarter]), median(curve["median"][-quarter:])
        outside, largest = max(curve["max_outside_episodes"]), max(curve["max"])
        lines.append(
            f"| {name} | {first:.2g} | {last:.2g} | {outside:.2g} | {largest:.2g} | {curve['growth']:.2f} |"
        )
    lines += [
        "",
        "Error of the probability by hour, and spikes that differ:",
        "",
        "| hour | median | largest |",
    ]
    lines[-1] += " outside episodes | flips |"
    lines.append("|---|---|---|---|---|")
    output = found["output"]
    columns = (output["median"], output["max"], output["max_outside_episodes"], found["flips_per_hour"])
    for hour, (typical, largest, outside, flips) in enumerate(zip(*columns, strict=True), start=1):
        lines.append(f"| {hour} | {typical:.3g} | {largest:.3g} | {outside:.3g} | {flips} |")
    return "\n".join(lines) + "\n"


def write_plot(path: Path, result: Mapping[str, Any]) -> Path:
    """A page with every error by hour on a logarithmic scale: medians as lines, largest as dots."""
    from bokeh.embed import file_html
    from bokeh.plotting import figure
    from bokeh.resources import INLINE

    found = result["result"]
    plot = figure(
        title="|float32 − float64| by hour: median (line) and largest (dots)",
        x_axis_label="hour",
        y_axis_label="absolute error",
        y_axis_type="log",
        sizing_mode="stretch_width",
        height=520,
    )
    curves = {"output (probability)": found["output"], **found["states"]}
    shown = {name: curve for name, curve in curves.items() if max(curve["max"]) > 0.0}
    for color, (name, curve) in zip(COLORS, shown.items(), strict=False):
        hours = list(range(1, len(curve["median"]) + 1))
        plot.line(hours, curve["median"], color=color, line_width=2, legend_label=name)
        plot.scatter(hours, curve["max"], color=color, size=5, legend_label=name)
    plot.legend.click_policy = "hide"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(file_html(plot, INLINE, "soak"), encoding="utf-8")
    return path
