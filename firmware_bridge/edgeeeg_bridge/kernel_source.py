"""C of kernel cases: a function each, with the operator's own generated call, and a switch over them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeeeg_bridge.kernel_case import SEED, KernelCase, Operand
from edgeeeg_bridge.word_checksum import START
from edgeeeg_export.kernels.choice import guard
from edgeeeg_export.kernels.kernel import Family, Packing
from edgeeeg_export.ops.op import CCall
from edgeeeg_export.tensor import BYTES, C_TYPE, DType, State


def kernel_source(cases: Sequence[KernelCase], plain: bool = False) -> str:
    """One file of C that defines `kernel_check_run` for all cases, numbered in their order.

    With `plain` kernels are plain C on every core.
    """
    functions = "\n\n".join(_function(case) for case in cases)
    branches = "\n".join(f"    case {n}:\n        return {case.name}();" for n, case in enumerate(cases))
    family = "#define EDGEEEG_PLAIN\n" if plain else ""
    return f"""{family}#include "edgeeeg_kernels.h"
#include "kernel_check.h"

{functions}

uint64_t kernel_check_run(uint8_t number) {{
    switch (number) {{
{branches}
    default:
        return 0;
    }}
}}
"""


def _function(case: KernelCase) -> str:
    inputs = tuple(f"{case.name}_x{n}" for n in range(len(case.operands)))
    outputs = tuple(f"{case.name}_y{n}" for n in range(len(case.output_types)))
    states = tuple(f"{case.name}_s{n}" for n in range(len(case.states)))
    arrays = [
        *(
            _array(name, type_.dtype, type_.size)
            for name, type_ in zip(inputs, case.input_types, strict=True)
        ),
        *(
            _array(name, type_.dtype, type_.size)
            for name, type_ in zip(outputs, case.output_types, strict=True)
        ),
        *(_array(name, state.dtype, state.size) for name, state in zip(states, case.states, strict=True)),
    ]
    drawn = tuple(zip(inputs, case.operands, strict=True))
    scratch = f"{case.name}_scratch" if case.scratch else ""
    if scratch:
        arrays.append(_array(scratch, "float32", -(-case.scratch // BYTES["float32"])))
    call = CCall(inputs, outputs, states, case.input_types, case.output_types, scratch)
    packed, packing = _packed(case, inputs[1]) if len(inputs) > 1 else ("", "")
    # a function of its own, so that counts are the kernel's alone
    layer = f"""{packed}
static __attribute__((noinline)) void {case.name}_layer(void) {{
{case.statements(call)}
}}

"""
    lines = [
        f"uint32_t generator = {SEED}u;",
        f"uint64_t sum = {START}u;",
        *(_filled(name, operand) for name, operand in drawn if operand.held),
        *(_started(name, state) for name, state in zip(states, case.states, strict=True)),
        f"for (uint32_t round = 0; round < {case.rounds}u; round++) {{",
        *(_filled(name, operand) for name, operand in drawn if not operand.held),
        packing,
        f"{case.name}_layer();",
        *(_summed(n, t.dtype, t.size) for n, t in zip(outputs, case.output_types, strict=True)),
        "}",
        *(_summed(n, s.dtype, s.size) for n, s in zip(states, case.states, strict=True)),
        "return sum;",
    ]
    # not inlined into the switch, so that a fault and a profile name the case
    head = f"static __attribute__((noinline)) uint64_t {case.name}(void) {{\n"
    return "\n".join(arrays) + "\n" + layer + head + "\n".join(lines) + "\n}"


def _packed(case: KernelCase, weights: str) -> tuple[str, str]:
    """Arrays for what the kernels chosen read instead of operand 1, and the loops that fill them."""
    forms: dict[Packing, list[Family]] = {}
    for family, kernel in case.kernels.items():
        if kernel.packing is not None:
            forms.setdefault(kernel.packing, []).append(family)
    arrays, loops = [], []
    for packing, families in forms.items():
        shape = case.operands[1].shape
        sources = packing.pack(np.arange(1, np.prod(shape) + 1, dtype=np.int32).reshape(shape))
        name, condition = weights + packing.suffix, guard(families)
        table = (
            f"static const int32_t {name}_from[{sources.size}] = {{{', '.join(map(str, sources.ravel()))}}};"
        )
        arrays.append(
            f"{condition}\nstatic {packing.c_type} EDGEEEG_WORDS {name}[{sources.size}];\n{table}\n#endif\n"
        )
        loops.append(
            f"""{condition}
for (size_t i = 0; i < {sources.size}; i++) {name}[i] = {name}_from[i] ? {weights}[{name}_from[i] - 1] : 0;
#endif"""
        )
    return "".join(arrays), "\n".join(loops)


def _array(name: str, dtype: DType, size: int) -> str:
    return f"static {C_TYPE[dtype]} {name}[{size}];"


def _filled(name: str, operand: Operand) -> str:
    return f"""for (size_t i = 0; i < {operand.type.size}; i++) {{
    const uint32_t word = kernel_check_draw(&generator);
    {name}[i] = {operand.draw.c};
}}"""


def _started(name: str, state: State) -> str:
    values = np.unique(state.start())
    if len(values) == 1:
        return f"for (size_t i = 0; i < {state.size}; i++) {name}[i] = {_literal(values[0])};"
    return "\n".join(f"{name}[{i}] = {_literal(value)};" for i, value in enumerate(state.start().ravel()))


def _literal(value: np.generic) -> str:
    return f"{float(value).hex()}f" if isinstance(value, np.float32) else str(int(value))


def _summed(name: str, dtype: DType, size: int) -> str:
    element = f"kernel_check_add_float(sum, {name}[i])"
    if dtype != "float32":
        element = f"kernel_check_add(sum, (uint32_t){name}[i])"
    return f"for (size_t i = 0; i < {size}; i++) sum = {element};"
