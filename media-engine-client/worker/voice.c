#include "voice.h"

#include <gst/base/gstbasetransform.h>
#include <math.h>
#include <string.h>

#include "apm.h"
#include "echo-path.h"

enum {
  FAR_FRAME = OH_BUS_RATE / 100,
  LONGEST = OH_BUS_RATE / 100,
};

/* Powers of which the echo return loss enhancement is made, over a second or two. */
static const double KEEP = 0.99;
/* Mean square of 16-bit samples below which the far end is silent: -50 dBFS. */
static const double SILENT = 1.07e4;

typedef struct {
  GstBaseTransform parent;
  /* Set from outside, under the object's lock. */
  char *far_end;
  gboolean echo, gain;
  guint noise;
  gboolean changed;
  /* Of the streaming thread; the figures under the object's lock. */
  guint rate, frame;
  OhApm *apm;
  OhApmSettings settings;
  OhEchoPath *path;
  gint16 waiting[LONGEST]; /* samples of a frame that is not complete */
  gint16 ready[LONGEST];   /* processed ones that go out for them */
  guint filled;
  gboolean uneven; /* buffers are no multiple of a frame, so one frame is held back */
  double before, after; /* power with and without echo */
  double clarity;
  gint lag_ms;
  gboolean has_lag;
  guint64 realigned;
} OhVoice;

typedef struct {
  GstBaseTransformClass parent;
} OhVoiceClass;

G_DEFINE_TYPE(OhVoice, oh_voice, GST_TYPE_BASE_TRANSFORM)

enum { PROP_FAR_END = 1, PROP_ECHO, PROP_NOISE, PROP_GAIN, PROP_STATS };

#define CAPS "audio/x-raw,format=S16LE,layout=interleaved,rate={8000,16000,48000},channels=1"
static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));

static void forget(OhVoice *self) {
  g_clear_pointer(&self->apm, oh_apm_free);
  g_clear_pointer(&self->path, oh_echo_path_free);
  self->filled = 0;
  self->uneven = FALSE;
}

/* Takes over what was set; FALSE when there is nothing to do. */
static gboolean take_settings(OhVoice *self) {
  GST_OBJECT_LOCK(self);
  gboolean changed = self->changed;
  OhApmSettings wanted = {.echo = self->echo && self->far_end != NULL,
                          .noise = self->noise,
                          .gain = self->gain};
  self->changed = FALSE;
  GST_OBJECT_UNLOCK(self);
  if (changed) {
    self->settings = wanted;
    if (!wanted.echo && wanted.noise == 0 && !wanted.gain)
      forget(self);
    else if (self->apm != NULL)
      oh_apm_set(self->apm, &self->settings);
  }
  return self->settings.echo || self->settings.noise > 0 || self->settings.gain;
}

static gboolean prepare(OhVoice *self) {
  if (self->apm == NULL) {
    self->apm = oh_apm_new(self->rate, OH_BUS_RATE);
    if (self->apm == NULL) return FALSE;
    oh_apm_set(self->apm, &self->settings);
  }
  if (self->settings.echo && self->path == NULL)
    self->path = oh_echo_path_new(oh_bus_get(self->far_end), self->rate);
  return TRUE;
}

/* A filter that has adapted to another lag is worse than one that begins. */
static void begin_anew(OhVoice *self) {
  g_clear_pointer(&self->apm, oh_apm_free);
  prepare(self);
}

static double power(const gint16 *samples, guint count) {
  double sum = 0;
  for (guint i = 0; i < count; i++) sum += (double)samples[i] * samples[i];
  return sum / count;
}

static void count_echo(OhVoice *self, double before, const gint16 *frame, gboolean far_speaks) {
  GST_OBJECT_LOCK(self);
  if (far_speaks && oh_apm_has_echo(self->apm)) {
    self->before = KEEP * self->before + before;
    self->after = KEEP * self->after + power(frame, self->frame);
  }
  self->clarity = oh_echo_path_clarity(self->path);
  self->has_lag = oh_echo_path_lag(self->path, &self->lag_ms);
  GST_OBJECT_UNLOCK(self);
}

static void process(OhVoice *self, gint16 *frame, gint64 position) {
  gint16 far[FAR_FRAME];
  if (!self->settings.echo) {
    oh_apm_process(self->apm, frame, NULL);
    return;
  }
  if (oh_echo_path_next(self->path, frame, position, far)) {
    begin_anew(self);
    self->realigned++;
  }
  if (self->apm == NULL) return;
  gboolean far_speaks = power(far, FAR_FRAME) > SILENT;
  double before = power(frame, self->frame);
  oh_apm_process(self->apm, frame, far);
  count_echo(self, before, frame, far_speaks);
}

/* Buffers of whole frames are processed as they are, at no delay but the library's. */
static void run(OhVoice *self, gint16 *samples, guint count, gint64 position) {
  if (!self->uneven && count % self->frame == 0) {
    for (guint i = 0; i < count; i += self->frame)
      process(self, samples + i, position + (gint64)i * OH_BUS_RATE / self->rate);
    return;
  }
  if (!self->uneven) memset(self->ready, 0, sizeof self->ready);
  self->uneven = TRUE;
  for (guint i = 0; i < count; i++) {
    self->waiting[self->filled] = samples[i];
    samples[i] = self->ready[self->filled];
    if (++self->filled < self->frame) continue;
    self->filled = 0;
    gint64 begun = (gint64)i + 1 - self->frame; /* in this buffer, or before it */
    process(self, self->waiting, position + begun * OH_BUS_RATE / (gint64)self->rate);
    memcpy(self->ready, self->waiting, sizeof self->ready);
  }
}

