/* QEMU TCG plugin: instructions, calls and modelled Cortex-M4 cycles per symbol of a bare-metal image.
 *
 * Instructions are counted as the emulator executes them, one by one; cycles are the model of m4_timing.h.
 *
 *   exclusive  instructions executed between a symbol's first and last address
 *   inclusive  those and the ones of everything it calls, until it returns; what an interrupt handler
 * executes meanwhile is the handler's alone calls      entries at the symbol's first address by a call, a
 * tail call or an exception
 *
 * Arguments: `symbols=FILE` with a line "address size handler name" for each function, hexadecimal,
 * hexadecimal and 0 or 1, ascending and without overlap (1: in the vector table, entered by exceptions only);
 * `out=FILE` for the result, written when the emulator exits.
 *
 * Written against version 1 of QEMU's plugin interface (QEMU 4.2 to 8.2), declared here because distributions
 * ship the emulator without its header.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "m4_timing.h"

/* --- the part of QEMU's plugin interface that is used --- */

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef struct {
    const char *target_name;
    struct {
        int min, cur;
    } version;
    bool system_emulation;
    struct {
        int smp_vcpus, max_vcpus;
    } system;
} qemu_info_t;

enum { QEMU_PLUGIN_CB_NO_REGS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
                                           void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);

#define EXPORTED __attribute__((visibility("default")))
EXPORTED int qemu_plugin_version = 1;

/* --- what is counted --- */

enum { MAX_LEVELS = 16, MAX_FRAMES = 256 };

typedef struct {
    uint32_t address, size;
    bool is_handler;
    char *name;
    uint64_t calls, exclusive, inclusive, cycles[M4_BAND];
    uint32_t active[MAX_LEVELS]; /* frames on the stack of each exception level: recursion counts once */
} symbol_t;

/* A translation block: instructions that run in sequence, entered at the first only. */
typedef struct {
    uint32_t start, end, n_insns, cycles[M4_BAND];
    m4_flow flow; /* of the last instruction */
    symbol_t *symbol;
} block_t;

typedef struct {
    symbol_t *symbol;
    uint32_t returns_to;
    bool is_tail_call; /* it took the place of the frame below it, and returns for both */
    uint64_t entered_at;
} frame_t;

/* Thread mode is level 0, each exception that preempts opens the next: its own stack of calls, and its own
 * counter, by which inclusive counts are taken, so that an interrupt leaves the interrupted functions' alone.
 */
typedef struct {
    uint64_t n_insns;
    const block_t *previous;
    int n_frames;
    frame_t frames[MAX_FRAMES];
} level_t;

/* In place of an address: the frame ends by returning from the exception. */
static const uint32_t EXCEPTION_RETURN = 0xFFFFFFFF;

static symbol_t *symbols;
static size_t n_symbols;
static symbol_t unknown = {.name = (char *)"?"}; /* code outside every symbol */
static level_t levels[MAX_LEVELS];
static int level;
static const char *lost; /* set when a fixed bound was passed: the result is then marked unusable */
static char *out_path;

static void *checked(void *memory) {
    if (!memory) {
        fprintf(stderr, "insn_count: out of memory\n");
        exit(1);
    }
    return memory;
}

static symbol_t *find_symbol(uint32_t address) {
    size_t low = 0, high = n_symbols;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (address < symbols[middle].address)
            high = middle;
        else if (address - symbols[middle].address >= symbols[middle].size)
            low = middle + 1;
        else
            return &symbols[middle];
    }
    return &unknown;
}

/* --- calls and returns --- */

static void push_frame(symbol_t *symbol, uint32_t returns_to, bool is_tail_call) {
    level_t *current = &levels[level];
    symbol->calls++;
    if (current->n_frames == MAX_FRAMES) {
        lost = "calls nested too deep";
        return;
    }
    symbol->active[level]++;
    current->frames[current->n_frames++] = (frame_t){symbol, returns_to, is_tail_call, current->n_insns};
}

