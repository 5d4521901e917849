#include "m4_timing.h"

#include <stdbool.h>

const uint32_t m4_branch_refill[M4_BAND] = {1, 2, 3};
const uint32_t m4_exception_entry[M4_BAND] = {12, 12, 12};

enum { SP = 13, LR = 14, PC = 15 };

static uint32_t bit(unsigned index) {
    return UINT32_C(1) << index;
}

static void takes_band(m4_insn *insn, uint32_t low, uint32_t mid, uint32_t high) {
    insn->cycles[M4_LOW] = low;
    insn->cycles[M4_MID] = mid;
    insn->cycles[M4_HIGH] = high;
}

static void takes(m4_insn *insn, uint32_t cycles) {
    takes_band(insn, cycles, cycles, cycles);
}

/* LDM, STM, PUSH, POP, VLDM and their like: 1 + N. */
static void takes_words(m4_insn *insn, unsigned words) {
    takes(insn, 1 + words);
}

static void core_load(m4_insn *insn, unsigned target, uint32_t address) {
    takes(insn, 2);
    insn->memory = M4_CORE_LOAD;
    insn->loaded = bit(target);
    insn->address = address & ~bit(PC);
}

/* "STR Rx,[Ry,#imm] is always one cycle"; with a register offset it is two, one directly after a load. */
static void core_store(m4_insn *insn, bool register_offset) {
    if (register_offset) {
        takes(insn, 2);
        insn->memory = M4_CORE_STORE;
    } else {
        takes(insn, 1);
    }
}

/* Bits 15 to 12 of the 16-bit encodings 0101: load or store with a register offset. */
static void decode_register_offset(m4_insn *insn, unsigned code) {
    const unsigned operation = (code >> 9) & 7; /* STR STRH STRB LDRSB LDR LDRH LDRB LDRSH */
    if (operation < 3)
        core_store(insn, true);
    else
        core_load(insn, code & 7, bit((code >> 3) & 7) | bit((code >> 6) & 7));
}

/* ADD, CMP, MOV with high registers, BX and BLX. */
static void decode_high_registers(m4_insn *insn, unsigned code) {
    const unsigned source = (code >> 3) & 15;
    const unsigned target = ((code >> 4) & 8) | (code & 7);
    if ((code & 0xFF00) == 0x4700)
        insn->flow = code & 0x80 ? M4_CALL : source == LR ? M4_RETURN : M4_INDIRECT;
    else if ((code & 0xFF00) != 0x4500 && target == PC)
        insn->flow = (code & 0xFF00) == 0x4600 && source == LR ? M4_RETURN : M4_INDIRECT;
}

static void decode_narrow(m4_insn *insn, unsigned code) {
    if ((code & 0xFC00) == 0x4400) {
        decode_high_registers(insn, code);
    } else if ((code & 0xF800) == 0x4800) { /* LDR literal */
        core_load(insn, (code >> 8) & 7, bit(PC));
    } else if ((code & 0xF000) == 0x5000) {
        decode_register_offset(insn, code);
    } else if (code >= 0x6000 && code < 0x9000) { /* word, byte and halfword with an immediate offset */
        if (code & 0x0800)
            core_load(insn, code & 7, bit((code >> 3) & 7));
        else
            core_store(insn, false);
    } else if ((code & 0xF000) == 0x9000) { /* relative to SP */
        if (code & 0x0800)
            core_load(insn, (code >> 8) & 7, bit(SP));
        else
            core_store(insn, false);
    } else if ((code & 0xF600) == 0xB400) { /* PUSH, POP */
        takes_words(insn, (unsigned)__builtin_popcount(code & 0x1FF));
        if ((code & 0x0900) == 0x0900)
            insn->flow = M4_RETURN;
    } else if ((code & 0xFFE0) == 0xB660) { /* CPSID, CPSIE: "1 or 2" */
        takes_band(insn, 1, 1, 2);
    } else if ((code & 0xF500) == 0xB100) { /* CBZ, CBNZ */
        insn->flow = M4_JUMP;
    } else if ((code & 0xF000) == 0xC000) { /* LDM, STM */
        takes_words(insn, (unsigned)__builtin_popcount(code & 0xFF));
    } else if ((code & 0xF000) == 0xD000 && (code & 0x0E00) != 0x0E00) { /* B<cond>; DE is UDF, DF is SVC */
        insn->flow = M4_JUMP;
    } else if ((code & 0xF800) == 0xE000) { /* B */
        insn->flow = M4_JUMP;
    }
}

