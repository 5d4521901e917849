"""The README of a bundle: what the program takes and gives, for people."""

from __future__ import annotations

from edgeeeg.manifest import Manifest

INTRODUCTION = "A model exported with edgeeeg."

ARITHMETIC = {
    None: "float32",
    "int8": "int8 where a layer has a form in integers (`quantization.json`), float32 elsewhere",
    "int16": "int16 and weights of int8 where a layer has such a form (`quantization.json`), else float32",
    "mixed": "int8, int16 and float32, layer by layer (`quantization.json`)",
}
MEANING = {
    "continuous": "equal to one pass over the whole recording",
    "windowed": "every window equal to a pass over it alone",
}

FILES = """\
`verification.json` says how far each target is from the NumPy reference. `golden.npz` holds int16 `counts`
(`counts_NAME` of each of several inputs) and the float32 `outputs` they must give, bit for bit. `c/` is C99:
compile with `-std=c99 -O2 -ffp-contract=off -fno-math-errno` (Cortex-M55: `+nomve.fp`) and include"""


def render(info: Manifest, introduction: str = "") -> str:
    """Markdown: what the model is, a table of its properties, and what the files are."""
    c, seconds = info.c, info.hop / info.inputs[0].sfreq
    several = len(info.inputs) > 1
    hops = ", ".join(f"{each.hop} samples{f' of {each.name}' if several else ''}" for each in info.inputs)
    rows = (
        *(
            (
                f"input {each.name}" if several else "input",
                f"{len(each.ch_names)} channels ({', '.join(each.ch_names)}) at {each.sfreq:g} Hz in "
                f"{each.unit}; an int16 count is {each.lsb:g}",
            )
            for each in info.inputs
        ),
        (
            "step",
            f"{hops} ({1000 * seconds:.1f} ms), semantics `{info.semantics}`: {MEANING[info.semantics]}",
        ),
        ("computes in", ARITHMETIC[info.quantization]),
        (
            "delay",
            f"the first output comes with step {info.delay_steps + 1}, "
            f"{info.delay_steps * seconds:.3f} s late for look-ahead or window; "
            f"{info.flush_steps} outputs remain after the last sample",
        ),
        ("outputs", ", ".join(f"{output.name} {output.shape}" for output in info.outputs)),
        (
            "memory of one instance",
            f"{c.struct_bytes} bytes, of which state {c.state_bytes} and arena {c.arena_bytes} (counted)",
        ),
        ("weights", f"{c.weight_bytes} bytes (counted)"),
        ("model", info.model_hash),
    )
    table = "\n".join(f"| {what} | {value} |" for what, value in rows)
    return (
        f"# {info.name}\n\n{introduction or INTRODUCTION}\n\n"
        f"| | |\n|---|---|\n{table}\n\n{FILES} `{info.name}.h`.\n"
    )