/* Take the uppermost frame off, and the ones that ended with it by tail calls. */
static void pop_frame(void) {
    level_t *current = &levels[level];
    bool ends_below = true;
    while (ends_below && current->n_frames > 0) {
        const frame_t *frame = &current->frames[--current->n_frames];
        if (--frame->symbol->active[level] == 0)
            frame->symbol->inclusive += current->n_insns - frame->entered_at;
        ends_below = frame->is_tail_call;
    }
}

static void leave_level(void) {
    while (levels[level].n_frames > 0)
        pop_frame();
    level--;
}

/* An exception return is a return where no caller is left at this level. */
static bool exception_has_returned(const block_t *block) {
    const level_t *current = &levels[level];
    return level > 0 && current->previous->flow == M4_RETURN && block->start != current->previous->end &&
           current->n_frames > 0 && current->frames[current->n_frames - 1].returns_to == EXCEPTION_RETURN;
}

/* A handler's first address is reached by an exception, or by a loop of the handler's own. */
static bool is_exception_entry(const block_t *block) {
    const block_t *previous = levels[level].previous;
    if (!previous || !block->symbol->is_handler || block->start != block->symbol->address)
        return false;
    return previous->symbol != block->symbol || previous->flow == M4_RETURN;
}

static void follow_return(const block_t *block) {
    level_t *current = &levels[level];
    int index = current->n_frames - 1;
    while (index >= 0 && current->frames[index].returns_to != block->start)
        index--;
    while (index >= 0 && current->n_frames > index)
        pop_frame();
}

static void follow_flow(const block_t *block) {
    const block_t *previous = levels[level].previous;
    const m4_flow flow = previous ? previous->flow : M4_INDIRECT;
    const bool is_entry = block->symbol != &unknown && block->start == block->symbol->address;
    if ((flow == M4_RETURN || flow == M4_INDIRECT) && previous && block->start != previous->end)
        follow_return(block);
    if (!is_entry)
        return;
    if (flow == M4_CALL) {
        push_frame(block->symbol, previous->end, false);
    } else if (!previous || previous->symbol != block->symbol) {
        const level_t *current = &levels[level];
        const bool has_caller = current->n_frames > 0;
        push_frame(block->symbol,
                   has_caller ? current->frames[current->n_frames - 1].returns_to : EXCEPTION_RETURN,
                   has_caller);
    }
}

/* --- QEMU's callbacks --- */

static void add_cycles(symbol_t *symbol, const uint32_t cycles[M4_BAND]) {
    for (int estimate = 0; estimate < M4_BAND; estimate++)
        symbol->cycles[estimate] += cycles[estimate];
}

static void on_block_executed(unsigned vcpu, void *data) {
    (void)vcpu;
    const block_t *block = data;
    symbol_t *symbol = block->symbol;
    const uint32_t *extra = NULL; /* cycles for arriving here other than in sequence */
    if (exception_has_returned(block)) {
        add_cycles(levels[level].previous->symbol, m4_branch_refill);
        leave_level();
    }
    if (is_exception_entry(block)) {
        if (level + 1 == MAX_LEVELS) {
            lost = "exceptions nested too deep";
            return;
        }
        level++;
        levels[level].previous = NULL;
        push_frame(symbol, EXCEPTION_RETURN, false);
        extra = m4_exception_entry;
    } else {
        follow_flow(block);
        if (levels[level].previous && levels[level].previous->end != block->start)
            extra = m4_branch_refill;
    }
    levels[level].previous = block;
    levels[level].n_insns += block->n_insns;
    symbol->exclusive += block->n_insns;
    add_cycles(symbol, block->cycles);
    if (extra)
        add_cycles(symbol, extra);
}

