"""The tables of docs/quantization.md, from `benchmarks/results/quantization.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgeeeg_bench.quantization.trial import QAT, VARIANTS

STATES = ("windowed", "carried")
KINDS = {"weights and tables": "constants", "arena": "arena", "states": "states"}
STORED = ("percentile", "int16 states")
"""Variants whose bytes are in the table: int8 with states of floats, and of int16."""
TOLERATED = 0.005
"""Area under the ROC curve that int8 may lose before the layer is named."""


def render_markdown(result: Mapping[str, Any]) -> str:
    """Scores, then memory, then the layers at which the models that lose too much do so."""
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    machine = result["machine"]["processor"]
    lines = [
        f"AUC {result['evidence']['auc']}, bytes {result['evidence']['bytes']}. One core of {machine}, "
        f"commit {result['commit'][:10]}, {result['seconds']:.0f} s with the training; {versions}.",
        "",
        f"| model | parameters | folds | state | float AUC | {' | '.join(VARIANTS)} | {QAT} |",
        "|---" * (len(VARIANTS) + 6) + "|",
        *(_scores(trial, state) for trial in result["trials"] for state in STATES),
        "",
        f"In integers, the difference from float; **bold** where it loses more than {TOLERATED}. The first "
        "three are int8 with float states, by the observer of the ranges; `int16 states` has the ranges of "
        f"percentile, and int16 carried in recurrences; `int16` has int16 activations too. {QAT}: trained on "
        "in integers (docs/qat.md), for models that lose as much where they are only calibrated.",
        "",
        *(line for title, kind in KINDS.items() for line in _memory(title, kind, result["trials"])),
    ]
    losses = [line for trial in result["trials"] for line in _losses(trial)]
    said = ["", f"Where int8 loses more than {TOLERATED}, the layer that adds most noise to its input's:", ""]
    return "\n".join([*lines, *([*said, *losses] if losses else [])]) + "\n"


def differences(trial: Mapping[str, Any], state: str) -> dict[str, float]:
    """What each observer's mean AUC is above that of float."""
    of_float = trial["auc"]["float"][state]["mean"]
    made = (name for name in (*VARIANTS, QAT) if name in trial["auc"])
    return {name: trial["auc"][name][state]["mean"] - of_float for name in made}


def _scores(trial: Mapping[str, Any], state: str) -> str:
    spread = trial["auc"]["float"][state]
    several = len(trial["folds"]) > 1
    of_float = f"{spread['mean']:.4f}" + (f" ± {spread['sd']:.4f}" if several else "")
    values = differences(trial, state)
    of_int8 = [f"**{value:+.4f}**" if value < -TOLERATED else f"{value:+.4f}" for value in values.values()]
    of_int8 += [""] * (QAT not in values)
    first = (trial["name"], f"{trial['parameters']:,}", str(len(trial["folds"])))
    cells = (*(first if state == STATES[0] else ("", "", "")), state, of_float, *of_int8)
    return f"| {' | '.join(cells)} |"


def _memory(title: str, kind: str, trials: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f"| {title}, B | float | int8 | int8, int16 states |"
    yield "|---|---|---|---|"
    for trial in trials:
        before, *after = (trial["memory"][name][kind] for name in ("float", *STORED))
        cells = [trial["name"], f"{before:,}", *(f"{size:,} ({_share(before, size)})" for size in after)]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _share(before: int, after: int) -> str:
    return f"{100 * after / before:.0f} %" if before else "–"


def _losses(trial: Mapping[str, Any]) -> Iterator[str]:
    for state in STATES:
        for observer, value in differences(trial, state).items():
            loss = trial["loses_most"].get(observer)
            if value < -TOLERATED and loss is not None:
                yield (
                    f"- {trial['name']}, {state}, {observer}: {value:+.4f}; `{loss['layer']}` "
                    f"({loss['operator']}), {loss['fall_db']:.1f} dB below its input, at "
                    f"{loss['sqnr_db']:.1f} dB"
                )
