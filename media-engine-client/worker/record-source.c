#include "record-source.h"

#include <gst/base/gstpushsrc.h>
#include <string.h>

#include "bus.h"
#include "limit.h"

enum { FRAME = OH_BUS_RATE / 10, LAG = OH_BUS_RATE * 4 / 10, MOST = 64 };
enum { NEAR, FAR, SIDES };

typedef struct {
  GstPushSrc parent;
  guint channels;
  guint64 position; /* frames given out */
  float gain[SIDES];
  GMutex lock; /* over what can be set while it runs: */
  GPtrArray *buses[SIDES];
  gboolean paused;
  gint64 begins; /* position on the buses before which nothing is taken */
  gboolean ending;
  gint64 end;
} OhRecordSource;

typedef struct {
  GstPushSrcClass parent;
} OhRecordSourceClass;

G_DEFINE_TYPE(OhRecordSource, oh_record_source, GST_TYPE_PUSH_SRC)

enum { PROP_NEAR = 1, PROP_FAR, PROP_PAUSED, PROP_END };

#define CAPS "audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=[1,2]"
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));

static gint64 in_samples(GstClockTime time) {
  return (gint64)gst_util_uint64_scale(time, OH_BUS_RATE, GST_SECOND);
}

/* Where the buses are now; 0 without a clock, which is before it plays. */
static gint64 now(OhRecordSource *self) {
  GstClock *clock = gst_element_get_clock(GST_ELEMENT(self));
  if (clock == NULL) return 0;
  gint64 position = in_samples(gst_clock_get_time(clock));
  gst_object_unref(clock);
  return position;
}

static gboolean set_caps(GstBaseSrc *base, GstCaps *caps) {
  gint channels = 0;
  gst_structure_get_int(gst_caps_get_structure(caps, 0), "channels", &channels);
  ((OhRecordSource *)base)->channels = (guint)channels;
  return channels > 0;
}

/* What is on the buses of a side from `position`, added to `sum`. Locked. */
static void add(OhRecordSource *self, guint side, gint64 position, gint32 *sum) {
  gint16 heard[FRAME];
  for (guint bus = 0; bus < self->buses[side]->len; bus++) {
    oh_bus_read(g_ptr_array_index(self->buses[side], bus), position, heard, FRAME);
    for (gsize i = 0; i < FRAME; i++)
      if (position + (gint64)i >= self->begins) sum[i] += heard[i];
  }
}

static GstFlowReturn create(GstPushSrc *push, GstBuffer **out) {
  OhRecordSource *self = (OhRecordSource *)push;
  gint32 sums[SIDES][FRAME] = {0};
  gint64 position =
      in_samples(gst_element_get_base_time(GST_ELEMENT(self))) + (gint64)self->position;
  g_mutex_lock(&self->lock);
  gboolean over = self->ending && position >= self->end;
  for (guint side = NEAR; side < SIDES && !self->paused; side++)
    add(self, side, position, sums[self->channels == SIDES ? side : 0]);
  g_mutex_unlock(&self->lock);
  if (over) return GST_FLOW_EOS;
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, sizeof(gint16) * FRAME * self->channels, NULL);
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_WRITE);
  for (guint channel = 0; channel < self->channels; channel++)
    oh_limit(&self->gain[channel], sums[channel], (gint16 *)map.data + channel, FRAME,
             self->channels);
  gst_buffer_unmap(buffer, &map);
  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(self->position, GST_SECOND, OH_BUS_RATE);
  GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(FRAME, GST_SECOND, OH_BUS_RATE);
  self->position += FRAME;
  *out = buffer;
  return GST_FLOW_OK;
}

/* The base class waits before it gives a buffer out and asks for the next one. */
static void get_times(GstBaseSrc *base, GstBuffer *buffer, GstClockTime *from, GstClockTime *to) {
  OhRecordSource *self = (OhRecordSource *)base;
  g_mutex_lock(&self->lock);
  *from = self->ending ? GST_CLOCK_TIME_NONE
                       : GST_BUFFER_PTS(buffer) + GST_BUFFER_DURATION(buffer) +
                             gst_util_uint64_scale(LAG, GST_SECOND, OH_BUS_RATE);
  *to = GST_CLOCK_TIME_NONE;
  g_mutex_unlock(&self->lock);
}

static GPtrArray *get_buses(const char *names) {
  GPtrArray *buses = g_ptr_array_new_with_free_func((GDestroyNotify)oh_bus_unref);
  char **split = g_strsplit(names == NULL ? "" : names, " ", MOST);
  for (char **name = split; *name != NULL; name++)
    if (**name != 0) g_ptr_array_add(buses, oh_bus_get(*name));
  g_strfreev(split);
  return buses;
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec) {
  OhRecordSource *self = (OhRecordSource *)object;
  gint64 position = now(self);
  g_mutex_lock(&self->lock);
  if (id == PROP_PAUSED) {
    gboolean paused = g_value_get_boolean(value);
    if (self->paused && !paused) self->begins = position;
    self->paused = paused;
  } else if (id == PROP_END) {
    self->ending = g_value_get_boolean(value);
    self->end = position;
  } else {
    GPtrArray **buses = &self->buses[id == PROP_NEAR ? NEAR : FAR];
    g_ptr_array_unref(*buses);
    *buses = get_buses(g_value_get_string(value));
  }
  g_mutex_unlock(&self->lock);
}

static void finalize(GObject *object) {
  OhRecordSource *self = (OhRecordSource *)object;
  for (guint side = NEAR; side < SIDES; side++) g_ptr_array_unref(self->buses[side]);
  g_mutex_clear(&self->lock);
  G_OBJECT_CLASS(oh_record_source_parent_class)->finalize(object);
}

static void oh_record_source_class_init(OhRecordSourceClass *class) {
  GObjectClass *object_class = G_OBJECT_CLASS(class);
  GstElementClass *element_class = GST_ELEMENT_CLASS(class);
  GstBaseSrcClass *base_class = GST_BASE_SRC_CLASS(class);
  GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS;
  object_class->set_property = set_property;
  object_class->finalize = finalize;
  base_class->set_caps = set_caps;
  base_class->get_times = get_times;
  GST_PUSH_SRC_CLASS(class)->create = create;
  g_object_class_install_property(
      object_class, PROP_NEAR, g_param_spec_string("near", "Near", "Buses of this end", NULL, flags));
  g_object_class_install_property(
      object_class, PROP_FAR,
      g_param_spec_string("far", "Far", "Buses of the other parties", NULL, flags));
  g_object_class_install_property(
      object_class, PROP_PAUSED,
      g_param_spec_boolean("paused", "Paused", "Silence in place of both", FALSE, flags));
  g_object_class_install_property(
      object_class, PROP_END,
      g_param_spec_boolean("end", "End", "Gives out what was heard until now, and ends", FALSE, flags));
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "Both sides of a call", "Source/Audio",
                                        "What was said on buses, some time later", "Offhook");
}

static void oh_record_source_init(OhRecordSource *self) {
  g_mutex_init(&self->lock);
  for (guint side = NEAR; side < SIDES; side++) {
    self->buses[side] = get_buses(NULL);
    self->gain[side] = 1;
  }
  gst_base_src_set_live(GST_BASE_SRC(self), TRUE);
  gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
}
