#include "conceal.h"

#include <gst/audio/audio.h>
#include <spandsp/telephony.h>
#include <stdint.h>

#include <spandsp/plc.h>

#define GAP_MIN (10 * GST_MSECOND)
#define GAP_MAX (2 * GST_SECOND)

typedef struct {
  GstElement parent;
  GstPad *sink;
  GstPad *src;
  plc_state_t *state; /* streaming thread only */
  gint rate;
  gboolean heard; /* there is something to continue */
} OhConceal;

typedef struct {
  GstElementClass parent;
} OhConcealClass;

G_DEFINE_TYPE(OhConceal, oh_conceal, GST_TYPE_ELEMENT)

#define CAPS "audio/x-raw,format=S16LE,layout=interleaved,rate=[8000,48000],channels=1"
static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));

static void reset(OhConceal *self) {
  plc_init(self->state);
  self->heard = FALSE;
}

static GstFlowReturn chain(GstPad *pad, GstObject *parent, GstBuffer *buffer) {
  OhConceal *self = (OhConceal *)parent;
  GstMapInfo map;
  buffer = gst_buffer_make_writable(buffer);
  if (gst_buffer_map(buffer, &map, GST_MAP_READWRITE)) {
    plc_rx(self->state, (int16_t *)map.data, (int)(map.size / 2));
    self->heard = TRUE;
    gst_buffer_unmap(buffer, &map);
  }
  return gst_pad_push(self->src, buffer);
}

static gboolean fill(OhConceal *self, GstEvent *event) {
  GstClockTime start, length;
  GstMapInfo map;
  gst_event_parse_gap(event, &start, &length);
  gst_event_unref(event);
  if (!self->heard || self->rate == 0 || !GST_CLOCK_TIME_IS_VALID(length) || length < GAP_MIN ||
      length > GAP_MAX)
    return TRUE;
  gsize samples = gst_util_uint64_scale_round(length, (guint64)self->rate, GST_SECOND);
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, samples * 2, NULL);
  gst_buffer_map(buffer, &map, GST_MAP_WRITE);
  plc_fillin(self->state, (int16_t *)map.data, (int)samples);
  gst_buffer_unmap(buffer, &map);
  GST_BUFFER_PTS(buffer) = start;
  GST_BUFFER_DURATION(buffer) = length;
  return gst_pad_push(self->src, buffer) == GST_FLOW_OK;
}

static gboolean sink_event(GstPad *pad, GstObject *parent, GstEvent *event) {
  OhConceal *self = (OhConceal *)parent;
  GstCaps *caps;
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_GAP:
      return fill(self, event);
    case GST_EVENT_CAPS:
      gst_event_parse_caps(event, &caps);
      gst_structure_get_int(gst_caps_get_structure(caps, 0), "rate", &self->rate);
      reset(self);
      break;
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
  plc_free(((OhConceal *)object)->state);
  G_OBJECT_CLASS(oh_conceal_parent_class)->finalize(object);
}

static void oh_conceal_class_init(OhConcealClass *class) {
  GstElementClass *element = GST_ELEMENT_CLASS(class);
  G_OBJECT_CLASS(class)->finalize = finalize;
  gst_element_class_add_static_pad_template(element, &sink_template);
  gst_element_class_add_static_pad_template(element, &src_template);
  gst_element_class_set_static_metadata(element, "Packet loss concealment", "Filter/Audio",
                                        "Fills gaps by libspandsp", "Offhook");
}

static void oh_conceal_init(OhConceal *self) {
  self->state = plc_init(NULL);
  self->sink = gst_pad_new_from_static_template(&sink_template, "sink");
  self->src = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_chain_function(self->sink, chain);
  gst_pad_set_event_function(self->sink, sink_event);
  GST_PAD_SET_PROXY_CAPS(self->sink);
  GST_PAD_SET_PROXY_CAPS(self->src);
  GST_PAD_SET_PROXY_ALLOCATION(self->sink);
  gst_element_add_pad(GST_ELEMENT(self), self->sink);
  gst_element_add_pad(GST_ELEMENT(self), self->src);
}
