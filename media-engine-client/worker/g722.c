#include "g722.h"

#include <gst/audio/audio.h>
#include <gst/audio/gstaudiodecoder.h>
#include <gst/audio/gstaudioencoder.h>
#include <spandsp/telephony.h>
#include <stdint.h>

#include <spandsp/g722.h>

#define RATE 16000
#define BIT_RATE 64000
#define RAW "audio/x-raw,format=S16LE,layout=interleaved,rate=16000,channels=1"
#define CODED "audio/G722,rate=16000,channels=1"

typedef struct {
  GstAudioEncoder parent;
  g722_encode_state_t *state;
} OhG722Encoder;

typedef struct {
  GstAudioEncoderClass parent;
} OhG722EncoderClass;

typedef struct {
  GstAudioDecoder parent;
  g722_decode_state_t *state;
} OhG722Decoder;

typedef struct {
  GstAudioDecoderClass parent;
} OhG722DecoderClass;

G_DEFINE_TYPE(OhG722Encoder, oh_g722_encoder, GST_TYPE_AUDIO_ENCODER)
G_DEFINE_TYPE(OhG722Decoder, oh_g722_decoder, GST_TYPE_AUDIO_DECODER)

static GstStaticPadTemplate raw_sink =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(RAW));
static GstStaticPadTemplate raw_src =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(RAW));
static GstStaticPadTemplate coded_sink =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(CODED));
static GstStaticPadTemplate coded_src =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(CODED));

static gboolean encoder_start(GstAudioEncoder *base) {
  OhG722Encoder *self = (OhG722Encoder *)base;
  self->state = g722_encode_init(NULL, BIT_RATE, 0);
  return self->state != NULL;
}

static gboolean encoder_stop(GstAudioEncoder *base) {
  OhG722Encoder *self = (OhG722Encoder *)base;
  g_clear_pointer(&self->state, g722_encode_free);
  return TRUE;
}

static gboolean encoder_format(GstAudioEncoder *base, GstAudioInfo *info) {
  GstCaps *caps = gst_caps_from_string(CODED);
  gboolean ok = gst_audio_encoder_set_output_format(base, caps);
  gst_caps_unref(caps);
  return ok;
}

static GstFlowReturn encode(GstAudioEncoder *base, GstBuffer *in) {
  OhG722Encoder *self = (OhG722Encoder *)base;
  GstMapInfo from, to;
  if (in == NULL) return GST_FLOW_OK;
  /* A byte is two samples; the base class keeps an odd one back. */
  gsize samples = gst_buffer_get_size(in) / 2 & ~(gsize)1;
  if (samples == 0) return GST_FLOW_OK;
  GstBuffer *out = gst_audio_encoder_allocate_output_buffer(base, samples / 2);
  gst_buffer_map(in, &from, GST_MAP_READ);
  gst_buffer_map(out, &to, GST_MAP_WRITE);
  g722_encode(self->state, to.data, (const int16_t *)from.data, (int)samples);
  gst_buffer_unmap(out, &to);
  gst_buffer_unmap(in, &from);
  return gst_audio_encoder_finish_frame(base, out, (gint)samples);
}

static void oh_g722_encoder_class_init(OhG722EncoderClass *class) {
  GstAudioEncoderClass *base = GST_AUDIO_ENCODER_CLASS(class);
  GstElementClass *element = GST_ELEMENT_CLASS(class);
  base->start = encoder_start;
  base->stop = encoder_stop;
  base->set_format = encoder_format;
  base->handle_frame = encode;
  gst_element_class_add_static_pad_template(element, &raw_sink);
  gst_element_class_add_static_pad_template(element, &coded_src);
  gst_element_class_set_static_metadata(element, "G.722 encoder", "Codec/Encoder/Audio",
                                        "G.722 at 64 kbit/s by libspandsp", "Offhook");
}

static void oh_g722_encoder_init(OhG722Encoder *self) {}

static gboolean decoder_start(GstAudioDecoder *base) {
  OhG722Decoder *self = (OhG722Decoder *)base;
  self->state = g722_decode_init(NULL, BIT_RATE, 0);
  return self->state != NULL;
}

static gboolean decoder_stop(GstAudioDecoder *base) {
  OhG722Decoder *self = (OhG722Decoder *)base;
  g_clear_pointer(&self->state, g722_decode_free);
  return TRUE;
}

static gboolean decoder_format(GstAudioDecoder *base, GstCaps *caps) {
  GstAudioInfo info;
  gst_audio_info_set_format(&info, GST_AUDIO_FORMAT_S16LE, RATE, 1, NULL);
  return gst_audio_decoder_set_output_format(base, &info);
}

static GstFlowReturn decode(GstAudioDecoder *base, GstBuffer *in) {
  OhG722Decoder *self = (OhG722Decoder *)base;
  GstMapInfo from, to;
  if (in == NULL) return GST_FLOW_OK;
  gsize bytes = gst_buffer_get_size(in);
  GstBuffer *out = gst_audio_decoder_allocate_output_buffer(base, bytes * 4);
  gst_buffer_map(in, &from, GST_MAP_READ);
  gst_buffer_map(out, &to, GST_MAP_WRITE);
  g722_decode(self->state, (int16_t *)to.data, from.data, (int)bytes);
  gst_buffer_unmap(out, &to);
  gst_buffer_unmap(in, &from);
  return gst_audio_decoder_finish_frame(base, out, 1);
}

static void oh_g722_decoder_class_init(OhG722DecoderClass *class) {
  GstAudioDecoderClass *base = GST_AUDIO_DECODER_CLASS(class);
  GstElementClass *element = GST_ELEMENT_CLASS(class);
  base->start = decoder_start;
  base->stop = decoder_stop;
  base->set_format = decoder_format;
  base->handle_frame = decode;
  gst_element_class_add_static_pad_template(element, &coded_sink);
  gst_element_class_add_static_pad_template(element, &raw_src);
  gst_element_class_set_static_metadata(element, "G.722 decoder", "Codec/Decoder/Audio",
                                        "G.722 at 64 kbit/s by libspandsp", "Offhook");
}

static void oh_g722_decoder_init(OhG722Decoder *self) {
  gst_audio_decoder_set_needs_format(GST_AUDIO_DECODER(self), TRUE);
}
