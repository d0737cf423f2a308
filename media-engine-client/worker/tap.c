#include <gst/audio/audio.h>
#include <gst/base/gstbasetransform.h>

#include "bus-elements.h"
#include "bus.h"

/* As audio sinks do: smaller steps in time are not followed. */
enum { STEP = OH_BUS_RATE * 40 / 1000 };

typedef struct {
  GstBaseTransform parent;
  GMutex lock; /* over `bus` */
  OhBus *bus;
  gboolean captured;
  GstAudioResampler *resampler; /* NULL at the rate of the bus */
  guint rate;
  GstClockTime latency; /* atomic enough: set before data flows, and rarely */
  gint64 next;          /* position after the last sample added */
} OhTap;

typedef struct {
  GstBaseTransformClass parent;
} OhTapClass;

G_DEFINE_TYPE(OhTap, oh_tap, GST_TYPE_BASE_TRANSFORM)

enum { PROP_BUS = 1, PROP_CAPTURED };

#define CAPS "audio/x-raw,format=S16LE,layout=interleaved,rate=[8000,48000],channels=1"
static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));

static gboolean set_caps(GstBaseTransform *base, GstCaps *in, GstCaps *out) {
  OhTap *self = (OhTap *)base;
  gint rate = 0;
  gst_structure_get_int(gst_caps_get_structure(in, 0), "rate", &rate);
  if (rate <= 0) return FALSE;
  self->rate = (guint)rate;
  g_clear_pointer(&self->resampler, gst_audio_resampler_free);
  if (rate != OH_BUS_RATE)
    self->resampler =
        gst_audio_resampler_new(GST_AUDIO_RESAMPLER_METHOD_KAISER, GST_AUDIO_RESAMPLER_FLAG_NONE,
                                GST_AUDIO_FORMAT_S16, 1, rate, OH_BUS_RATE, NULL);
  return TRUE;
}

static gboolean src_event(GstBaseTransform *base, GstEvent *event) {
  OhTap *self = (OhTap *)base;
  if (GST_EVENT_TYPE(event) == GST_EVENT_LATENCY) gst_event_parse_latency(event, &self->latency);
  return GST_BASE_TRANSFORM_CLASS(oh_tap_parent_class)->src_event(base, event);
}

static void add(OhTap *self, gint64 position, const gint16 *samples, gsize count) {
  if (ABS(position - self->next) > STEP) {
    self->next = position;
    if (self->resampler != NULL) gst_audio_resampler_reset(self->resampler);
  }
  if (self->resampler == NULL) {
    oh_bus_add(self->bus, self->next, samples, count);
    self->next += (gint64)count;
    return;
  }
  gsize out = gst_audio_resampler_get_out_frames(self->resampler, count);
  gint16 *resampled = g_new(gint16, MAX(out, 1));
  gpointer from[] = {(gpointer)samples}, to[] = {resampled};
  gst_audio_resampler_resample(self->resampler, from, count, to, out);
  oh_bus_add(self->bus, self->next, resampled, out);
  self->next += (gint64)out;
  g_free(resampled);
}

/* Locked. */
static void tap(OhTap *self, GstClockTime running, GstBuffer *buffer) {
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return;
  GstClockTime at = gst_element_get_base_time(GST_ELEMENT(self)) + running +
                    (self->captured ? 0 : self->latency);
  add(self, (gint64)gst_util_uint64_scale(at, OH_BUS_RATE, GST_SECOND), (const gint16 *)map.data,
      map.size / sizeof(gint16));
  gst_buffer_unmap(buffer, &map);
}

static GstFlowReturn transform_ip(GstBaseTransform *base, GstBuffer *buffer) {
  OhTap *self = (OhTap *)base;
  GstClockTime running =
      gst_segment_to_running_time(&base->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  g_mutex_lock(&self->lock);
  if (self->bus != NULL && GST_CLOCK_TIME_IS_VALID(running)) tap(self, running, buffer);
  g_mutex_unlock(&self->lock);
  return GST_FLOW_OK;
}

static gboolean start(GstBaseTransform *base) {
  OhTap *self = (OhTap *)base;
  self->next = 0;
  self->latency = 0;
  return TRUE;
}

static gboolean stop(GstBaseTransform *base) {
  g_clear_pointer(&((OhTap *)base)->resampler, gst_audio_resampler_free);
  return TRUE;
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec) {
  OhTap *self = (OhTap *)object;
  if (id == PROP_CAPTURED) {
    self->captured = g_value_get_boolean(value);
    return;
  }
  const char *name = g_value_get_string(value);
  g_mutex_lock(&self->lock);
  g_clear_pointer(&self->bus, oh_bus_unref);
  if (name != NULL && *name != 0) self->bus = oh_bus_get(name);
  g_mutex_unlock(&self->lock);
}

static void finalize(GObject *object) {
  OhTap *self = (OhTap *)object;
  g_clear_pointer(&self->bus, oh_bus_unref);
  g_mutex_clear(&self->lock);
  G_OBJECT_CLASS(oh_tap_parent_class)->finalize(object);
}

static void oh_tap_class_init(OhTapClass *class) {
  GObjectClass *object_class = G_OBJECT_CLASS(class);
  GstElementClass *element_class = GST_ELEMENT_CLASS(class);
  GstBaseTransformClass *base_class = GST_BASE_TRANSFORM_CLASS(class);
  object_class->set_property = set_property;
  object_class->finalize = finalize;
  base_class->set_caps = set_caps;
  base_class->src_event = src_event;
  base_class->transform_ip = transform_ip;
  base_class->start = start;
  base_class->stop = stop;
  base_class->passthrough_on_same_caps = TRUE;
  base_class->transform_ip_on_passthrough = TRUE;
  g_object_class_install_property(
      object_class, PROP_BUS,
      g_param_spec_string("bus", "Bus", "Name of the bus; none: nobody hears it", NULL,
                          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property(
      object_class, PROP_CAPTURED,
      g_param_spec_boolean("captured", "Captured", "At the time of its capture, not of its playing",
                           FALSE, G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "Tap", "Filter/Audio",
                                        "Lets others hear what goes through", "Offhook");
}

static void oh_tap_init(OhTap *self) { g_mutex_init(&self->lock); }
