"""The report's plots, as bokeh figures."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeeeg_bench.energy import EnergyEstimate
from edgeeeg_bench.envelope import envelope
from edgeeeg_bench.profile import ModelProfile
from edgeeeg_bench.result import Trace

INK, MUTED, QUIET, GRID = "#1c2733", "#5d6b7a", "#aab6c2", "#e6ebf0"
SIGNAL, OUTPUT, EVENT, BAR = "#2a6f97", "#7b2cbf", "#e07a5f", "#2a9d8f"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"

TRACE_POINTS = 8000
"""Points drawn per channel: two for each pixel of a wide screen, so that the page stays small."""

_ROBUST_QUANTILE = 0.995
_MAX_BARS = 14
_ROOM_FOR_TEXT = 1.5


def _styled(figure: Any) -> Any:
    figure.background_fill_color = None
    figure.border_fill_color = None
    figure.outline_line_color = None
    figure.toolbar.logo = None
    figure.toolbar.autohide = True
    figure.grid.grid_line_color = GRID
    for axis in figure.axis:
        axis.axis_line_color = None
        axis.major_tick_line_color = None
        axis.minor_tick_line_color = None
        axis.major_label_text_color = MUTED
        axis.axis_label_text_color = MUTED
        axis.major_label_text_font = FONT
        axis.axis_label_text_font = FONT
        axis.axis_label_text_font_style = "normal"
        axis.major_label_text_font_size = "12px"
    return figure


def _time_figure(height: int, time_axis: Any, **options: Any) -> Any:
    from bokeh.plotting import figure

    made = figure(
        height=height,
        sizing_mode="stretch_width",
        x_range=time_axis,
        tools="xpan,xwheel_zoom,xbox_zoom,reset",
        active_drag="xbox_zoom",
        min_border_left=92,
        **options,
    )
    made.xaxis.visible = False
    return _styled(made)


def _eeg_figure(trace: Trace, time_axis: Any) -> Any:
    n_chans = len(trace.ch_names)
    eeg = _time_figure(max(200, 70 + 44 * n_chans), time_axis)
    if n_chans == 1:
        at, values = envelope(trace.samples[0], TRACE_POINTS)
        eeg.line(at / trace.sfreq, values, line_width=0.8, color=SIGNAL)
        eeg.yaxis.axis_label = f"{trace.ch_names[0]} ({'µV' if trace.unit == 'uV' else trace.unit})"
        return eeg
    centred = trace.samples - trace.samples.mean(axis=1, keepdims=True)
    # One spacing for all channels keeps amplitudes comparable; outliers may run into their neighbours.
    spacing = max(
        2.0 * float(np.quantile(np.abs(centred), _ROBUST_QUANTILE)), float(np.finfo(np.float32).tiny)
    )
    baselines = [spacing * (n_chans - 1 - index) for index in range(n_chans)]
    for signal, baseline in zip(centred, baselines, strict=True):
        at, values = envelope(signal, TRACE_POINTS)
        eeg.line(at / trace.sfreq, values + np.float32(baseline), line_width=0.8, color=SIGNAL)
    eeg.yaxis.ticker = baselines
    eeg.yaxis.major_label_overrides = dict(zip(baselines, trace.ch_names, strict=True))
    eeg.yaxis.axis_label = f"{spacing:.3g} {'µV' if trace.unit == 'uV' else trace.unit} apart"
    return eeg


def _output_figure(trace: Trace, time_axis: Any) -> Any:
    from bokeh.models.annotations import Span

    output = _time_figure(150, time_axis, y_range=(-0.04, 1.04))
    at, values = envelope(trace.outputs, TRACE_POINTS)
    output.varea(trace.output_times[at], np.zeros_like(values), values, fill_color=OUTPUT, fill_alpha=0.15)
    output.line(trace.output_times[at], values, line_width=1.1, color=OUTPUT)
    threshold = Span(location=trace.threshold, dimension="width", line_color=MUTED, line_dash="dashed")
    output.add_layout(threshold)
    output.yaxis.axis_label = "probability"
    output.yaxis.ticker = [0.0, 0.5, 1.0]
    return output


def _annotation_figure(trace: Trace, time_axis: Any) -> Any:
    kinds = list(dict.fromkeys(annotation.description for annotation in trace.annotations))
    rows = _time_figure(58 + 22 * max(1, len(kinds)), time_axis, y_range=kinds[::-1] or ["no annotation"])
    for annotation in trace.annotations:
        rows.hbar(
            y=[annotation.description],
            left=[annotation.onset],
            right=[annotation.end],
            height=0.6,
            color=EVENT if annotation.description in trace.events else QUIET,
        )
    rows.xaxis.visible = True
    rows.xaxis.axis_label = "time (s)"
    rows.ygrid.grid_line_color = None
    return rows


def trace_figure(trace: Trace) -> Any:
    """EEG, the detector's output and the annotations below each other, on one time axis."""
    from bokeh.layouts import column
    from bokeh.models import Range1d
    from bokeh.models.annotations import BoxAnnotation

    time_axis = Range1d(start=0.0, end=trace.duration, bounds=(0.0, trace.duration))
    signals = (_eeg_figure(trace, time_axis), _output_figure(trace, time_axis))
    for annotation in trace.annotations:
        if annotation.description in trace.events:
            for made in signals:
                made.add_layout(
                    BoxAnnotation(
                        left=annotation.onset, right=annotation.end, fill_color=EVENT, fill_alpha=0.15
                    )
                )
    return column(*signals, _annotation_figure(trace, time_axis), sizing_mode="stretch_width", spacing=0)


