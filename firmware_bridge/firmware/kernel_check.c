/* Kernel cases behind the serial line: a byte names one, a frame of that byte and its checksum answers. */
#include "kernel_check.h"

#include "framing.h"
#include "little_endian.h"
#include "systick.h"
#include "uart.h"

int main(void) {
    systick_start();
    uart_start();
    for (;;) {
        uint8_t payload[1 + 8];
        uint8_t frame[LINK_MAX_FRAME_BYTES];
        if (uart_read(payload, 1) == 1) {
            const uint64_t sum = kernel_check_run(payload[0]);
            put_u32(put_u32(payload + 1, (uint32_t)sum), (uint32_t)(sum >> 32));
            uart_write(frame, frame_encode(payload, sizeof payload, frame));
        }
    }
}
