#include "conceal.h"

#include "plc.h"

#define GAP_MIN (10 * GST_MSECOND)
#define GAP_MAX (2 * GST_SECOND)

typedef struct {
  GstElement parent;
  GstPad *sink;
  GstPad *src;
  OhPlc plc; /* streaming thread only */
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

static GstFlowReturn chain(GstPad *pad, GstObject *parent, GstBuffer *buffer) {
  OhConceal *self = (OhConceal *)parent;
  GstMapInfo map;
  buffer = gst_buffer_make_writable(buffer);
  if (self->plc.rate > 0 && gst_buffer_map(buffer, &map, GST_MAP_READWRITE)) {
    oh_plc_receive(&self->plc, (gint16 *)map.data, map.size / 2);
    gst_buffer_unmap(buffer, &map);
  }
  return gst_pad_push(self->src, buffer);
}

static gboolean fill(OhConceal *self, GstEvent *event) {
  GstClockTime start, length;
  GstMapInfo map;
  gst_event_parse_gap(event, &start, &length);
  gst_event_unref(event);
  if (!self->plc.heard || !GST_CLOCK_TIME_IS_VALID(length) || length < GAP_MIN ||
      length > GAP_MAX)
    return TRUE;
  gsize samples = gst_util_uint64_scale_round(length, self->plc.rate, GST_SECOND);
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, samples * 2, NULL);
  gst_buffer_map(buffer, &map, GST_MAP_WRITE);
  oh_plc_fill(&self->plc, (gint16 *)map.data, samples);
  gst_buffer_unmap(buffer, &map);
  GST_BUFFER_PTS(buffer) = start;
  GST_BUFFER_DURATION(buffer) = length;
  return gst_pad_push(self->src, buffer) == GST_FLOW_OK;
}

static gboolean sink_event(GstPad *pad, GstObject *parent, GstEvent *event) {
  OhConceal *self = (OhConceal *)parent;
  GstCaps *caps;
  gint rate = 8000;
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_GAP:
      return fill(self, event);
    case GST_EVENT_CAPS:
      gst_event_parse_caps(event, &caps);
      gst_structure_get_int(gst_caps_get_structure(caps, 0), "rate", &rate);
      oh_plc_init(&self->plc, (guint)rate);
      break;
    case GST_EVENT_FLUSH_STOP:
    case GST_EVENT_SEGMENT:
      if (self->plc.rate > 0) oh_plc_init(&self->plc, self->plc.rate);
      break;
    default:
      break;
  }
  return gst_pad_event_default(pad, parent, event);
}

static void oh_conceal_class_init(OhConcealClass *class) {
  GstElementClass *element = GST_ELEMENT_CLASS(class);
  gst_element_class_add_static_pad_template(element, &sink_template);
  gst_element_class_add_static_pad_template(element, &src_template);
  gst_element_class_set_static_metadata(element, "Packet loss concealment", "Filter/Audio",
                                        "Fills gaps with what was heard before", "Offhook");
}

static void oh_conceal_init(OhConceal *self) {
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
