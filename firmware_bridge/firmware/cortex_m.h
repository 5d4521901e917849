/* Registers that Armv7-M and Armv8-M cores have alike (Armv7-M Architecture Reference Manual, part B3). */
#ifndef CORTEX_M_H
#define CORTEX_M_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define SYST_CSR  REGISTER(0xE000E010u)
#define SYST_RVR  REGISTER(0xE000E014u)
#define SYST_CVR  REGISTER(0xE000E018u)
#define NVIC_ISER ((volatile uint32_t *)0xE000E100u)
#define SCB_AIRCR REGISTER(0xE000ED0Cu)

#define SYST_CSR_ENABLE_WITH_INTERRUPT_FROM_CORE_CLOCK 7u
#define SCB_AIRCR_SYSRESETREQ                          0x05FA0004u /* with the key that permits writing */

static inline void irq_enable(unsigned irq) {
    NVIC_ISER[irq / 32] = 1u << irq % 32;
}

static inline void interrupts_disable(void) {
    __asm volatile("cpsid i" ::: "memory");
}

static inline void interrupts_enable(void) {
    __asm volatile("cpsie i" ::: "memory");
}

/* Returns at the next interrupt, even one that is masked: test the condition with interrupts disabled, then
   wait, and none is missed in between. */
static inline void wait_for_interrupt(void) {
    __asm volatile("dsb\n wfi" ::: "memory");
}

#endif
