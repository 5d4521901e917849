"""The tables of docs/quantization.md, from `benchmarks/results/quantization.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

QAT = "QAT"
STATES = ("windowed", "carried")
VARIANTS = ("percentile", "min-max", "mse")
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
        "| model | parameters | folds | state | float AUC | percentile | min-max | mse | QAT |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_scores(trial, state) for trial in result["trials"] for state in STATES),
        "",
        f"Of int8, the difference from float; **bold** where it loses more than {TOLERATED}. QAT: trained on "
        "in integers (docs/qat.md), for models that lose as much where they are only calibrated.",
        "",
        "| model | weights and tables, B: float | int8 | arena, B: float | int8 | states, B: float | int8 |",
        "|---|---|---|---|---|---|---|",
        *map(_memory, result["trials"]),
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


def _memory(trial: Mapping[str, Any]) -> str:
    cells = [trial["name"]]
    for kind in ("constants", "arena", "states"):
        before, after = trial["float_memory"][kind], trial["int8_memory"][kind]
        cells += [f"{before:,}", f"{after:,} ({_share(before, after)})"]
    return f"| {' | '.join(cells)} |"


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
