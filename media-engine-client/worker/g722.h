/*
 * `offhookg722enc` and `offhookg722dec`: G.722 at 64 kbit/s by libspandsp, which is far smaller than
 * the FFmpeg that GStreamer's own elements load for it.
 */
#pragma once
#include <gst/gst.h>

#define OH_TYPE_G722_ENCODER (oh_g722_encoder_get_type())
GType oh_g722_encoder_get_type(void);

#define OH_TYPE_G722_DECODER (oh_g722_decoder_get_type())
GType oh_g722_decoder_get_type(void);
