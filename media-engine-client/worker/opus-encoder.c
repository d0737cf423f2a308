#include <gst/audio/audio.h>
#include <gst/audio/gstaudioencoder.h>
#include <opus/opus.h>

#include "opus.h"

#define RATE 48000
/* Left to choose between its speech and music modes, the encoder takes half the time that it takes
 * for speech alone; more complexity is not heard at such bit rates. */
#define APPLICATION OPUS_APPLICATION_AUDIO
#define COMPLEXITY 5
/* From here on libopus tells speech from noise, which it needs to know where nothing is said. */
#define DTX_COMPLEXITY 7
#define PACKET_MAX 1400

typedef struct {
  GstAudioEncoder parent;
  OpusEncoder *state;
  GMutex lock; /* properties may change while it runs */
  guint frame_ms;
  gint bitrate;
  gboolean dtx;
  gboolean fec;
  gint loss_percent;
} OhOpusEncoder;

typedef struct {
  GstAudioEncoderClass parent;
} OhOpusEncoderClass;

G_DEFINE_TYPE(OhOpusEncoder, oh_opus_encoder, GST_TYPE_AUDIO_ENCODER)

enum { PROP_FRAME_MS = 1, PROP_BITRATE, PROP_DTX, PROP_FEC, PROP_LOSS };

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=1"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("audio/x-opus,rate=48000,channels=1,channel-mapping-family=0"));

static void configure(OhOpusEncoder *self) {
  g_mutex_lock(&self->lock);
  if (self->state != NULL) {
    opus_encoder_ctl(self->state, OPUS_SET_COMPLEXITY(self->dtx ? DTX_COMPLEXITY : COMPLEXITY));
    opus_encoder_ctl(self->state, OPUS_SET_BITRATE(self->bitrate));
    opus_encoder_ctl(self->state, OPUS_SET_DTX(self->dtx));
    opus_encoder_ctl(self->state, OPUS_SET_INBAND_FEC(self->fec));
    opus_encoder_ctl(self->state, OPUS_SET_PACKET_LOSS_PERC(self->loss_percent));
  }
  g_mutex_unlock(&self->lock);
}

static gboolean start(GstAudioEncoder *base) {
  OhOpusEncoder *self = (OhOpusEncoder *)base;
  int error;
  self->state = opus_encoder_create(RATE, 1, APPLICATION, &error);
  configure(self);
  return self->state != NULL;
}

static gboolean stop(GstAudioEncoder *base) {
  OhOpusEncoder *self = (OhOpusEncoder *)base;
  g_mutex_lock(&self->lock);
  g_clear_pointer(&self->state, opus_encoder_destroy);
  g_mutex_unlock(&self->lock);
  return TRUE;
}

static gboolean set_format(GstAudioEncoder *base, GstAudioInfo *info) {
  OhOpusEncoder *self = (OhOpusEncoder *)base;
  gint samples = (gint)(RATE / 1000 * self->frame_ms);
  GstCaps *caps = gst_static_pad_template_get_caps(&src_template);
  gboolean ok = gst_audio_encoder_set_output_format(base, caps);
  gst_caps_unref(caps);
  gst_audio_encoder_set_frame_samples_min(base, samples);
  gst_audio_encoder_set_frame_samples_max(base, samples);
  gst_audio_encoder_set_frame_max(base, 1);
  return ok;
}

static GstFlowReturn handle_frame(GstAudioEncoder *base, GstBuffer *in) {
  OhOpusEncoder *self = (OhOpusEncoder *)base;
  gint samples = (gint)(RATE / 1000 * self->frame_ms);
  GstMapInfo map;
  guint8 packet[PACKET_MAX];
  /* The rest at the end of a stream fills no frame. */
  if (in == NULL || gst_buffer_get_size(in) < 2 * (gsize)samples) return GST_FLOW_OK;
  gst_buffer_map(in, &map, GST_MAP_READ);
  g_mutex_lock(&self->lock);
  gint32 length = opus_encode(self->state, (const opus_int16 *)map.data, samples, packet,
                              sizeof packet);
  g_mutex_unlock(&self->lock);
  gst_buffer_unmap(in, &map);
  if (length < 0) {
    GST_ELEMENT_ERROR(self, STREAM, ENCODE, ("%s", opus_strerror(length)), (NULL));
    return GST_FLOW_ERROR;
  }
  /* RFC 7587 §3.1.3: a frame of two octets or fewer says that nothing need be sent. */
  if (self->dtx && length <= 2) return gst_audio_encoder_finish_frame(base, NULL, samples);
  GstBuffer *out = gst_audio_encoder_allocate_output_buffer(base, (gsize)length);
  gst_buffer_fill(out, 0, packet, (gsize)length);
  return gst_audio_encoder_finish_frame(base, out, samples);
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec) {
  OhOpusEncoder *self = (OhOpusEncoder *)object;
  switch (id) {
    case PROP_FRAME_MS:
      self->frame_ms = g_value_get_uint(value);
      break;
    case PROP_BITRATE:
      self->bitrate = g_value_get_int(value);
      break;
    case PROP_DTX:
      self->dtx = g_value_get_boolean(value);
      break;
    case PROP_FEC:
      self->fec = g_value_get_boolean(value);
      break;
    case PROP_LOSS:
      self->loss_percent = g_value_get_int(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
      return;
  }
  configure(self);
}

static void finalize(GObject *object) {
  g_mutex_clear(&((OhOpusEncoder *)object)->lock);
  G_OBJECT_CLASS(oh_opus_encoder_parent_class)->finalize(object);
}

static void add(GObjectClass *class, guint id, GParamSpec *spec) {
  g_object_class_install_property(class, id, spec);
}

static void oh_opus_encoder_class_init(OhOpusEncoderClass *class) {
  const GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS;
  GObjectClass *object = G_OBJECT_CLASS(class);
  GstElementClass *element = GST_ELEMENT_CLASS(class);
  GstAudioEncoderClass *base = GST_AUDIO_ENCODER_CLASS(class);
  object->set_property = set_property;
  object->finalize = finalize;
  base->start = start;
  base->stop = stop;
  base->set_format = set_format;
  base->handle_frame = handle_frame;
  add(object, PROP_FRAME_MS,
      g_param_spec_uint("frame-ms", "Frame", "Milliseconds in a packet", 5, 60, 20, flags));
  add(object, PROP_BITRATE,
      g_param_spec_int("bitrate", "Bit rate", "Bit/s", 6000, 510000, 40000, flags));
  add(object, PROP_DTX,
      g_param_spec_boolean("dtx", "DTX", "Hardly send in silence", FALSE, flags));
  add(object, PROP_FEC,
      g_param_spec_boolean("inband-fec", "FEC", "Packets repeat their predecessors", FALSE, flags));
  add(object, PROP_LOSS,
      g_param_spec_int("packet-loss-percentage", "Loss", "What FEC is made for", 0, 100, 0, flags));
  gst_element_class_add_static_pad_template(element, &sink_template);
  gst_element_class_add_static_pad_template(element, &src_template);
  gst_element_class_set_static_metadata(element, "Opus encoder", "Codec/Encoder/Audio",
                                        "Mono Opus by libopus", "Offhook");
}

static void oh_opus_encoder_init(OhOpusEncoder *self) {
  g_mutex_init(&self->lock);
  self->frame_ms = 20;
  self->bitrate = 40000;
}
