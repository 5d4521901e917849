/* Arm MPS3 with the AN547 image (Cortex-M55), as QEMU's mps3-an547 models it; secure addresses. */
#ifndef BOARD_MPS3_AN547_H
#define BOARD_MPS3_AN547_H

#define BOARD_CLOCK_HZ    32000000u
#define BOARD_UART_BASE   0x59303000u
#define BOARD_UART_RX_IRQ 33
#define BOARD_UART_TX_IRQ 34

#endif
