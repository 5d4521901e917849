/* From reset to main on an Armv7-M or Armv8-M core with FPU: vectors, memory, two stacks. */
#include "startup.h"

#include BOARD_HEADER
#include "cortex_m.h"

/* Defined by the linker script. */
extern uint32_t stack_bottom[], stack_top[], exception_stack_top[];
extern uint32_t data_load[], data_start[], data_end[], bss_start[], bss_end[];

#define STACK_PAINT    0xa5a5a5a5u
#define FAULT_RECORDED 0x464c5421u

static struct {
    uint32_t recorded; /* FAULT_RECORDED, or whatever RAM holds at power-on */
    uint32_t exception;
} fault __attribute__((section(".noinit")));

static uint8_t exception_of_last_run;

int main(void);
void systick_handler(void);
void uart_rx_handler(void);
void uart_tx_handler(void);

uint8_t startup_exception(void) {
    return exception_of_last_run;
}

uint32_t stack_size(void) {
    return (uint32_t)((uintptr_t)stack_top - (uintptr_t)stack_bottom);
}

uint32_t stack_high_water(void) {
    const uint32_t *lowest = stack_bottom;
    while (lowest < stack_top && *lowest == STACK_PAINT)
        lowest++;
    return (uint32_t)((uintptr_t)stack_top - (uintptr_t)lowest);
}

/* A fault, or an interrupt that nobody asked for: restart, and let the hello tell the host. */
static void restart(void) {
    uint32_t exception;
    __asm volatile("mrs %0, ipsr" : "=r"(exception));
    fault.exception = exception;
    fault.recorded = FAULT_RECORDED;
    __asm volatile("dsb" ::: "memory");
    SCB_AIRCR = SCB_AIRCR_SYSRESETREQ;
    for (;;)
        wait_for_interrupt();
}

/* Runs on the exception stack, so that all of the program's stack can be painted. */
__attribute__((used, noreturn)) static void start(void) {
    for (uint32_t *to = data_start, *from = data_load; to < data_end;)
        *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;)
        *to++ = 0;
    for (uint32_t *to = stack_bottom; to < stack_top;)
        *to++ = STACK_PAINT;
    if (fault.recorded == FAULT_RECORDED)
        exception_of_last_run = (uint8_t)fault.exception;
    fault.recorded = 0;
    /* CONTROL.SPSEL: thread mode runs on the process stack from here on. */
    __asm volatile("msr psp, %0\n"
                   "movs r0, #2\n"
                   "msr control, r0\n"
                   "isb\n"
                   "bl main\n" ::"r"(stack_top)
                   : "r0", "memory");
    for (;;)
        wait_for_interrupt();
}

/* The FPU is enabled (CPACR: full access to CP10 and CP11) before C code may use its registers. */
__attribute__((naked, noreturn)) void reset_handler(void) {
    __asm volatile("ldr r0, =0xE000ED88\n"
                   "ldr r1, [r0]\n"
                   "orr r1, r1, #0x00F00000\n"
                   "str r1, [r0]\n"
                   "dsb\n"
                   "isb\n"
                   "b start\n");
}

typedef union {
    const uint32_t *stack;
    void (*handler)(void);
} vector_t;

/* Interrupts that are never enabled need no vector. */
__attribute__((section(".vectors"), used)) static const vector_t VECTORS[] = {
    [0] = {.stack = exception_stack_top},
    [1] = {.handler = reset_handler},
    [2] = {.handler = restart},  /* NMI */
    [3] = {.handler = restart},  /* HardFault; Armv8-M's SecureFault too, which is never enabled */
    [4] = {.handler = restart},  /* MemManage */
    [5] = {.handler = restart},  /* BusFault */
    [6] = {.handler = restart},  /* UsageFault */
    [11] = {.handler = restart}, /* SVCall */
    [12] = {.handler = restart}, /* DebugMonitor */
    [14] = {.handler = restart}, /* PendSV */
    [15] = {.handler = systick_handler},
    [16 + BOARD_UART_RX_IRQ] = {.handler = uart_rx_handler},
    [16 + BOARD_UART_TX_IRQ] = {.handler = uart_tx_handler},
};
