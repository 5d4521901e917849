/* Types of the integers that share the arena with floats. int8_t may lie anywhere as it is. */
#ifndef EDGEEEG_INTEGERS_H
#define EDGEEEG_INTEGERS_H

#include <stdint.h>

/* integers in memory that held floats a layer ago */
#if defined(__GNUC__)
typedef int16_t __attribute__((may_alias)) edgeeeg_int16;
typedef int32_t __attribute__((may_alias)) edgeeeg_int32;
#else
typedef int16_t edgeeeg_int16;
typedef int32_t edgeeeg_int32;
#endif

#endif
