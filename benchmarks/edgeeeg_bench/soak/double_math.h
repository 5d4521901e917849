/* Elementary functions of the float64 twin: those of libm, under the names of edgeeeg_math.h.
 *
 * The twin is the same generated C, compiled with -Dfloat=double; the shipped header cannot be, because it
 * takes 32-bit floats apart. What remains of a difference between both programs is then rounding: of float32
 * and of the shipped polynomials. */
#ifndef EDGEEEG_MATH_H
#define EDGEEEG_MATH_H

#include <stdint.h>

#include "edgeeeg_lanes.h"

double ceil(double x);
double erf(double x);
double exp(double x);
double expm1(double x);
double floor(double x);
double log(double x);
double log1p(double x);
double nearbyint(double x);
double pow(double x, double y);
double tanh(double x);
double trunc(double x);

/* for save and restore, which are defined for float32 alone: the twin's state is read through state_door.c */
typedef union {
    double value;
    int64_t bits;
} edgeeeg_float_bits;

static inline double edgeeeg_choose(int first, double one, double other) {
    return first ? one : other;
}

static inline double edgeeeg_elu(double x, double alpha) {
    return x > 0.0 ? x : alpha * expm1(x);
}

static inline double edgeeeg_ceil(double x) {
    return ceil(x);
}

static inline double edgeeeg_erf(double x) {
    return erf(x);
}

static inline double edgeeeg_exp(double x) {
    return exp(x);
}

static inline double edgeeeg_expm1(double x) {
    return expm1(x);
}

static inline double edgeeeg_floor(double x) {
    return floor(x);
}

/* a double has no subnormal numbers where a decaying float would reach its own */
static inline double edgeeeg_flush(double x) {
    return x;
}

static inline double edgeeeg_log(double x) {
    return log(x);
}

static inline double edgeeeg_log1p(double x) {
    return log1p(x);
}

static inline double edgeeeg_pow(double x, double y) {
    return pow(x, y);
}

static inline double edgeeeg_round_half_even(double x) {
    return nearbyint(x);
}

static inline double edgeeeg_sigmoid(double x) {
    return 1.0 / (1.0 + exp(-x));
}

static inline double edgeeeg_softplus(double x) {
    return (x > 0.0 ? x : 0.0) + log1p(exp(x < 0.0 ? x : -x));
}

static inline double edgeeeg_tanh(double x) {
    return tanh(x);
}

static inline double edgeeeg_trunc(double x) {
    return trunc(x);
}

#endif
