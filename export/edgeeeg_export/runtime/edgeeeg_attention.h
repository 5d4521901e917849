/* Attention as a recurrence: what was seen is one running mean or matrix per channel or head. Sums over keys
 * run in their order, from 0. Memories that have decayed to 2^-80 become 0, as in edgeeeg_state_space.h.
 * Compile with -ffp-contract=off. */
#ifndef EDGEEEG_ATTENTION_H
#define EDGEEEG_ATTENTION_H

#include <stddef.h>

#include "edgeeeg_math.h"

/* y = mean of all values so far, weighted by e^(k - w age), by e^(u + k) for the newest.
 * num and den are the sums of weighted values and of weights, in units of e^max; each is joined to its next
 * term by the factors 1 and e^-|difference of their exponents|, so nothing overflows and den is at least 1.
 */
static inline void edgeeeg_wkv4(const float *k, const float *v, const float *w, const float *u,
                                float *restrict num, float *restrict den, float *restrict max, float *started,
                                float *restrict y, size_t frames, size_t width) {
    for (size_t t = 0; t < frames; t++) {
        const int begun = *started > 0.0f;
        for (size_t i = 0; i < width; i++) {
            const float key = k[t * width + i];
            const float value = v[t * width + i];
            const float ahead = max[i] - (u[i] + key);
            const float lesser = edgeeeg_exp(ahead < 0.0f ? ahead : -ahead);
            const int past_leads = begun & (ahead > 0.0f);
            const float past = edgeeeg_choose(past_leads, 1.0f, lesser);
            const float present = edgeeeg_choose(past_leads, lesser, 1.0f);
            y[t * width + i] = (past * num[i] + present * value) / (past * den[i] + present);

            const float faded = max[i] - w[i];
            const float above = faded - key;
            const float smaller = edgeeeg_exp(above < 0.0f ? above : -above);
            const int faded_leads = begun & (above > 0.0f);
            const float kept = edgeeeg_choose(faded_leads, 1.0f, smaller);
            const float added = edgeeeg_choose(faded_leads, smaller, 1.0f);
            num[i] = edgeeeg_flush(kept * num[i] + added * value);
            den[i] = kept * den[i] + added;
            max[i] = faded_leads ? faded : key;
        }
        *started = 1.0f;
    }
}

/* y = sum_k r S + (sum_k r u k) v; S = w S + k v. S (heads, n_keys, n_values) */
static inline void edgeeeg_wkv6(const float *r, const float *k, const float *v, const float *w,
                                const float *u, float *restrict s, float *restrict y, size_t frames,
                                size_t heads, size_t n_keys, size_t n_values) {
    for (size_t row = 0; row < frames * heads; row++) {
        const size_t head = row % heads;
        const float *values = v + row * n_values;
        float *out = y + row * n_values;
        float bonus = 0.0f;
        for (size_t j = 0; j < n_values; j++) {
            out[j] = 0.0f;
        }
        for (size_t i = 0; i < n_keys; i++) {
            const float reads = r[row * n_keys + i];
            const float key = k[row * n_keys + i];
            const float decay = w[row * n_keys + i];
            float *memory = s + (head * n_keys + i) * n_values;
            bonus += (reads * u[head * n_keys + i]) * key;
            for (size_t j = 0; j < n_values; j++) {
                out[j] += reads * memory[j];
                memory[j] = edgeeeg_flush(decay * memory[j] + key * values[j]);
            }
        }
        for (size_t j = 0; j < n_values; j++) {
            out[j] = out[j] + bonus * values[j];
        }
    }
}

/* S = decay S + k v; y = sum_k q S. S (heads, n_keys, n_values) */
static inline void edgeeeg_linear_attention(const float *q, const float *k, const float *v,
                                            const float *decay, float *restrict s, float *restrict y,
                                            size_t frames, size_t heads, size_t n_keys, size_t n_values) {
    for (size_t row = 0; row < frames * heads; row++) {
        const size_t head = row % heads;
        const float *values = v + row * n_values;
        float *out = y + row * n_values;
        for (size_t j = 0; j < n_values; j++) {
            out[j] = 0.0f;
        }
        for (size_t i = 0; i < n_keys; i++) {
            const float query = q[row * n_keys + i];
            const float key = k[row * n_keys + i];
            float *memory = s + (head * n_keys + i) * n_values;
            for (size_t j = 0; j < n_values; j++) {
                memory[j] = edgeeeg_flush(decay[head] * memory[j] + key * values[j]);
                out[j] += query * memory[j];
            }
        }
    }
}

#endif