/* Blocks live as long as the emulator: QEMU may still execute one after translating its address anew. */
static void on_block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *translation) {
    (void)id;
    block_t *block = checked(calloc(1, sizeof *block));
    m4_insn insn, before;
    block->n_insns = (uint32_t)qemu_plugin_tb_n_insns(translation);
    for (uint32_t index = 0; index < block->n_insns; index++) {
        const struct qemu_plugin_insn *source = qemu_plugin_tb_get_insn(translation, index);
        const uint32_t address = (uint32_t)qemu_plugin_insn_vaddr(source);
        const size_t size = qemu_plugin_insn_size(source);
        insn = m4_decode(qemu_plugin_insn_data(source), size);
        m4_issue(index ? &before : NULL, &insn, block->cycles);
        before = insn;
        if (index == 0)
            block->start = address;
        block->end = address + (uint32_t)size;
        block->flow = insn.flow;
    }
    block->symbol = find_symbol(block->start);
    qemu_plugin_register_vcpu_tb_exec_cb(translation, on_block_executed, QEMU_PLUGIN_CB_NO_REGS, block);
}

static void write_symbol(FILE *out, const symbol_t *symbol) {
    if (symbol->exclusive == 0)
        return;
    fprintf(out, "%08" PRIx32 "\t%d", symbol->address, symbol->is_handler);
    fprintf(out, "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64, symbol->calls, symbol->exclusive, symbol->inclusive);
    for (int estimate = 0; estimate < M4_BAND; estimate++)
        fprintf(out, "\t%" PRIu64, symbol->cycles[estimate]);
    fprintf(out, "\t%s\n", symbol->name);
}

static void on_exit_of_emulator(qemu_plugin_id_t id, void *data) {
    (void)id, (void)data;
    while (level > 0)
        leave_level();
    while (levels[0].n_frames > 0)
        pop_frame();
    FILE *out = fopen(out_path, "w");
    if (!out) {
        perror(out_path);
        return;
    }
    fprintf(out,
            "# address\thandler\tcalls\texclusive\tinclusive\tcycles_low\tcycles_mid\tcycles_high\tname\n");
    for (size_t index = 0; index < n_symbols; index++)
        write_symbol(out, &symbols[index]);
    write_symbol(out, &unknown);
    fprintf(out, "# %s\n", lost ? lost : "complete");
    if (fclose(out) != 0)
        perror(out_path);
}

static bool read_symbols(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return false;
    }
    char line[1024];
    size_t capacity = 0;
    while (fgets(line, sizeof line, file)) {
        symbol_t symbol = {0};
        int is_handler, name_at = 0;
        if (sscanf(line, "%" SCNx32 " %" SCNx32 " %d %n", &symbol.address, &symbol.size, &is_handler,
                   &name_at) != 3 ||
            name_at == 0) {
            fprintf(stderr, "insn_count: %s: not a symbol: %s", path, line);
            fclose(file);
            return false;
        }
        line[strcspn(line, "\n")] = '\0';
        symbol.is_handler = is_handler != 0;
        symbol.name = checked(strdup(line + name_at));
        if (n_symbols == capacity) {
            capacity = capacity ? 2 * capacity : 256;
            symbols = checked(realloc(symbols, capacity * sizeof *symbols));
        }
        symbols[n_symbols++] = symbol;
    }
    fclose(file);
    return true;
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    const char *symbols_path = NULL;
    for (int index = 0; index < argc; index++) {
        if (strncmp(argv[index], "symbols=", 8) == 0)
            symbols_path = argv[index] + 8;
        else if (strncmp(argv[index], "out=", 4) == 0)
            out_path = checked(strdup(argv[index] + 4));
    }
    if (!symbols_path || !out_path || !info->system_emulation || info->system.smp_vcpus != 1) {
        fprintf(stderr, "insn_count: needs symbols=FILE, out=FILE and a machine with one core\n");
        return 1;
    }
    if (!read_symbols(symbols_path))
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_block_translated);
    qemu_plugin_register_atexit_cb(id, on_exit_of_emulator, NULL);
    return 0;
}
