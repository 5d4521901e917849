"""The cycle model against the tables of the Cortex-M4 manual (DDI 0439), instruction by instruction."""

import ctypes
import shutil
import subprocess

import pytest

from edgeeeg_bench.counters import PLUGIN_SOURCES

pytestmark = pytest.mark.skipif(
    not (shutil.which("gcc") and shutil.which("arm-none-eabi-gcc")),
    reason="needs gcc and arm-none-eabi-gcc: apt-get install gcc gcc-arm-none-eabi",
)

SEQUENTIAL, JUMP, CALL, INDIRECT, RETURN = range(5)


class Insn(ctypes.Structure):
    _fields_ = (
        ("cycles", ctypes.c_uint32 * 3),
        ("flow", ctypes.c_int),
        ("memory", ctypes.c_int),
        ("loaded", ctypes.c_uint32),
        ("address", ctypes.c_uint32),
        ("fpu_result", ctypes.c_uint32),
        ("fpu_reads", ctypes.c_uint32),
    )


class Model:
    def __init__(self, folder):
        self.folder = folder
        library = folder / "m4_timing.so"
        source = PLUGIN_SOURCES / "m4_timing.c"
        flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fPIC", "-shared"]
        subprocess.run(["gcc", *flags, "-o", library, source], check=True)
        self.library = ctypes.CDLL(str(library))
        self.library.m4_decode.restype = Insn
        self.library.m4_decode.argtypes = (ctypes.c_char_p, ctypes.c_size_t)

    def decode(self, lines):
        """Assemble, one instruction a line, and decode each."""
        text = ".syntax unified\n.thumb\nstart:\n" + "\n".join(lines) + "\nend:\n.ltorg\n"
        source, built, image = (self.folder / name for name in ("case.s", "case.o", "case.bin"))
        source.write_text(text)
        core = ["-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard", "-mthumb"]
        subprocess.run(["arm-none-eabi-gcc", *core, "-c", source, "-o", built], check=True)
        subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", built, image], check=True)
        code, at, decoded = image.read_bytes(), 0, []
        for _ in lines:
            size = 4 if code[at + 1] >> 3 in (0b11101, 0b11110, 0b11111) else 2
            decoded.append(self.library.m4_decode(code[at : at + size], size))
            at += size
        return decoded

    def cycles(self, lines):
        """Cycles of a straight sequence, low, mid and high."""
        total, previous = (ctypes.c_uint32 * 3)(), None
        for insn in self.decode(lines):
            pointer = ctypes.byref(previous) if previous is not None else None
            self.library.m4_issue(pointer, ctypes.byref(insn), total)
            previous = insn
        return tuple(total)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Model(tmp_path_factory.mktemp("timing"))


