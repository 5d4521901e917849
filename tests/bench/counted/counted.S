@ Loops, calls and exceptions whose every instruction can be counted by eye; the counts are in test_counters.py.
@ Exceptions are made pending by software, so that each comes at the same instruction in every run.
    .syntax unified
    .cpu cortex-m4
    .fpu fpv4-sp-d16
    .thumb

    .macro function name
    .global \name
    .type \name, %function
    .thumb_func
\name:
    .endm

    .macro finish name
    .size \name, . - \name
    .endm

    .section .vectors, "a"
    .word stack_top
    .word Reset_Handler
    .rept 12
    .word 0
    .endr
    .word PendSV_Handler
    .word SysTick_Handler

    .text
function Reset_Handler
    ldr r0, =0xE000ED88         @ CPACR: let CP10 and CP11 be used
    ldr r1, [r0]
    orr r1, r1, #(0xF << 20)
    str r1, [r0]
    dsb
    isb
    ldr r0, =0xE000ED20         @ SHPR3: PendSV lowest, SysTick above it
    ldr r1, =0x40FF0000
    str r1, [r0]
    bl count_down
    bl skip_in_it_block
    bl repeat_calls
    movs r0, #5
    bl recurse
    movs r7, #7
1:  bl call_in_tail
    subs r7, #1
    bne 1b
    bl float_chain
    bl interrupted
    movs r0, #0x18              @ semihosting: SYS_EXIT
    ldr r1, =0x20026            @ ADP_Stopped_ApplicationExit
    bkpt #0xAB
    b .
    .ltorg
finish Reset_Handler

function count_down
    movw r0, #1000
1:  subs r0, #1
    bne 1b
    bx lr
finish count_down

function skip_in_it_block
    movs r0, #1
    cmp r0, #0
    ittte eq
    moveq r1, #1
    moveq r1, #2
    moveq r1, #3
    movne r1, #4
    bx lr
finish skip_in_it_block

function repeat_calls
    push {r4, lr}
    movs r4, #10
1:  bl leaf
    subs r4, #1
    bne 1b
    pop {r4, pc}
finish repeat_calls

function leaf
    movs r0, #0
    bx lr
finish leaf

function recurse
    push {lr}
    subs r0, #1
    beq 1f
    bl recurse
1:  pop {pc}
finish recurse

function call_in_tail
    movs r0, #3
    b.w called_in_tail
finish call_in_tail

function float_chain
    vmov.f32 s0, #1.0
    vmov.f32 s1, #2.0
    vmul.f32 s2, s0, s1
    vadd.f32 s3, s2, s1         @ waits for s2
    vfma.f32 s3, s0, s1         @ the addend s3 may come late
    vdiv.f32 s4, s0, s1
    bx lr
finish float_chain

function called_in_tail
    nop
    bx lr
finish called_in_tail

@ Makes PendSV pending before a call, before a plain return and before a loaded one, forty times.
function interrupted
    push {r4, r5, r6, lr}
    ldr r5, =0xE000ED04         @ ICSR
    mov r6, #(1 << 28)          @ PENDSVSET
    movs r4, #40
1:  str r6, [r5]
    bl leaf
    bl pend_and_return
    bl pend_and_pop
    subs r4, #1
    bne 1b
    pop {r4, r5, r6, pc}
    .ltorg
finish interrupted

function pend_and_return
    str r6, [r5]
    bx lr
finish pend_and_return

function pend_and_pop
    push {lr}
    str r6, [r5]
    pop {pc}
finish pend_and_pop

@ Preempted by SysTick each time, and followed by itself once for each time that it began after a preemption.
function PendSV_Handler
    push {r4, lr}
    mov r2, #(1 << 26)          @ PENDSTSET
    str r2, [r5]
    bl handle
    cmp r9, #0
    bne 1f
    mov r9, #1
    str r6, [r5]
    b 2f
1:  mov r9, #0
2:  pop {r4, pc}
finish PendSV_Handler

function SysTick_Handler
    add r8, r8, #1
    b.w handle
finish SysTick_Handler

function handle
    nop
    bx lr
finish handle
