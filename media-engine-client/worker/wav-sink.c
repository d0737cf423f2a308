#include "wav-sink.h"

#include <errno.h>
#include <fcntl.h>
#include <gst/base/gstbasesink.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wav.h"

typedef struct {
  GstBaseSink parent;
  char *location;
  gboolean append;
  int fd;
  guint rate;
  guint channels;
  guint64 base;    /* frames in the file before this pipeline */
  guint64 written; /* frames since */
} OhWavSink;

typedef struct {
  GstBaseSinkClass parent;
} OhWavSinkClass;

G_DEFINE_TYPE(OhWavSink, oh_wav_sink, GST_TYPE_BASE_SINK)

enum { PROP_LOCATION = 1, PROP_APPEND };

#define CAPS "audio/x-raw,format=S16LE,layout=interleaved,rate=[4000,192000],channels=[1,2]"
/* Longer silence is not filled in; a file of a call ends at a day. */
#define GAP_MAX_SECONDS 60
#define FRAMES_MAX_SECONDS 86400

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));

static gboolean start(GstBaseSink *base) {
  OhWavSink *self = (OhWavSink *)base;
  int flags = O_RDWR | O_CREAT | O_CLOEXEC | (self->append ? 0 : O_TRUNC);
  self->fd = self->location == NULL ? -1 : open(self->location, flags, 0600);
  self->rate = 0;
  self->written = 0;
  self->base = 0;
  if (self->fd >= 0) return TRUE;
  GST_ELEMENT_ERROR(self, RESOURCE, OPEN_WRITE,
                    ("%s: %s", self->location == NULL ? "" : self->location, g_strerror(errno)),
                    (NULL));
  return FALSE;
}

static gboolean put(OhWavSink *self, const void *data, gsize size, off_t at) {
  return pwrite(self->fd, data, size, at) == (ssize_t)size;
}

static gboolean put_header(OhWavSink *self) {
  guint8 header[OH_WAV_HEADER];
  guint64 bytes = (self->base + self->written) * 2 * self->channels;
  oh_wav_header(header, self->rate, self->channels, (guint32)MIN(bytes, 0xffffff00u));
  return put(self, header, sizeof header, 0);
}

/* Where the file goes on, if it is one of ours in the same format. */
static void find_end(OhWavSink *self) {
  guint8 header[OH_WAV_HEADER];
  guint8 wanted[OH_WAV_HEADER];
  struct stat file;
  if (!self->append || fstat(self->fd, &file) != 0 || file.st_size < OH_WAV_HEADER) return;
  oh_wav_header(wanted, self->rate, self->channels, 0);
  if (pread(self->fd, header, sizeof header, 0) != sizeof header) return;
  if (memcmp(header + 8, wanted + 8, 32) != 0) return;
  gint64 now_us = g_get_real_time();
  gint64 then_us = (gint64)file.st_mtim.tv_sec * 1000000 + file.st_mtim.tv_nsec / 1000;
  gint64 gap_us = CLAMP(now_us - then_us, 0, GAP_MAX_SECONDS * G_USEC_PER_SEC);
  self->base = (guint64)(file.st_size - OH_WAV_HEADER) / (2 * self->channels) +
               (guint64)gap_us * self->rate / G_USEC_PER_SEC;
}

static gboolean set_caps(GstBaseSink *base, GstCaps *caps) {
  OhWavSink *self = (OhWavSink *)base;
  gint rate = 0, channels = 0;
  GstStructure *s = gst_caps_get_structure(caps, 0);
  gst_structure_get_int(s, "rate", &rate);
  gst_structure_get_int(s, "channels", &channels);
  if (self->rate == (guint)rate && self->channels == (guint)channels) return TRUE;
  if (self->rate != 0) return FALSE;
  self->rate = (guint)rate;
  self->channels = (guint)channels;
  find_end(self);
  return put_header(self);
}

static GstFlowReturn render(GstBaseSink *base, GstBuffer *buffer) {
  OhWavSink *self = (OhWavSink *)base;
  GstMapInfo map;
  gsize frame = 2 * self->channels;
  guint64 at = self->written;
  if (GST_BUFFER_PTS_IS_VALID(buffer)) {
    GstClockTime time = gst_segment_to_running_time(&base->segment, GST_FORMAT_TIME,
                                                    GST_BUFFER_PTS(buffer));
    guint64 place = gst_util_uint64_scale_round(time, self->rate, GST_SECOND);
    /* Small differences are jitter of timestamps: samples follow one another. */
    gint64 off = (gint64)(place - self->written);
    if (GST_CLOCK_TIME_IS_VALID(time) && (off > self->rate / 50 || off < -(gint64)self->rate / 5))
      at = place;
    if (at > self->written + (guint64)GAP_MAX_SECONDS * self->rate) at = self->written;
  }
  if ((self->base + at) / self->rate > FRAMES_MAX_SECONDS) return GST_FLOW_OK;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return GST_FLOW_ERROR;
  gboolean ok = put(self, map.data, map.size, (off_t)(OH_WAV_HEADER + (self->base + at) * frame));
  self->written = MAX(self->written, at + map.size / frame);
  gst_buffer_unmap(buffer, &map);
  if (ok && put_header(self)) return GST_FLOW_OK;
  GST_ELEMENT_ERROR(self, RESOURCE, WRITE, ("%s: %s", self->location, g_strerror(errno)), (NULL));
  return GST_FLOW_ERROR;
}

static gboolean stop(GstBaseSink *base) {
  OhWavSink *self = (OhWavSink *)base;
  if (self->fd >= 0) close(self->fd);
  self->fd = -1;
  return TRUE;
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec) {
  OhWavSink *self = (OhWavSink *)object;
  if (id == PROP_LOCATION) {
    g_free(self->location);
    self->location = g_value_dup_string(value);
  } else {
    self->append = g_value_get_boolean(value);
  }
}

static void finalize(GObject *object) {
  g_free(((OhWavSink *)object)->location);
  G_OBJECT_CLASS(oh_wav_sink_parent_class)->finalize(object);
}

static void oh_wav_sink_class_init(OhWavSinkClass *class) {
  GObjectClass *object_class = G_OBJECT_CLASS(class);
  GstElementClass *element_class = GST_ELEMENT_CLASS(class);
  GstBaseSinkClass *base_class = GST_BASE_SINK_CLASS(class);
  object_class->set_property = set_property;
  object_class->finalize = finalize;
  base_class->start = start;
  base_class->stop = stop;
  base_class->set_caps = set_caps;
  base_class->render = render;
  g_object_class_install_property(
      object_class, PROP_LOCATION,
      g_param_spec_string("location", "location", "The file", NULL,
                          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property(
      object_class, PROP_APPEND,
      g_param_spec_boolean("append", "append", "Go on with an existing file", FALSE,
                           G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_set_static_metadata(element_class, "WAV file", "Sink/File/Audio",
                                        "Writes a WAV file that is valid at any moment", "Offhook");
}

static void oh_wav_sink_init(OhWavSink *self) { self->fd = -1; }