# Table 3-1, without the P of taken branches.
TABLE_3_1 = {
    "movs r0, #1": 1, "movw r0, #1234": 1, "movt r0, #1": 1, "mov r8, r9": 1,
    "adds r0, r1, r2": 1, "adc r0, r1": 1, "adr r0, end": 1, "sub sp, #16": 1, "rsbs r0, r1, #0": 1,
    "muls r0, r1": 1, "mla r0, r1, r2, r3": 1, "mls r0, r1, r2, r3": 1,
    "smull r0, r1, r2, r3": 1, "umlal r0, r1, r2, r3": 1,
    "sdiv r0, r1, r2": (2, 7, 12), "udiv r0, r1, r2": (2, 7, 12),
    "ssat r0, #8, r1": 1, "usat r0, #8, r1": 1, "cmp r0, r1": 1, "cmp r8, r9": 1, "tst r0, r1": 1,
    "lsls r0, r1, #3": 1, "ror r0, r1": 1, "clz r0, r1": 1, "sxth r0, r1": 1, "ubfx r0, r1, #3, #4": 1,
    "rev r0, r1": 1, "nop": 1, "dmb": 1, "isb": 1, "cpsid i": (1, 1, 2), "mrs r0, primask": (1, 1, 2),
    "msr primask, r0": (1, 1, 2),
    "smlad r0, r1, r2, r3": 1, "sxtb16 r0, r1": 1, "pkhbt r0, r1, r2": 1, "qadd8 r0, r1, r2": 1,
    "ldr r0, [r1]": 2, "ldr r0, [r1, r2]": 2, "ldrb r0, [r1, #3]": 2, "ldrsh r0, [r1, r2]": 2,
    "ldr r0, [sp, #8]": 2, "ldr r0, end": 2, "ldr.w r8, [r9, #400]": 2, "ldr r0, [r1], #4": 2,
    "ldr.w r0, [r1, r2, lsl #2]": 2, "ldrsb.w r8, [r9, #-4]": 2, "pld [r0]": 1,
    "str r0, [r1]": 1, "strb r0, [r1, #3]": 1, "str r0, [sp, #8]": 1, "str.w r8, [r9, #400]": 1,
    "str r0, [r1], #4": 1, "str r0, [r1, r2]": 2, "strh.w r8, [r9, r2, lsl #1]": 2,
    "ldrd r0, r1, [r2]": 3, "strd r0, r1, [r2]": 3,
    "ldm r0!, {r1, r2, r3}": 4, "stm r0!, {r1, r2}": 3, "ldmdb r0, {r1, r8}": 3,
    "push {r4, r5, lr}": 4, "pop {r4, r5}": 3, "pop {r4, pc}": 3, "push.w {r4, r8, lr}": 4,
    "ldrex r0, [r1]": 2, "strex r0, r1, [r2]": 2, "ldrexb r0, [r1]": 2, "clrex": 1,
    "b start": 1, "beq start": 1, "bl start": 1, "bx lr": 1, "blx r3": 1, "cbz r0, 0f\n0:": 1,
    "it eq": 1, "moveq r0, r1": 1,
    "tbb [r0, r1]": 2, "tbh [r0, r1, lsl #1]": 2,
}  # fmt: skip

# Table 7-1; bands where GCC's scheduler assumes an overlap that the table does not show.
TABLE_7_1 = {
    "vabs.f32 s0, s1": 1, "vadd.f32 s0, s1, s2": 1, "vsub.f32 s0, s1, s2": 1, "vmul.f32 s0, s1, s2": 1,
    "vnmul.f32 s0, s1, s2": 1, "vneg.f32 s0, s1": 1, "vcmp.f32 s0, s1": 1, "vcmp.f32 s0, #0": 1,
    "vcvt.s32.f32 s0, s1": 1, "vcvt.f32.s32 s0, s1": 1, "vcvtr.s32.f32 s0, s1": 1,
    "vdiv.f32 s0, s1, s2": 14, "vsqrt.f32 s0, s1": 14,
    "vmla.f32 s0, s1, s2": 3, "vmls.f32 s0, s1, s2": 3, "vnmla.f32 s0, s1, s2": 3,
    "vfma.f32 s0, s1, s2": 3, "vfnms.f32 s0, s1, s2": 3,
    "vmov.f32 s0, #1.0": 1, "vmov.f32 s0, s1": 1, "vmov s0, r1": (1, 1, 2), "vmov r1, s0": (1, 1, 2),
    "vmov s0, s1, r0, r1": 2, "vmov r0, r1, d3": 2, "vmrs apsr_nzcv, fpscr": 1, "vmsr fpscr, r0": 1,
    "vldr s0, [r0]": 2, "vldr d0, [r0]": 3, "vstr s0, [r0]": (1, 1, 2), "vstr d0, [r0]": 3,
    "vldmia r0!, {s0-s3}": 5, "vstmia r0!, {s0-s3}": 5, "vldmia r0!, {d0-d1}": 5,
    "vpush {s16-s19}": 5, "vpop {d8-d9}": 5,
}  # fmt: skip


@pytest.mark.parametrize("table", [TABLE_3_1, TABLE_7_1], ids=["3-1", "7-1"])
def test_each_instruction_costs_what_the_manual_says(model, table):
    found = {line: tuple(insn.cycles) for line, insn in zip(table, model.decode(list(table)), strict=True)}
    expected = {line: cost if isinstance(cost, tuple) else (cost,) * 3 for line, cost in table.items()}
    assert found == expected


