/* Arm MPS2 with the AN386 (Cortex-M4F) or AN500 image (Cortex-M7), as QEMU's mps2-an386 and mps2-an500 model
 * them. */
#ifndef BOARD_MPS2_H
#define BOARD_MPS2_H

#define BOARD_CLOCK_HZ    25000000u
#define BOARD_UART_BASE   0x40004000u
#define BOARD_UART_RX_IRQ 0
#define BOARD_UART_TX_IRQ 1

#endif
