"""The verb `sensitivity`: which layers of a model bear integers."""

from __future__ import annotations

from pathlib import Path

import typer

from edgeeeg import terminal
from edgeeeg.extras import needs
from edgeeeg_export.commands import LAYOUT_HELP, ObserverChoice


@needs("export", "torch", "onnx", "onnxscript", "scipy", "mne")
def sensitivity(
    model: str = typer.Argument(
        help="`edge-detector`, `edge-detector-normalised`, `module:factory`, a `.pt2`, `.onnx`, `.nir` file."
    ),
    calibrate: Path = typer.Option(
        ...,
        exists=True,
        help="EDF file like what the device will hear: ranges and errors are seen on it, the state carried.",
    ),
    weights: Path | None = typer.Option(
        None, help="State dict for `module:factory`, .safetensors or .pt (weights only)."
    ),
    sfreq: float | None = typer.Option(
        None,
        min=1.0,
        max=100_000.0,
        help="Sampling rate of the model's input in Hz; default: the module's `sfreq`.",
    ),
    channel: list[str] | None = typer.Option(
        None, help="Electrode, once for each, in the model's order; default: EEG1, EEG2, …"
    ),
    n_chans: int | None = typer.Option(
        None, min=1, help="Channels to trace a module with; default: its `n_chans`."
    ),
    n_times: int | None = typer.Option(
        None, min=1, max=10_000_000, help="Samples to trace a module with; default: its `n_times`."
    ),
    hop: int | None = typer.Option(None, min=1, help="Samples of a step; default: as in export."),
    layout: str | None = typer.Option(None, help=LAYOUT_HELP),
    lsb: float | None = typer.Option(
        None, help="Input units per int16 count; default 0.125 µV, or 2⁻¹¹ for normalised input."
    ),
    threshold: float | None = typer.Option(None, help="Output from which on the model decides."),
    observer: ObserverChoice = typer.Option(
        ObserverChoice.PERCENTILE, help="How the range of a tensor follows from what was seen of it."
    ),
    json: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Say what each layer does to the outputs of a model when it, or all but it, computes in integers."""
    from edgeeeg.signal import read_edf
    from edgeeeg_export.loading import is_factory, load_model
    from edgeeeg_export.pipeline import calibration_samples, compile_model
    from edgeeeg_export.quantize.preparation import Settings, layer_sensitivity
    from edgeeeg_export.quantize.sensitivity_table import render

    if n_chans is None and channel and is_factory(model):
        n_chans = len(channel)
    recording = read_edf(calibrate)
    if sfreq is not None and recording.sfreq != sfreq:
        recording = recording.resample(sfreq)
    with terminal.progress() as bar:
        task = bar.add_task("capturing", total=None)
        compiled = compile_model(
            load_model(model, weights, n_chans, n_times, layout),
            name="model",
            sfreq=sfreq,
            ch_names=tuple(channel) if channel else None,
            hop=hop,
            lsb=lsb,
            threshold=threshold,
        )
        subject = compiled.subject
        found = layer_sensitivity(
            subject.lowered.captured,
            subject.hop,
            calibration_samples(compiled, recording),
            Settings(observer.value, subject.counts_as_they_are(), threshold=subject.thresholds[0]),
            lambda part, done, of: bar.update(task, description=part, completed=done, total=of),
        )
    if json:
        terminal.print_json(found.to_json())
    else:
        terminal.stdout.print(render(found))
