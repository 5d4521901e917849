/* A millisecond clock. */
#ifndef SYSTICK_H
#define SYSTICK_H

#include <stdint.h>

void systick_start(void);

/* Milliseconds since systick_start; wraps after 49 days. */
uint32_t systick_ms(void);

#endif
