/* The UART of Arm's Cortex-M System Design Kit (DDI 0479, 4.3), which all MPS boards have. */
#include BOARD_HEADER
#include "byte_ring.h"
#include "cortex_m.h"
#include "uart.h"

#define UART_DATA     REGISTER(BOARD_UART_BASE + 0x00u)
#define UART_STATE    REGISTER(BOARD_UART_BASE + 0x04u)
#define UART_CTRL     REGISTER(BOARD_UART_BASE + 0x08u)
#define UART_INTCLEAR REGISTER(BOARD_UART_BASE + 0x0Cu)
#define UART_BAUDDIV  REGISTER(BOARD_UART_BASE + 0x10u)

#define STATE_TX_FULL                  1u
#define STATE_RX_FULL                  2u
#define STATE_RX_OVERRUN               8u
#define CTRL_TX_AND_RX_WITH_INTERRUPTS 15u
#define INT_TX                         1u
#define INT_RX                         2u

#define BAUDRATE 115200u

static byte_ring_t received, to_send;
static volatile uint32_t rx_overruns;

void uart_rx_handler(void);
void uart_tx_handler(void);

void uart_rx_handler(void) {
    UART_INTCLEAR = INT_RX;
    if (UART_STATE & STATE_RX_OVERRUN) {
        UART_STATE = STATE_RX_OVERRUN;
        rx_overruns++;
    }
    while (UART_STATE & STATE_RX_FULL) {
        if (!byte_ring_put(&received, (uint8_t)UART_DATA))
            rx_overruns++;
    }
}

/* Move bytes to the port until it is full; its interrupt asks for more. Not to be interrupted by itself. */
static void send_what_fits(void) {
    uint8_t byte;
    while (!(UART_STATE & STATE_TX_FULL) && byte_ring_take(&to_send, &byte))
        UART_DATA = byte;
}

void uart_tx_handler(void) {
    UART_INTCLEAR = INT_TX;
    send_what_fits();
}

void uart_start(void) {
    UART_BAUDDIV = BOARD_CLOCK_HZ / BAUDRATE;
    UART_CTRL = CTRL_TX_AND_RX_WITH_INTERRUPTS;
    irq_enable(BOARD_UART_RX_IRQ);
    irq_enable(BOARD_UART_TX_IRQ);
}

size_t uart_read(uint8_t *bytes, size_t n) {
    interrupts_disable();
    while (byte_ring_empty(&received)) {
        wait_for_interrupt();
        interrupts_enable(); /* the handler runs here */
        interrupts_disable();
    }
    interrupts_enable();
    size_t taken = 0;
    while (taken < n && byte_ring_take(&received, bytes + taken))
        taken++;
    return taken;
}

void uart_write(const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        while (!byte_ring_put(&to_send, bytes[i]))
            wait_for_interrupt(); /* the millisecond tick bounds a wake-up missed between test and wait */
    }
    interrupts_disable();
    send_what_fits();
    interrupts_enable();
}

uint32_t uart_rx_overruns(void) {
    return rx_overruns;
}
