/* Kernels of edgeeeg_quantized_layers.h with vectors of sixteen int8 or eight int16 (Helium). */
#ifndef EDGEEEG_HELIUM_H
#define EDGEEEG_HELIUM_H

#define edgeeeg_dense_family   edgeeeg_dense_plain
#define edgeeeg_tiles_family   edgeeeg_tiles_plain
#define edgeeeg_slide_family   edgeeeg_slide_plain
#define edgeeeg_columns_family edgeeeg_columns_plain
#define edgeeeg_across_family  edgeeeg_across_plain

#endif