def instructions_figure(profile: ModelProfile) -> Any:
    """Instructions per step of each function of the model, the largest on top."""
    from bokeh.models import FactorRange, NumeralTickFormatter, Range1d
    from bokeh.plotting import figure

    shown = [(part.name, part.instructions_per_step) for part in profile.per_symbol[:_MAX_BARS]]
    rest = profile.per_symbol[_MAX_BARS:]
    if rest:
        shown.append((f"{len(rest)} smaller functions", sum(part.instructions_per_step for part in rest)))
    names, values = [name for name, _ in shown], [value for _, value in shown]
    bars = figure(
        height=70 + 26 * len(shown),
        sizing_mode="stretch_width",
        y_range=FactorRange(factors=names[::-1]),
        x_range=Range1d(start=0, end=_ROOM_FOR_TEXT * max(values)),
        tools="",
        toolbar_location=None,
    )
    bars.hbar(y=names, right=values, height=0.66, color=BAR)
    shares = [f"{value:,.0f}  ({value / profile.instructions_per_step:.1%})" for value in values]
    bars.text(
        x=values,
        y=names,
        text=shares,
        x_offset=6,
        text_baseline="middle",
        text_font_size="12px",
        text_color=INK,
    )
    bars.xaxis.axis_label = "instructions per step"
    bars.xaxis.formatter = NumeralTickFormatter(format="0,0")
    bars.ygrid.grid_line_color = None
    return _styled(bars)


def energy_figure(estimates: tuple[EnergyEstimate, ...]) -> Any:
    """Modelled energy per second of EEG of each part, with its band, on a logarithmic axis."""
    from bokeh.models import FactorRange, NumeralTickFormatter
    from bokeh.plotting import figure

    parts = [estimate.part for estimate in estimates]
    bands = [estimate.joules_per_second_of_eeg for estimate in estimates]
    made = figure(
        height=80 + 34 * len(parts),
        sizing_mode="stretch_width",
        y_range=FactorRange(factors=parts[::-1]),
        x_axis_type="log",
        tools="",
        toolbar_location=None,
    )
    # Microjoules: the figures of microcontrollers then read as numbers between 1 and 1000.
    low, mid, high = (
        [value * 1e6 for value in values]
        for values in zip(*((band.low, band.mid, band.high) for band in bands), strict=True)
    )
    made.hbar(y=parts, left=low, right=high, height=0.42, color=BAR, alpha=0.35)
    made.scatter(x=mid, y=parts, size=11, color=BAR)
    made.xaxis.formatter = NumeralTickFormatter(format="0,0.[00]")
    made.xaxis.axis_label = "µJ per second of EEG (modelled, with band)"
    made.ygrid.grid_line_color = None
    return _styled(made)