static GstFlowReturn transform_ip(GstBaseTransform *base, GstBuffer *buffer) {
  OhVoice *self = (OhVoice *)base;
  GstClockTime running =
      gst_segment_to_running_time(&base->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  GstMapInfo map;
  if (!take_settings(self) || !prepare(self) || !gst_buffer_map(buffer, &map, GST_MAP_READWRITE))
    return GST_FLOW_OK;
  if (!GST_CLOCK_TIME_IS_VALID(running)) running = 0;
  GstClockTime recorded = gst_element_get_base_time(GST_ELEMENT(self)) + running;
  run(self, (gint16 *)map.data, (guint)(map.size / sizeof(gint16)),
      (gint64)gst_util_uint64_scale(recorded, OH_BUS_RATE, GST_SECOND));
  gst_buffer_unmap(buffer, &map);
  return GST_FLOW_OK;
}

static gboolean set_caps(GstBaseTransform *base, GstCaps *in, GstCaps *out) {
  OhVoice *self = (OhVoice *)base;
  gint rate = 0;
  gst_structure_get_int(gst_caps_get_structure(in, 0), "rate", &rate);
  if (rate <= 0) return FALSE;
  forget(self);
  self->rate = (guint)rate;
  self->frame = self->rate / 100;
  return TRUE;
}

static gboolean stop(GstBaseTransform *base) {
  forget((OhVoice *)base);
  return TRUE;
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec) {
  OhVoice *self = (OhVoice *)object;
  GST_OBJECT_LOCK(self);
  self->changed = TRUE;
  if (id == PROP_FAR_END) { /* set once, before the first buffer */
    g_free(self->far_end);
    self->far_end = g_value_dup_string(value);
  } else if (id == PROP_ECHO) {
    self->echo = g_value_get_boolean(value);
  } else if (id == PROP_GAIN) {
    self->gain = g_value_get_boolean(value);
  } else {
    self->noise = g_value_get_uint(value);
  }
  GST_OBJECT_UNLOCK(self);
}

static GstStructure *stats(OhVoice *self) {
  GST_OBJECT_LOCK(self);
  GstStructure *out =
      gst_structure_new("stats", "echo", G_TYPE_INT, self->settings.echo ? 1 : 0, "realigned",
                        G_TYPE_UINT64, self->realigned, "clarity", G_TYPE_DOUBLE, self->clarity, NULL);
  if (self->has_lag) gst_structure_set(out, "lag-ms", G_TYPE_INT, self->lag_ms, NULL);
  if (self->has_lag && self->before > 0)
    gst_structure_set(out, "erle-db", G_TYPE_DOUBLE,
                      10 * log10(self->before / MAX(self->after, 1e-3)), NULL);
  GST_OBJECT_UNLOCK(self);
  return out;
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec) {
  OhVoice *self = (OhVoice *)object;
  if (id == PROP_STATS) {
    g_value_take_boxed(value, stats(self));
    return;
  }
  GST_OBJECT_LOCK(self);
  if (id == PROP_ECHO)
    g_value_set_boolean(value, self->echo);
  else if (id == PROP_GAIN)
    g_value_set_boolean(value, self->gain);
  else if (id == PROP_NOISE)
    g_value_set_uint(value, self->noise);
  GST_OBJECT_UNLOCK(self);
}

static void finalize(GObject *object) {
  OhVoice *self = (OhVoice *)object;
  forget(self);
  g_free(self->far_end);
  G_OBJECT_CLASS(oh_voice_parent_class)->finalize(object);
}

static void oh_voice_class_init(OhVoiceClass *class) {
  GObjectClass *object_class = G_OBJECT_CLASS(class);
  GstElementClass *element_class = GST_ELEMENT_CLASS(class);
  GstBaseTransformClass *base_class = GST_BASE_TRANSFORM_CLASS(class);
  GParamFlags both = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  base_class->set_caps = set_caps;
  base_class->transform_ip = transform_ip;
  base_class->stop = stop;
  g_object_class_install_property(
      object_class, PROP_FAR_END,
      g_param_spec_string("far-end", "Far end", "Bus that is heard as echo", NULL,
                          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property(
      object_class, PROP_ECHO,
      g_param_spec_boolean("echo-cancellation", "Echo", "Cancels echo", FALSE, both));
  g_object_class_install_property(
      object_class, PROP_NOISE,
      g_param_spec_uint("noise-suppression", "Noise", "Off, low, moderate, high, very high", 0, 4,
                        0, both));
  g_object_class_install_property(
      object_class, PROP_GAIN,
      g_param_spec_boolean("gain-control", "Gain", "Evens out the level", FALSE, both));
  g_object_class_install_property(
      object_class, PROP_STATS,
      g_param_spec_boxed("stats", "Figures", "echo, lag-ms, erle-db, clarity, realigned",
                         GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "Voice", "Filter/Audio",
                                        "Cancels echo, suppresses noise, controls gain", "Offhook");
}

static void oh_voice_init(OhVoice *self) {}
