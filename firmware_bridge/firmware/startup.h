/* What start-up leaves behind for the program. */
#ifndef STARTUP_H
#define STARTUP_H

#include <stdint.h>

/* The exception that restarted the board, 0 for a power-on or a reset from outside. */
uint8_t startup_exception(void);

/* Bytes of the program's stack, and the most that were ever in use. */
uint32_t stack_size(void);
uint32_t stack_high_water(void);

#endif