/* 1111 100x: single loads and stores of all widths. */
static void decode_wide_single(m4_insn *insn, unsigned first, unsigned second) {
    const unsigned base = first & 15, target = second >> 12;
    const bool immediate = base == PC || (first & 0x0080) || (second & 0x0800);
    if (!(first & 0x10)) {
        core_store(insn, !immediate);
        return;
    }
    if (target == PC && (first & 0x60) != 0x40)
        return; /* PLD, PLI: hints */
    core_load(insn, target, bit(base) | (immediate ? 0 : bit(second & 15)));
    if (target == PC)
        insn->flow = base == SP ? M4_RETURN : M4_INDIRECT;
}

/* 1110 1000, 1110 1001: multiple, double and exclusive access, table branches. */
static void decode_wide_multiple(m4_insn *insn, unsigned first, unsigned second) {
    if (!(first & 0x40)) { /* LDM, STM */
        takes_words(insn, (unsigned)__builtin_popcount(second));
        if ((first & 0x10) && (second & 0x8000))
            insn->flow = (first & 15) == SP ? M4_RETURN : M4_INDIRECT;
    } else if ((first & 0xFFF0) == 0xE8D0 && (second & 0xFFE0) == 0xF000) { /* TBB, TBH */
        takes(insn, 2);
        insn->flow = M4_JUMP;
    } else if ((first & 0xFFE0) == 0xE840 || (first & 0xFFE0) == 0xE8C0) { /* LDREX, STREX and narrow forms */
        takes(insn, 2);
    } else { /* LDRD, STRD: 1 + N with N = 2 */
        takes(insn, 3);
    }
}

/* 1111 0xxx 1xxx: branches, special registers, hints and barriers. */
static void decode_wide_branch(m4_insn *insn, unsigned first, unsigned second) {
    if ((second & 0xD000) == 0xD000)
        insn->flow = M4_CALL;
    else if ((second & 0xD000) == 0x9000 || (first & 0x0380) != 0x0380)
        insn->flow = M4_JUMP;
    else if ((first & 0xFFE0) == 0xF380 || (first & 0xFFE0) == 0xF3E0) /* MSR, MRS: "1 or 2" */
        takes_band(insn, 1, 1, 2);
}

/* Bits of `count` consecutive S registers from `start`. */
static uint32_t registers(unsigned start, unsigned count) {
    uint32_t mask = 0;
    for (unsigned index = start; index < start + count && index < 32; index++)
        mask |= bit(index);
    return mask;
}

/* VLDR, VSTR, VLDM, VSTM, VPUSH, VPOP and the moves between two core and two S registers. */
static void decode_fpu_memory(m4_insn *insn, unsigned first, unsigned second) {
    const bool is_load = first & 0x10; /* for the moves: from the FPU to the core */
    const bool is_double = second & 0x0100;
    const unsigned vd = second >> 12, d = (first >> 6) & 1;
    const unsigned start = is_double ? 2 * vd : 2 * vd + d;
    if ((first & 0xFFE0) == 0xEC40) { /* VMOV of two words */
        takes(insn, 2);
        if (is_load)
            insn->fpu_reads = registers(2 * (second & 15) + (is_double ? 0 : (second >> 5) & 1), 2);
    } else if ((first & 0x0120) == 0x0100) { /* VLDR, VSTR */
        if (is_double)
            takes(insn, 3);
        else if (is_load)
            takes(insn, 2);
        else
            takes_band(insn, 1, 1, 2);
        if (!is_load)
            insn->fpu_reads = registers(start, is_double ? 2 : 1);
        else if (!is_double)
            insn->memory = M4_FPU_LOAD;
    } else { /* the multiple forms carry their count of words */
        takes_words(insn, second & 0xFF);
        if (!is_load)
            insn->fpu_reads = registers(start, second & 0xFF);
    }
}

/* Instructions of one or two operands that share opcode 1x11: moves, comparisons, root, conversions. */
static void decode_fpu_unary(m4_insn *insn, unsigned first, unsigned second, uint32_t sd, uint32_t sm) {
    const unsigned operation = first & 15;
    if (!(second & 0x40)) /* VMOV immediate */
        return;
    insn->fpu_reads = sm;
    if (operation == 0 || (operation == 1 && !(second & 0x80))) /* VMOV, VABS, VNEG */
        return;
    if (operation == 4 || operation == 5) { /* VCMP with a register, with zero */
        insn->fpu_reads = operation == 4 ? sd | sm : sd;
        return;
    }
    insn->fpu_result = sd;
    if (operation == 1)
        takes(insn, 14); /* VSQRT */
    else if (operation == 10 || operation == 11 || operation >= 14)
        insn->fpu_reads = sd; /* fixed point conversions work in place */
}

