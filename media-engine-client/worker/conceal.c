#include "conceal.h"

#include "comfort-noise.h"
#include "filler.h"
#include "plc.h"

#define GAP_MIN (10 * GST_MSECOND)
#define GAP_MAX (2 * GST_SECOND)
/* Longer than peers take to say again how loud their silence is. */
#define NOISE_MAX (60 * GST_SECOND)
#define CATCH_UP_MAX GST_SECOND

typedef struct {
  GstElement parent;
  GstPad *sink;
  GstPad *src;
  OhFiller *filler;
  /* Under its lock. */
  OhPlc plc;
  OhComfortNoise noise;
  GstClockTime end; /* of what was pushed last */
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

static GstFlowReturn push(OhConceal *self, GstBuffer *buffer) {
  if (GST_BUFFER_PTS_IS_VALID(buffer) && GST_BUFFER_DURATION_IS_VALID(buffer))
    self->end = GST_BUFFER_PTS(buffer) + GST_BUFFER_DURATION(buffer);
  return gst_pad_push(self->src, buffer);
}

static GstBuffer *audio(GstClockTime start, GstClockTime length, gsize samples) {
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, samples * 2, NULL);
  GST_BUFFER_PTS(buffer) = start;
  GST_BUFFER_DURATION(buffer) = length;
  return buffer;
}

static void push_noise(OhConceal *self, GstClockTime start, GstClockTime length) {
  gsize samples = gst_util_uint64_scale_round(length, self->plc.rate, GST_SECOND);
  GstBuffer *buffer = audio(start, length, samples);
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_WRITE);
  oh_comfort_noise_fill(&self->noise, (gint16 *)map.data, samples);
  oh_plc_receive(&self->plc, (gint16 *)map.data, samples);
  gst_buffer_unmap(buffer, &map);
  push(self, buffer);
}

/* The silence of a peer that sends none. */
static void fill_silence(GstElement *element, GstClockTime start) {
  push_noise((OhConceal *)element, start, OH_FILLER_STEP);
}

/* It is over: a sink that waits for its time has kept the noise from reaching up to here. */
static void end_silence(OhConceal *self, GstClockTime until) {
  if (!oh_filler_rest(self->filler) || !GST_CLOCK_TIME_IS_VALID(until)) return;
  if (self->end < until && until - self->end < CATCH_UP_MAX)
    push_noise(self, self->end, until - self->end);
}

/* From now on, the way of the jitter buffer being the same for what comes and for this. */
static gboolean comfort(OhConceal *self, const GstStructure *event) {
  guint level = 127;
  GstClockTime at = GST_CLOCK_TIME_NONE;
  gst_structure_get(event, "level", G_TYPE_UINT, &level, "at", G_TYPE_UINT64, &at, NULL);
  if (!GST_CLOCK_TIME_IS_VALID(at) || self->plc.rate == 0) return TRUE;
  oh_filler_lock(self->filler);
  oh_comfort_noise_set(&self->noise, (guint8)level);
  gboolean goes_on = GST_CLOCK_TIME_IS_VALID(self->end) && self->end > at;
  GstClockTime start = goes_on ? self->end : at;
  oh_filler_begin(self->filler, start, start - at, NOISE_MAX);
  oh_filler_unlock(self->filler);
  return TRUE;
}

static GstFlowReturn chain(GstPad *pad, GstObject *parent, GstBuffer *buffer) {
  OhConceal *self = (OhConceal *)parent;
  GstMapInfo map;
  buffer = gst_buffer_make_writable(buffer);
  oh_filler_lock(self->filler);
  end_silence(self, GST_BUFFER_PTS(buffer));
  if (self->plc.rate > 0 && gst_buffer_map(buffer, &map, GST_MAP_READWRITE)) {
    oh_plc_receive(&self->plc, (gint16 *)map.data, map.size / 2);
    gst_buffer_unmap(buffer, &map);
  }
  GstFlowReturn result = push(self, buffer);
  oh_filler_unlock(self->filler);
  return result;
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
  GstBuffer *buffer = audio(start, length, samples);
  oh_filler_lock(self->filler);
  end_silence(self, start);
  gst_buffer_map(buffer, &map, GST_MAP_WRITE);
  oh_plc_fill(&self->plc, (gint16 *)map.data, samples);
  gst_buffer_unmap(buffer, &map);
  gboolean ok = push(self, buffer) == GST_FLOW_OK;
  oh_filler_unlock(self->filler);
  return ok;
}

static gboolean sink_event(GstPad *pad, GstObject *parent, GstEvent *event) {
  OhConceal *self = (OhConceal *)parent;
  GstCaps *caps;
  gint rate = 8000;
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_GAP:
      return fill(self, event);
    case GST_EVENT_CUSTOM_DOWNSTREAM_OOB:
      if (gst_event_has_name(event, OH_COMFORT_NOISE_EVENT)) {
        gboolean ok = comfort(self, gst_event_get_structure(event));
        gst_event_unref(event);
        return ok;
      }
      break;
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

static GstStateChangeReturn change_state(GstElement *element, GstStateChange transition) {
  oh_filler_change_state(((OhConceal *)element)->filler, transition);
  return GST_ELEMENT_CLASS(oh_conceal_parent_class)->change_state(element, transition);
}

static void finalize(GObject *object) {
  oh_filler_free(((OhConceal *)object)->filler);
  G_OBJECT_CLASS(oh_conceal_parent_class)->finalize(object);
}

static void oh_conceal_class_init(OhConcealClass *class) {
  GstElementClass *element = GST_ELEMENT_CLASS(class);
  element->change_state = change_state;
  G_OBJECT_CLASS(class)->finalize = finalize;
  gst_element_class_add_static_pad_template(element, &sink_template);
  gst_element_class_add_static_pad_template(element, &src_template);
  gst_element_class_set_static_metadata(element, "Packet loss concealment", "Filter/Audio",
                                        "Fills gaps with what was heard before", "Offhook");
}

static void oh_conceal_init(OhConceal *self) {
  self->filler = oh_filler_new(GST_ELEMENT(self), fill_silence);
  self->end = GST_CLOCK_TIME_NONE;
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
