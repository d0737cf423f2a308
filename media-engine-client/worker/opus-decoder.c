#include <opus/opus.h>

#include "opus.h"

#define RATE 48000
#define FRAME_MAX (RATE * 120 / 1000)
/* libopus conceals in steps of 2.5 ms. */
#define STEP (RATE / 400)
#define GAP_MIN (10 * GST_MSECOND)
#define GAP_MAX (2 * GST_SECOND)

typedef struct {
  GstElement parent;
  GstPad *sink;
  GstPad *src;
  OpusDecoder *state; /* streaming thread only, as all below */
  gboolean heard;
  gboolean ready; /* caps went out */
  gboolean gap;   /* one waits for the packet behind it, which may repeat what was lost */
  GstClockTime gap_start;
  GstClockTime gap_length;
} OhOpusDecoder;

typedef struct {
  GstElementClass parent;
} OhOpusDecoderClass;

G_DEFINE_TYPE(OhOpusDecoder, oh_opus_decoder, GST_TYPE_ELEMENT)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("audio/x-opus,channel-mapping-family=0"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=1"));

static GstClockTime duration(gint samples) {
  return gst_util_uint64_scale((guint64)samples, GST_SECOND, RATE);
}

/* Decodes (`data`), restores from the successor (`data` and `fec`) or conceals (no `data`). */
static GstFlowReturn produce(OhOpusDecoder *self, const guint8 *data, gsize length, gboolean fec,
                             gint samples, GstClockTime start) {
  gint16 *audio = g_new(gint16, (gsize)samples);
  gint got = opus_decode(self->state, data, (opus_int32)length, audio, samples, fec);
  if (got <= 0) { /* no Opus: the packet is as good as lost */
    g_free(audio);
    return GST_FLOW_OK;
  }
  GstBuffer *buffer = gst_buffer_new_wrapped(audio, (gsize)got * sizeof *audio);
  GST_BUFFER_PTS(buffer) = start;
  GST_BUFFER_DURATION(buffer) = duration(got);
  return gst_pad_push(self->src, buffer);
}

static gint gap_samples(OhOpusDecoder *self) {
  gint samples = (gint)gst_util_uint64_scale_round(self->gap_length, RATE, GST_SECOND);
  return samples / STEP * STEP;
}

static GstFlowReturn conceal(OhOpusDecoder *self, gint samples) {
  GstFlowReturn result = GST_FLOW_OK;
  GstClockTime at = self->gap_start;
  while (samples > 0 && result == GST_FLOW_OK) {
    gint part = MIN(samples, RATE / 50);
    result = produce(self, NULL, 0, FALSE, part, at);
    at += duration(part);
    samples -= part;
  }
  return result;
}

/* The gap, its last packet from what `data` repeats of it, if it does. */
static GstFlowReturn fill(OhOpusDecoder *self, const guint8 *data, gsize length, gint frame) {
  gint samples = gap_samples(self);
  self->gap = FALSE;
  if (data == NULL || frame <= 0 || samples < frame) return conceal(self, samples);
  GstFlowReturn result = conceal(self, samples - frame);
  if (result != GST_FLOW_OK) return result;
  return produce(self, data, length, TRUE, frame, self->gap_start + duration(samples - frame));
}

static GstFlowReturn chain(GstPad *pad, GstObject *parent, GstBuffer *buffer) {
  OhOpusDecoder *self = (OhOpusDecoder *)parent;
  GstFlowReturn result = GST_FLOW_OK;
  GstMapInfo map;
  if (!self->ready || !gst_buffer_map(buffer, &map, GST_MAP_READ)) {
    gst_buffer_unref(buffer);
    return GST_FLOW_OK;
  }
  gint frame = map.size == 0 ? -1 : opus_packet_get_nb_samples(map.data, (opus_int32)map.size, RATE);
  if (self->gap) result = fill(self, map.data, map.size, frame);
  if (result == GST_FLOW_OK && frame > 0 && frame <= FRAME_MAX) {
    self->heard = TRUE;
    result = produce(self, map.data, map.size, FALSE, frame, GST_BUFFER_PTS(buffer));
  }
  gst_buffer_unmap(buffer, &map);
  gst_buffer_unref(buffer);
  return result;
}

static gboolean take_gap(OhOpusDecoder *self, GstEvent *event) {
  GstClockTime start, length;
  gst_event_parse_gap(event, &start, &length);
  gst_event_unref(event);
  if (!self->heard || !GST_CLOCK_TIME_IS_VALID(length) || length < GAP_MIN || length > GAP_MAX)
    return TRUE;
  GstFlowReturn result = self->gap ? fill(self, NULL, 0, 0) : GST_FLOW_OK;
  self->gap = TRUE;
  self->gap_start = start;
  self->gap_length = length;
  return result == GST_FLOW_OK;
}

static gboolean send_caps(OhOpusDecoder *self) {
  GstCaps *caps = gst_static_pad_template_get_caps(&src_template);
  self->ready = gst_pad_push_event(self->src, gst_event_new_caps(caps));
  gst_caps_unref(caps);
  return self->ready;
}

static void reset(OhOpusDecoder *self) {
  opus_decoder_ctl(self->state, OPUS_RESET_STATE);
  self->heard = FALSE;
  self->gap = FALSE;
}

static gboolean sink_event(GstPad *pad, GstObject *parent, GstEvent *event) {
  OhOpusDecoder *self = (OhOpusDecoder *)parent;
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_GAP:
      return take_gap(self, event);
    case GST_EVENT_CAPS:
      gst_event_unref(event);
      return send_caps(self);
    case GST_EVENT_FLUSH_STOP:
    case GST_EVENT_SEGMENT:
      reset(self);
      break;
    default:
      break;
  }
  return gst_pad_event_default(pad, parent, event);
}

static void finalize(GObject *object) {
  opus_decoder_destroy(((OhOpusDecoder *)object)->state);
  G_OBJECT_CLASS(oh_opus_decoder_parent_class)->finalize(object);
}

static void oh_opus_decoder_class_init(OhOpusDecoderClass *class) {
  GstElementClass *element = GST_ELEMENT_CLASS(class);
  G_OBJECT_CLASS(class)->finalize = finalize;
  gst_element_class_add_static_pad_template(element, &sink_template);
  gst_element_class_add_static_pad_template(element, &src_template);
  gst_element_class_set_static_metadata(element, "Opus decoder", "Codec/Decoder/Audio",
                                        "Opus by libopus, mixed down to mono", "Offhook");
}

static void oh_opus_decoder_init(OhOpusDecoder *self) {
  int error;
  self->state = opus_decoder_create(RATE, 1, &error);
  self->sink = gst_pad_new_from_static_template(&sink_template, "sink");
  self->src = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_chain_function(self->sink, chain);
  gst_pad_set_event_function(self->sink, sink_event);
  gst_element_add_pad(GST_ELEMENT(self), self->sink);
  gst_element_add_pad(GST_ELEMENT(self), self->src);
}
