#include "live-source.h"

#include <gst/base/gstpushsrc.h>
#include <string.h>

#include "tone.h"
#include "wav.h"

typedef struct {
  GstPushSrc parent;
  char *location;
  char *tones;
  double level_db;
  guint frame_ms;
  OhTone tone;
  GMappedFile *file;
  OhWav wav;
  guint rate;
  guint channels;
  guint64 position; /* frames sent */
} OhLiveSource;

typedef struct {
  GstPushSrcClass parent;
} OhLiveSourceClass;

G_DEFINE_TYPE(OhLiveSource, oh_live_source, GST_TYPE_PUSH_SRC)

enum { PROP_LOCATION = 1, PROP_TONES, PROP_LEVEL_DB, PROP_FRAME_MS };

#define CAPS "audio/x-raw,format=S16LE,layout=interleaved,rate=[4000,192000],channels=[1,2]"
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));

static gboolean start(GstBaseSrc *base) {
  OhLiveSource *self = (OhLiveSource *)base;
  self->position = 0;
  if (!oh_tone_parse(&self->tone, self->tones, self->level_db)) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("Not a tone: %s", self->tones), (NULL));
    return FALSE;
  }
  if (self->location == NULL) return TRUE;
  GError *error = NULL;
  self->file = g_mapped_file_new(self->location, FALSE, &error);
  if (self->file == NULL) {
    GST_ELEMENT_ERROR(self, RESOURCE, OPEN_READ, ("%s", error->message), (NULL));
    g_error_free(error);
    return FALSE;
  }
  if (!oh_wav_parse((const guint8 *)g_mapped_file_get_contents(self->file),
                    g_mapped_file_get_length(self->file), &self->wav)) {
    GST_ELEMENT_ERROR(self, STREAM, WRONG_TYPE, ("%s is no 16-bit PCM WAV file", self->location),
                      (NULL));
    g_clear_pointer(&self->file, g_mapped_file_unref);
    return FALSE;
  }
  return TRUE;
}

static gboolean stop(GstBaseSrc *base) {
  OhLiveSource *self = (OhLiveSource *)base;
  g_clear_pointer(&self->file, g_mapped_file_unref);
  return TRUE;
}

static GstCaps *get_caps(GstBaseSrc *base, GstCaps *filter) {
  OhLiveSource *self = (OhLiveSource *)base;
  GstCaps *caps = gst_static_pad_template_get_caps(&src_template);
  if (self->file != NULL) {
    caps = gst_caps_make_writable(caps);
    gst_caps_set_simple(caps, "rate", G_TYPE_INT, (gint)self->wav.rate, "channels", G_TYPE_INT,
                        (gint)self->wav.channels, NULL);
  }
  if (filter != NULL) {
    GstCaps *both = gst_caps_intersect_full(filter, caps, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(caps);
    caps = both;
  }
  return caps;
}

static GstCaps *fixate(GstBaseSrc *base, GstCaps *caps) {
  caps = gst_caps_make_writable(caps);
  gst_structure_fixate_field_nearest_int(gst_caps_get_structure(caps, 0), "rate", 48000);
  gst_structure_fixate_field_nearest_int(gst_caps_get_structure(caps, 0), "channels", 1);
  return gst_caps_fixate(caps);
}

static gboolean set_caps(GstBaseSrc *base, GstCaps *caps) {
  OhLiveSource *self = (OhLiveSource *)base;
  gint rate = 0, channels = 0;
  GstStructure *s = gst_caps_get_structure(caps, 0);
  gst_structure_get_int(s, "rate", &rate);
  gst_structure_get_int(s, "channels", &channels);
  self->rate = (guint)rate;
  self->channels = (guint)channels;
  return rate > 0 && channels > 0;
}

static void read_file(OhLiveSource *self, gint16 *samples, guint frames) {
  gsize size = 2 * self->channels;
  const char *data = g_mapped_file_get_contents(self->file) + self->wav.data_offset;
  gsize total = self->wav.data_length / size;
  gsize at = self->position % total;
  for (guint done = 0; done < frames;) {
    gsize run = MIN(frames - done, total - at);
    memcpy(samples + done * self->channels, data + at * size, run * size);
    done += (guint)run;
    at = (at + run) % total;
  }
}

static void read_tone(OhLiveSource *self, gint16 *samples, guint frames) {
  oh_tone_render(&self->tone, samples, frames, self->position, self->rate);
  if (self->channels == 1) return;
  for (guint i = frames; i-- > 0;) samples[2 * i] = samples[2 * i + 1] = samples[i];
}

static GstFlowReturn create(GstPushSrc *push, GstBuffer **out) {
  OhLiveSource *self = (OhLiveSource *)push;
  guint frames = self->rate * self->frame_ms / 1000;
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, 2 * frames * self->channels, NULL);
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_WRITE);
  if (self->file != NULL)
    read_file(self, (gint16 *)map.data, frames);
  else
    read_tone(self, (gint16 *)map.data, frames);
  gst_buffer_unmap(buffer, &map);
  GstClockTime from = gst_util_uint64_scale(self->position, GST_SECOND, self->rate);
  GstClockTime to = gst_util_uint64_scale(self->position + frames, GST_SECOND, self->rate);
  GST_BUFFER_PTS(buffer) = from;
  GST_BUFFER_DURATION(buffer) = to - from;
  self->position += frames;
  *out = buffer;
  return GST_FLOW_OK;
}

