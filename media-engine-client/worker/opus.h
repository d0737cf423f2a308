/*
 * `offhookopusenc` and `offhookopusdec`: Opus, mono, at 48 kHz, by libopus's plain API. GStreamer's
 * own elements use its multistream API, which asks the processor for its features several times a
 * packet (a trap each in a virtual machine), and hold audio back for 120 ms to use in-band FEC.
 * Here a lost packet is restored from its successor, which comes right behind the news of the loss.
 */
#pragma once
#include <gst/gst.h>

#define OH_TYPE_OPUS_ENCODER (oh_opus_encoder_get_type())
GType oh_opus_encoder_get_type(void);

#define OH_TYPE_OPUS_DECODER (oh_opus_decoder_get_type())
GType oh_opus_decoder_get_type(void);
