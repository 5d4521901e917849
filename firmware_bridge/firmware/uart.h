/* A serial port with buffers in both directions that interrupts fill and empty. */
#ifndef UART_H
#define UART_H

#include <stddef.h>
#include <stdint.h>

void uart_start(void);

/* Take up to n received bytes; sleeps until there is at least one. Returns their number. */
size_t uart_read(uint8_t *bytes, size_t n);

/* Queue n bytes to be sent; sleeps while the buffer is full. */
void uart_write(const uint8_t *bytes, size_t n);

/* Received bytes that were lost because the buffer, or the port itself, was full. */
uint32_t uart_rx_overruns(void);

#endif
