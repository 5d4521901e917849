"""C99 out: one step of a streaming graph as readable source that needs no heap, no globals and no library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from edgeeeg_export.graph import Graph
from edgeeeg_export.targets.c_adapter import adapter
from edgeeeg_export.targets.c_header import header
from edgeeeg_export.targets.c_layout import lay_out_stream
from edgeeeg_export.targets.c_source import source

RUNTIME_HEADERS = (
    "edgeeeg_attention.h",
    "edgeeeg_axis.h",
    "edgeeeg_conv.h",
    "edgeeeg_core.h",
    "edgeeeg_dense.h",
    "edgeeeg_dsp.h",
    "edgeeeg_dsp_across.h",
    "edgeeeg_dsp_columns.h",
    "edgeeeg_dsp_dense.h",
    "edgeeeg_dsp_slide.h",
    "edgeeeg_dsp_tiles.h",
    "edgeeeg_dsp_words.h",
    "edgeeeg_events.h",
    "edgeeeg_helium.h",
    "edgeeeg_helium_dot.h",
    "edgeeeg_helium_filter.h",
    "edgeeeg_helium_window.h",
    "edgeeeg_integers.h",
    "edgeeeg_kernels.h",
    "edgeeeg_lanes.h",
    "edgeeeg_math.h",
    "edgeeeg_quantized.h",
    "edgeeeg_quantized_cells.h",
    "edgeeeg_quantized_layers.h",
    "edgeeeg_quantized_recurrent.h",
    "edgeeeg_recurrent.h",
    "edgeeeg_select.h",
    "edgeeeg_spectrum.h",
    "edgeeeg_spiking.h",
    "edgeeeg_state_space.h",
    "edgeeeg_stream.h",
    "edgeeeg_window.h",
)


@dataclass(frozen=True, slots=True)
class CProgram:
    """Generated files by name, and the memory that one model instance takes, in bytes.

    `hops` says how many samples of each input, by name and in their order, a step consumes.
    The first output comes after `delay` steps more than the first, and `flush` remain after the last sample.
    """

    files: Mapping[str, str]
    prefix: str
    state_bytes: int
    arena_bytes: int
    arena_bound_bytes: int
    arena_peak: str
    saved_bytes: int
    struct_bytes: int
    weight_bytes: int
    hops: Mapping[str, int]
    n_outputs: int
    delay: int
    flush: int

    @property
    def hop(self) -> int:
        """Samples of one step: those of the first input."""
        return next(iter(self.hops.values()))

    def write(self, folder: Path) -> Path:
        """Write the files into a folder, made if it is missing, and return it."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder


def emit(graph: Graph, lsb: float | Mapping[str, float], *, sliding: bool = True) -> CProgram:
    """Generate `NAME.h`, `NAME.c`, the adapter `edgeeeg_model.h` and the runtime headers.

    Parameters
    ----------
    graph : Graph
        A streaming graph; its name is the symbol prefix.
    lsb : float or mapping of str to float
        Input units per int16 count, for `NAME_push_INPUT`: of every input, or of each by name.

    Notes
    -----
    The same graph gives the same bytes, on every machine.
    """
    layout = lay_out_stream(graph, lsb, sliding=sliding)
    runtime = files("edgeeeg_export").joinpath("runtime")
    sources = {name: runtime.joinpath(name).read_text(encoding="utf-8") for name in RUNTIME_HEADERS}
    sources |= {
        f"{graph.name}.h": header(layout),
        f"{graph.name}.c": source(layout),
        "edgeeeg_model.h": adapter(layout),
    }
    state_bytes = sum(field.nbytes for field in layout.states)
    return CProgram(
        files=sources,
        prefix=graph.name,
        state_bytes=state_bytes,
        arena_bytes=layout.plan.arena,
        arena_bound_bytes=layout.plan.lower_bound,
        arena_peak=layout.plan.peak,
        saved_bytes=layout.saved_bytes,
        struct_bytes=4 * (len(layout.streams) + len(layout.counters) + len(layout.sliding) + layout.arena)
        + layout.state_bytes,
        weight_bytes=sum(value.nbytes for value in graph.constants.values()),
        hops={stream.name: stream.hop for stream in layout.streams},
        n_outputs=layout.n_outputs,
        delay=graph.timing.delay,
        flush=graph.timing.flush,
    )