def test_flow_tells_calls_jumps_and_returns_apart(model):
    flows = {
        "bl start": CALL, "blx r3": CALL, "b start": JUMP, "b.w start": JUMP, "bne start": JUMP,
        "bne.w start": JUMP, "cbnz r0, end": JUMP, "tbb [r0, r1]": JUMP,
        "bx lr": RETURN, "mov pc, lr": RETURN,
        "pop {r4, pc}": RETURN, "pop.w {r4, r8, pc}": RETURN, "ldr pc, [sp], #4": RETURN, "bx r3": INDIRECT,
        "mov pc, r3": INDIRECT, "ldr pc, [r0, r1, lsl #2]": INDIRECT, "ldm r0, {r1, pc}": INDIRECT,
        "svc #0": SEQUENTIAL, "pop {r4, r5}": SEQUENTIAL, "dsb": SEQUENTIAL, "add r8, r9": SEQUENTIAL,
        "wfi": SEQUENTIAL, "bkpt #1": SEQUENTIAL, "vmrs apsr_nzcv, fpscr": SEQUENTIAL,
    }  # fmt: skip
    found = dict(zip(flows, (insn.flow for insn in model.decode(list(flows))), strict=True))
    assert found == flows


# Section 3.3.2 gives the first four sums itself.
@pytest.mark.parametrize(
    ("lines", "cycles"),
    [
        (["ldr r0, [r1]", "ldr r1, [r2]"], (3, 3, 3)),
        (["ldr r0, [r1, r2]", "str r0, [r3, #20]"], (3, 3, 3)),
        (["ldr r0, [r1, r2]", "str r1, [r3, r2]"], (3, 3, 3)),
        (["ldr r0, [r1, r5]", "ldr r1, [r2]", "ldr r2, [r3, #4]"], (4, 4, 4)),
        (["ldr r0, [r1]", "ldr r2, [r0]"], (4, 4, 4)),
        (["ldr r0, [r1]", "ldr r2, [r3, r0]"], (4, 4, 4)),
        (["str r0, [r1, r2]", "ldr r3, [r4]"], (4, 4, 4)),
        (["ldr r0, [r1]", "adds r5, #1", "ldr r1, [r2]"], (5, 5, 5)),
        (["ldrd r0, r1, [r2]", "ldr r3, [r4]"], (5, 5, 5)),
        (["vldr s0, [r0]", "vldr s1, [r0, #4]"], (3, 3, 4)),
        (["vmul.f32 s0, s1, s2", "vadd.f32 s3, s0, s4"], (2, 3, 3)),
        (["vmul.f32 s0, s1, s2", "vadd.f32 s3, s5, s4"], (2, 2, 2)),
        (["vmul.f32 s0, s1, s2", "vfma.f32 s0, s5, s4"], (4, 4, 4)),
        (["vmul.f32 s0, s1, s2", "vfma.f32 s3, s0, s4"], (4, 5, 5)),
        (["vadd.f32 s0, s1, s2", "vstr s0, [r0]"], (2, 3, 4)),
        (["vmov.f32 s0, s1", "vadd.f32 s3, s0, s4"], (2, 2, 2)),
        (["vcvt.s32.f32 s31, s1", "vmov r0, s31"], (2, 3, 4)),
        (["vadd.f32 s17, s1, s2", "vpush {s16-s19}"], (6, 7, 7)),
        (["vadd.f32 s20, s1, s2", "vpush {s16-s19}"], (6, 6, 6)),
        (["vadd.f32 s0, s1, s2", "vsqrt.f32 s3, s0"], (15, 16, 16)),
    ],
)
def test_neighbours_overlap_and_wait_as_the_manual_says(model, lines, cycles):
    assert model.cycles(lines) == cycles


def test_a_taken_branch_refills_the_pipeline_in_one_to_three_cycles(model):
    assert tuple((ctypes.c_uint32 * 3).in_dll(model.library, "m4_branch_refill")) == (1, 2, 3)
    assert tuple((ctypes.c_uint32 * 3).in_dll(model.library, "m4_exception_entry")) == (12, 12, 12)
