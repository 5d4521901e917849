/* Kernels of edgeeeg_quantized_layers.h with two products of int16 an instruction (SMLAD). */
#ifndef EDGEEEG_DSP_H
#define EDGEEEG_DSP_H

#define edgeeeg_dense_family   edgeeeg_dense_plain
#define edgeeeg_slide_family   edgeeeg_slide_plain
#define edgeeeg_columns_family edgeeeg_columns_plain
#define edgeeeg_across_family  edgeeeg_across_plain

#endif
