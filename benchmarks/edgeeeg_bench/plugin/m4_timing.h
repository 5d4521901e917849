/* Cortex-M4 instruction timing: what one Thumb instruction costs, alone and after its predecessor.
 *
 * Source: Arm Cortex-M4 Technical Reference Manual (DDI 0439), table 3-1 "Cortex-M4 instruction set summary"
 * and section 3.3.2 "Load/store timings"; for the floating point unit table 7-1 "FPU instruction set". All
 * for zero wait states. Where the manual gives a range, the band keeps it: low, mid and high are three
 * complete estimates. Where the manual's table and its text differ (VLDR and VSTR of one word, moves between
 * core and FPU), low and mid follow the overlap that GCC's scheduler assumes
 * (gcc/config/arm/cortex-m4-fpu.md), high the table. Not modelled: wait states, unaligned access, the stall
 * of an address computed one instruction earlier, fetch contention of PC-relative loads, integer instructions
 * completing under a running VDIV or VSQRT.
 */
#ifndef EDGEEEG_M4_TIMING_H
#define EDGEEEG_M4_TIMING_H

#include <stddef.h>
#include <stdint.h>

enum { M4_LOW, M4_MID, M4_HIGH, M4_BAND };

/* Cycles to refill the pipeline after a taken branch: P of table 3-1, "1 to 3 depending on the alignment and
 * width of the target instruction". Entry into an exception: section 3.9.1, 12 cycles. */
extern const uint32_t m4_branch_refill[M4_BAND];
extern const uint32_t m4_exception_entry[M4_BAND];

/* How control may leave an instruction; RETURN is an indirect branch in one of the forms that compilers use
 * to return (bx lr, mov pc,lr, pop {..pc}, ldm sp!,{..pc}, ldr pc,[sp],#n). */
typedef enum { M4_SEQUENTIAL, M4_JUMP, M4_CALL, M4_INDIRECT, M4_RETURN } m4_flow;

/* Which single loads and stores overlap with the load before them. */
typedef enum { M4_NOT_MEMORY, M4_CORE_LOAD, M4_CORE_STORE, M4_FPU_LOAD } m4_memory;

typedef struct {
    uint32_t cycles[M4_BAND]; /* issued alone, without branch refill */
    m4_flow flow;
    m4_memory memory;
    uint32_t loaded;     /* bit per core register that a single load writes */
    uint32_t address;    /* bit per core register that forms the address */
    uint32_t fpu_result; /* bit per S register written by floating point arithmetic */
    uint32_t fpu_reads;  /* bit per S register that must be ready at once */
} m4_insn;

/* Decode one Thumb instruction of 2 or 4 bytes, little endian. */
m4_insn m4_decode(const uint8_t *code, size_t size);

/* Add to `cycles` what `insn` costs directly after `previous` (NULL: unknown, nothing overlaps). */
void m4_issue(const m4_insn *previous, const m4_insn *insn, uint32_t cycles[M4_BAND]);

#endif
