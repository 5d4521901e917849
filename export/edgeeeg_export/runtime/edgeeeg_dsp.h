/* Kernels of edgeeeg_quantized_layers.h with two products of int16 an instruction (SMLAD). */
#ifndef EDGEEEG_DSP_H
#define EDGEEEG_DSP_H

#include "edgeeeg_dsp_across.h"
#include "edgeeeg_dsp_columns.h"
#include "edgeeeg_dsp_dense.h"
#include "edgeeeg_dsp_slide.h"

#define edgeeeg_dense_family   edgeeeg_dense_dsp
#define edgeeeg_slide_family   edgeeeg_slide_dsp
#define edgeeeg_columns_family edgeeeg_columns_dsp
#define edgeeeg_across_family  edgeeeg_across_dsp

#endif
