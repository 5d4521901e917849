/* Spiking neurons, plain C99, from state and frames of x (frames, n) to spikes 0 and 1; spikes may be x.
 * Kernels take how neurons fire and reset as flags that the generated calls pass as constants. */
#ifndef EDGEEEG_SPIKING_H
#define EDGEEEG_SPIKING_H

#include <stddef.h>

#define EDGEEEG_RESET_SUBTRACT 1u /* a spike takes its threshold from the membrane */
#define EDGEEEG_RESET_ZERO     2u /* a spike clears the membrane */
#define EDGEEEG_RESET_AT_ONCE  4u /* in its own frame, not in the next one */
#define EDGEEEG_FIRES_AT       8u /* at the threshold, not only above it */

static inline int edgeeeg_passed(float mem, float threshold, unsigned firing) {
    return (firing & EDGEEEG_FIRES_AT) ? mem >= threshold : mem > threshold;
}

/* The membrane after the reset of the frame before */
static inline float edgeeeg_discharge(float mem, int reset, float threshold, unsigned firing) {
    if (firing & EDGEEEG_RESET_SUBTRACT) {
        return mem - (reset ? threshold : 0.0f);
    }
    return (firing & EDGEEEG_RESET_ZERO) && reset ? 0.0f : mem;
}

/* The next membrane; a reset to zero spares what comes in */
static inline float edgeeeg_leak(float beta, float mem, float x, int reset, float threshold,
                                 unsigned firing) {
    if (firing & EDGEEEG_RESET_ZERO) {
        return beta * edgeeeg_discharge(mem, reset, threshold, firing) + x;
    }
    return edgeeeg_discharge(beta * mem + x, reset, threshold, firing);
}

/* The membrane as it is kept: a reset at once takes back one that already came */
static inline float edgeeeg_settle(float mem, int spike, int reset, float threshold, unsigned firing) {
    if (!(firing & EDGEEEG_RESET_AT_ONCE)) {
        return mem;
    }
    const float by = (spike ? 1.0f : 0.0f) - (reset ? 1.0f : 0.0f);
    return mem - by * ((firing & EDGEEEG_RESET_SUBTRACT) ? threshold : mem);
}

/* mem = leak(mem, x) */
static inline void edgeeeg_lif(const float *x, const float *beta, const float *threshold, float *mem,
                               float *spikes, size_t frames, size_t n, unsigned firing) {
    for (size_t t = 0; t < frames; t++) {
        for (size_t i = 0; i < n; i++) {
            const int reset = edgeeeg_passed(mem[i], threshold[i], firing);
            const float charged = edgeeeg_leak(beta[i], mem[i], x[t * n + i], reset, threshold[i], firing);
            const int spike = edgeeeg_passed(charged, threshold[i], firing);
            mem[i] = edgeeeg_settle(charged, spike, reset, threshold[i], firing);
            spikes[t * n + i] = spike ? 1.0f : 0.0f;
        }
    }
}

/* syn = alpha syn + x; mem = discharge(beta mem + syn) */
static inline void edgeeeg_synaptic(const float *x, const float *alpha, const float *beta,
                                    const float *threshold, float *syn, float *mem, float *spikes,
                                    size_t frames, size_t n, unsigned firing) {
    for (size_t t = 0; t < frames; t++) {
        for (size_t i = 0; i < n; i++) {
            const int reset = edgeeeg_passed(mem[i], threshold[i], firing);
            syn[i] = alpha[i] * syn[i] + x[t * n + i];
            const float charged = edgeeeg_discharge(beta[i] * mem[i] + syn[i], reset, threshold[i], firing);
            const int spike = edgeeeg_passed(charged, threshold[i], firing);
            mem[i] = edgeeeg_settle(charged, spike, reset, threshold[i], firing);
            spikes[t * n + i] = spike ? 1.0f : 0.0f;
        }
    }
}

/* mem = discharge((beta mem + x) + (V spk + bias)), spk the spikes of the frame before */
static inline void edgeeeg_recurrent_lif(const float *x, const float *beta, const float *threshold,
                                         const float *weight, const float *bias, float *spk, float *mem,
                                         float *spikes, size_t frames, size_t n, unsigned firing) {
    for (size_t t = 0; t < frames; t++) {
        for (size_t i = 0; i < n; i++) {
            const int reset = edgeeeg_passed(mem[i], threshold[i], firing);
            float heard = 0.0f;
            for (size_t j = 0; j < n; j++) {
                heard += weight[i * n + j] * spk[j];
            }
            const float driven = (beta[i] * mem[i] + x[t * n + i]) + (heard + bias[i]);
            const float charged = edgeeeg_discharge(driven, reset, threshold[i], firing);
            const int spike = edgeeeg_passed(charged, threshold[i], firing);
            mem[i] = edgeeeg_settle(charged, spike, reset, threshold[i], firing);
            spikes[t * n + i] = spike ? 1.0f : 0.0f;
        }
        for (size_t i = 0; i < n; i++) {
            spk[i] = spikes[t * n + i];
        }
    }
}

/* a = rho a + (1 - rho) where it fired; mem = leak(mem, x); the threshold is threshold + b a */
static inline void edgeeeg_adaptive_lif(const float *x, const float *beta, const float *threshold,
                                        const float *rho, const float *b, float *mem, float *a, float *spikes,
                                        size_t frames, size_t n, unsigned firing) {
    for (size_t t = 0; t < frames; t++) {
        for (size_t i = 0; i < n; i++) {
            const float passed = threshold[i] + b[i] * a[i];
            const int reset = edgeeeg_passed(mem[i], passed, firing);
            a[i] = rho[i] * a[i] + (reset ? 1.0f - rho[i] : 0.0f);
            mem[i] = edgeeeg_leak(beta[i], mem[i], x[t * n + i], reset, passed, firing);
            const int spike = edgeeeg_passed(mem[i], threshold[i] + b[i] * a[i], firing);
            spikes[t * n + i] = spike ? 1.0f : 0.0f;
        }
    }
}

#endif
