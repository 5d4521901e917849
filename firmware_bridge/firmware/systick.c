#include "systick.h"

#include BOARD_HEADER
#include "cortex_m.h"

void systick_handler(void);

static volatile uint32_t milliseconds;

void systick_handler(void) {
    milliseconds++;
}

void systick_start(void) {
    SYST_RVR = BOARD_CLOCK_HZ / 1000u - 1u;
    SYST_CVR = 0;
    SYST_CSR = SYST_CSR_ENABLE_WITH_INTERRUPT_FROM_CORE_CLOCK;
}

uint32_t systick_ms(void) {
    return milliseconds;
}