/* The base class waits until a buffer's end, as a microphone would have recorded it. */
static void get_times(GstBaseSrc *base, GstBuffer *buffer, GstClockTime *from, GstClockTime *to) {
  *from = GST_BUFFER_PTS(buffer) + GST_BUFFER_DURATION(buffer);
  *to = GST_CLOCK_TIME_NONE;
}

static gboolean query(GstBaseSrc *base, GstQuery *query) {
  OhLiveSource *self = (OhLiveSource *)base;
  if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
    gst_query_set_latency(query, TRUE, self->frame_ms * GST_MSECOND, GST_CLOCK_TIME_NONE);
    return TRUE;
  }
  return GST_BASE_SRC_CLASS(oh_live_source_parent_class)->query(base, query);
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec) {
  OhLiveSource *self = (OhLiveSource *)object;
  char **text = id == PROP_LOCATION ? &self->location : id == PROP_TONES ? &self->tones : NULL;
  if (text != NULL) {
    g_free(*text);
    *text = g_value_dup_string(value);
  } else if (id == PROP_LEVEL_DB) {
    self->level_db = g_value_get_double(value);
  } else {
    self->frame_ms = g_value_get_uint(value);
  }
}

static void finalize(GObject *object) {
  OhLiveSource *self = (OhLiveSource *)object;
  g_free(self->location);
  g_free(self->tones);
  g_clear_pointer(&self->file, g_mapped_file_unref);
  G_OBJECT_CLASS(oh_live_source_parent_class)->finalize(object);
}

static void add_text(GObjectClass *class, guint id, const char *name, const char *blurb) {
  g_object_class_install_property(
      class, id,
      g_param_spec_string(name, name, blurb, NULL, G_PARAM_WRITABLE | G_PARAM_STATIC_NAME));
}

static void oh_live_source_class_init(OhLiveSourceClass *class) {
  GObjectClass *object_class = G_OBJECT_CLASS(class);
  GstElementClass *element_class = GST_ELEMENT_CLASS(class);
  GstBaseSrcClass *base_class = GST_BASE_SRC_CLASS(class);
  object_class->set_property = set_property;
  object_class->finalize = finalize;
  base_class->start = start;
  base_class->stop = stop;
  base_class->get_caps = get_caps;
  base_class->fixate = fixate;
  base_class->set_caps = set_caps;
  base_class->get_times = get_times;
  base_class->query = query;
  GST_PUSH_SRC_CLASS(class)->create = create;
  add_text(object_class, PROP_LOCATION, "location", "A 16-bit PCM WAV file, looped");
  add_text(object_class, PROP_TONES, "tones", "Steps of HZ+HZ/MS");
  g_object_class_install_property(
      object_class, PROP_LEVEL_DB,
      g_param_spec_double("level-db", "level-db", "Level of the tone, dBFS", -120, 0, -9,
                          G_PARAM_WRITABLE | G_PARAM_STATIC_NAME));
  g_object_class_install_property(
      object_class, PROP_FRAME_MS,
      g_param_spec_uint("frame-ms", "frame-ms", "Length of a buffer", 1, 200, 20,
                        G_PARAM_WRITABLE | G_PARAM_STATIC_NAME));
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "Live test source", "Source/Audio",
                                        "Loops a file or plays tones at real time", "Offhook");
}

static void oh_live_source_init(OhLiveSource *self) {
  self->level_db = -9;
  self->frame_ms = 20;
  gst_base_src_set_live(GST_BASE_SRC(self), TRUE);
  gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
}
