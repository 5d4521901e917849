/* The core that is compiled for: which family of kernels it runs. Plain C is the reference of all of them,
 * and what gcc vectorizes on hosts; every family gives the same bits. */
#ifndef EDGEEEG_CORE_H
#define EDGEEEG_CORE_H

#include <stdint.h>

#include "edgeeeg_integers.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2)
#error "add +nomve.fp to -mcpu: vectors of floats flush subnormal numbers, and the bits would differ"
#endif

#if defined(EDGEEEG_PLAIN)
/* plain C on any core, to hold the families to */
#elif defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1) && defined(__OPTIMIZE__)
#define EDGEEEG_HELIUM 1 /* vectors of integers: Cortex-M55, in optimized code */
#elif defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32) && defined(__OPTIMIZE__)
#define EDGEEEG_DSP 1 /* two products an instruction: Cortex-M4, M7, M33, in optimized code */
#endif

/* VCVTR rounds as its mode says, which is half to even from reset on, and saturates; an A-profile compiler
 * vectorizes the plain form instead */
#if defined(__GNUC__) && defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M' && defined(__ARM_FP) && \
    (__ARM_FP & 4)
#include <arm_acle.h>
#define EDGEEEG_ROUNDS 1
#endif

/* Kernels take operands of 1 or 2 bytes an element. The width is a constant where they are called, so that
 * inlining leaves no choice to make at run time. */
#if defined(__GNUC__)
#define EDGEEEG_INLINE static inline __attribute__((always_inline))
#define EDGEEEG_WORDS  __attribute__((aligned(4))) /* may be read word by word */
#else
#define EDGEEEG_INLINE static inline
#define EDGEEEG_WORDS
#endif

/* A part of a kernel that several layers share, whatever their widths; it may need the frame pointer's
 * register */
#if defined(__GNUC__) && !defined(__clang__)
#define EDGEEEG_SHARED static __attribute__((noinline, unused, optimize("omit-frame-pointer")))
#elif defined(__GNUC__)
#define EDGEEEG_SHARED static __attribute__((noinline, unused))
#else
#define EDGEEEG_SHARED static inline
#endif

/* in front of a loop of a few rounds whose values stay in registers once it is unrolled */
#if defined(__clang__)
#define EDGEEEG_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define EDGEEEG_UNROLL _Pragma("GCC unroll 16")
#else
#define EDGEEEG_UNROLL
#endif

/* a weight of int8 as its core multiplies it: widened where two are multiplied at a time */
#if defined(EDGEEEG_DSP)
typedef int16_t edgeeeg_tap;
#else
typedef int8_t edgeeeg_tap;
#endif

#endif
