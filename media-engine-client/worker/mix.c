#include <gst/audio/audio.h>
#include <gst/base/gstbasetransform.h>
#include <string.h>

#include "bus-elements.h"
#include "bus.h"
#include "limit.h"

/* Steps in time that are not followed: what pipelines are out of step by. */
enum { STEP = OH_BUS_RATE * 20 / 1000, MOST = 64 };

typedef struct {
  GstBaseTransform parent;
  char *names;
  OhBus *buses[MOST];
  GstAudioResampler *resamplers[MOST]; /* NULL at the rate of the buses */
  guint count;
  float gain;
  guint rate;
  gint64 next; /* position after the last sample taken */
} OhMix;

typedef struct {
  GstBaseTransformClass parent;
} OhMixClass;

G_DEFINE_TYPE(OhMix, oh_mix, GST_TYPE_BASE_TRANSFORM)

enum { PROP_BUSES = 1 };

#define CAPS "audio/x-raw,format=S16LE,layout=interleaved,rate={8000,16000,48000},channels=1"
static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));

static gboolean set_caps(GstBaseTransform *base, GstCaps *in, GstCaps *out) {
  OhMix *self = (OhMix *)base;
  gint rate = 0;
  gst_structure_get_int(gst_caps_get_structure(in, 0), "rate", &rate);
  if (rate <= 0) return FALSE;
  self->rate = (guint)rate;
  for (guint bus = 0; bus < self->count; bus++) {
    g_clear_pointer(&self->resamplers[bus], gst_audio_resampler_free);
    if (rate == OH_BUS_RATE) continue;
    self->resamplers[bus] =
        gst_audio_resampler_new(GST_AUDIO_RESAMPLER_METHOD_KAISER, GST_AUDIO_RESAMPLER_FLAG_NONE,
                                GST_AUDIO_FORMAT_S16, 1, OH_BUS_RATE, rate, NULL);
  }
  return TRUE;
}

/* What is on a bus, `taken` samples, as `count` samples of our rate. */
static void take(OhMix *self, guint bus, gint16 *out, gsize count, gsize taken) {
  GstAudioResampler *resampler = self->resamplers[bus];
  if (resampler == NULL) {
    oh_bus_read(self->buses[bus], self->next, out, count);
    return;
  }
  gint16 *heard = g_new(gint16, taken);
  oh_bus_read(self->buses[bus], self->next, heard, taken);
  gpointer in[] = {heard}, to[] = {out};
  gsize made = MIN(gst_audio_resampler_get_out_frames(resampler, taken), count);
  gst_audio_resampler_resample(resampler, in, taken, to, made);
  memset(out + made, 0, (count - made) * sizeof *out); /* only while it begins */
  g_free(heard);
}

static GstFlowReturn transform_ip(GstBaseTransform *base, GstBuffer *buffer) {
  OhMix *self = (OhMix *)base;
  GstClock *clock = gst_element_get_clock(GST_ELEMENT(self));
  GstMapInfo map;
  if (clock == NULL || !gst_buffer_map(buffer, &map, GST_MAP_READWRITE)) {
    gst_clear_object(&clock);
    return GST_FLOW_OK;
  }
  gint16 *samples = (gint16 *)map.data;
  gsize count = map.size / sizeof *samples, taken = count * OH_BUS_RATE / self->rate;
  gint64 now = (gint64)gst_util_uint64_scale(gst_clock_get_time(clock), OH_BUS_RATE, GST_SECOND);
  gst_object_unref(clock);
  /* What is heard until now; a step behind, so that being a little late costs nothing. */
  gint64 from = now - (gint64)taken - STEP;
  if (ABS(from - self->next) > STEP) self->next = from;
  gint32 *sum = g_new(gint32, count);
  gint16 *heard = g_new(gint16, count);
  for (gsize i = 0; i < count; i++) sum[i] = samples[i];
  for (guint bus = 0; bus < self->count; bus++) {
    take(self, bus, heard, count, taken);
    for (gsize i = 0; i < count; i++) sum[i] += heard[i];
  }
  self->next += (gint64)taken;
  oh_limit(&self->gain, sum, samples, count, 1);
  g_free(heard);
  g_free(sum);
  gst_buffer_unmap(buffer, &map);
  return GST_FLOW_OK;
}

static gboolean start(GstBaseTransform *base) {
  OhMix *self = (OhMix *)base;
  self->next = 0;
  self->gain = 1;
  char **names = g_strsplit(self->names == NULL ? "" : self->names, " ", MOST);
  for (char **name = names; *name != NULL; name++)
    if (**name != 0) self->buses[self->count++] = oh_bus_get(*name);
  g_strfreev(names);
  return TRUE;
}

static gboolean stop(GstBaseTransform *base) {
  OhMix *self = (OhMix *)base;
  while (self->count > 0) {
    oh_bus_unref(self->buses[--self->count]);
    g_clear_pointer(&self->resamplers[self->count], gst_audio_resampler_free);
  }
  return TRUE;
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec) {
  OhMix *self = (OhMix *)object;
  g_free(self->names);
  self->names = g_value_dup_string(value);
}

static void finalize(GObject *object) {
  g_free(((OhMix *)object)->names);
  G_OBJECT_CLASS(oh_mix_parent_class)->finalize(object);
}

static void oh_mix_class_init(OhMixClass *class) {
  GObjectClass *object_class = G_OBJECT_CLASS(class);
  GstElementClass *element_class = GST_ELEMENT_CLASS(class);
  GstBaseTransformClass *base_class = GST_BASE_TRANSFORM_CLASS(class);
  object_class->set_property = set_property;
  object_class->finalize = finalize;
  base_class->set_caps = set_caps;
  base_class->transform_ip = transform_ip;
  base_class->start = start;
  base_class->stop = stop;
  g_object_class_install_property(
      object_class, PROP_BUSES,
      g_param_spec_string("buses", "Buses", "Names of buses, with spaces between them", NULL,
                          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "Mixer", "Filter/Audio",
                                        "Adds what is heard on buses", "Offhook");
}

static void oh_mix_init(OhMix *self) {}