static void decode_fpu_arithmetic(m4_insn *insn, unsigned first, unsigned second) {
    const uint32_t sd = bit(2 * (second >> 12) + ((first >> 6) & 1));
    const uint32_t sn = bit(2 * (first & 15) + ((second >> 7) & 1));
    const uint32_t sm = bit(2 * (second & 15) + ((second >> 5) & 1));
    if (second & 0x10) { /* VMOV between core and S register, VMRS, VMSR */
        if ((first & 0xFFE0) == 0xEE00)
            takes_band(insn, 1, 1, 2);
        if ((first & 0xFFF0) == 0xEE10)
            insn->fpu_reads = sn;
        return;
    }
    switch ((first >> 4) & 0xB) {
    case 0x0: /* VMLA, VMLS */
    case 0x1: /* VNMLA, VNMLS */
    case 0x9: /* VFNMA, VFNMS */
    case 0xA: /* VFMA, VFMS */
        takes(insn, 3);
        insn->fpu_reads = sn | sm; /* "consume their addend one cycle later": Sd may still be on its way */
        insn->fpu_result = sd;
        return;
    case 0x8: /* VDIV */
        takes(insn, 14);
        insn->fpu_reads = sn | sm;
        insn->fpu_result = sd;
        return;
    case 0x2: /* VMUL, VNMUL */
    case 0x3: /* VADD, VSUB */
        insn->fpu_reads = sn | sm;
        insn->fpu_result = sd;
        return;
    default:
        decode_fpu_unary(insn, first, second, sd, sm);
    }
}

static void decode_wide(m4_insn *insn, unsigned first, unsigned second) {
    const bool is_fpu = (second & 0x0E00) == 0x0A00;
    if ((first & 0xFE00) == 0xE800)
        decode_wide_multiple(insn, first, second);
    else if ((first & 0xFE00) == 0xEC00 && is_fpu)
        decode_fpu_memory(insn, first, second);
    else if ((first & 0xFF00) == 0xEE00 && is_fpu)
        decode_fpu_arithmetic(insn, first, second);
    else if ((first & 0xF800) == 0xF000 && (second & 0x8000))
        decode_wide_branch(insn, first, second);
    else if ((first & 0xFE00) == 0xF800)
        decode_wide_single(insn, first, second);
    else if ((first & 0xFFF0) == 0xFB90 || (first & 0xFFF0) == 0xFBB0) /* SDIV, UDIV: "2 to 12" */
        takes_band(insn, 2, 7, 12);
}

m4_insn m4_decode(const uint8_t *code, size_t size) {
    m4_insn insn = {.cycles = {1, 1, 1}, .flow = M4_SEQUENTIAL, .memory = M4_NOT_MEMORY};
    const unsigned first = code[0] | (unsigned)code[1] << 8;
    if (size == 2)
        decode_narrow(&insn, first);
    else
        decode_wide(&insn, first, code[2] | (unsigned)code[3] << 8);
    return insn;
}

void m4_issue(const m4_insn *previous, const m4_insn *insn, uint32_t cycles[M4_BAND]) {
    uint32_t cost[M4_BAND] = {insn->cycles[M4_LOW], insn->cycles[M4_MID], insn->cycles[M4_HIGH]};
    if (previous) {
        /* "one cycle is removed from the cost of the next instruction" after a load, unless it needs what was
         * loaded for its address. */
        const bool core_load = previous->memory == M4_CORE_LOAD && !(previous->loaded & insn->address);
        const bool fpu_load = previous->memory == M4_FPU_LOAD;
        if (core_load && (insn->memory == M4_CORE_LOAD || insn->memory == M4_CORE_STORE)) {
            for (int estimate = 0; estimate < M4_BAND; estimate++)
                cost[estimate] -= 1;
        } else if ((core_load && insn->memory == M4_FPU_LOAD) ||
                   (fpu_load && insn->memory != M4_NOT_MEMORY)) {
            cost[M4_LOW] -= 1;
            cost[M4_MID] -= 1;
        }
        /* Chapter 7: arithmetic takes "one cycle longer if their result is consumed by the following
         * instruction". The low estimate trusts the compiler's scheduling instead. */
        if (previous->fpu_result & insn->fpu_reads) {
            cost[M4_MID] += 1;
            cost[M4_HIGH] += 1;
        }
    }
    for (int estimate = 0; estimate < M4_BAND; estimate++)
        cycles[estimate] += cost[estimate];
}
