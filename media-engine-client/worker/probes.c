#include "probes.h"

#include <math.h>
#include <string.h>

#include "comfort-noise.h"
#include "error.h"
#include "inband.h"
#include "json.h"
#include "rtp-packet.h"

typedef enum { LEVEL, GAPS, EMPTY, STATS, MIXER } Kind;

struct OhProbe {
  gatomicrefcount refs;
  Kind kind;
  char *name;
  GMutex lock;
  double sum; /* of squares, since the last reading */
  guint64 samples;
  double last_db;
  gint64 min_ns, max_ns;
  guint64 concealed_ns, gaps, dropped;
  guint64 played_ns;
  GWeakRef element;
  OhInband inband;
};

static const char *const kinds[] = {"level", "gaps", "empty", "stats", "mixer"};

/* Only mono or interleaved 16-bit audio is measured; descriptions see to it. */
static void measure(OhProbe *p, GstBuffer *buffer) {
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return;
  const gint16 *sample = (const gint16 *)map.data;
  gsize count = map.size / 2;
  /* A sum of squares of 16-bit samples fits in 64 bits for any buffer. */
  guint64 sum = 0;
  for (gsize i = 0; i < count; i++) sum += (guint64)((gint32)sample[i] * sample[i]);
  gst_buffer_unmap(buffer, &map);
  g_mutex_lock(&p->lock);
  p->sum += (double)sum;
  p->samples += count;
  g_mutex_unlock(&p->lock);
}

static GstPadProbeReturn gap(OhProbe *p, GstEvent *event) {
  GstClockTime start, length;
  gst_event_parse_gap(event, &start, &length);
  g_mutex_lock(&p->lock);
  gboolean pass = GST_CLOCK_TIME_IS_VALID(length) && (gint64)length >= p->min_ns &&
                  (gint64)length <= p->max_ns;
  if (pass) {
    p->gaps++;
    p->concealed_ns += length;
  } else {
    p->dropped++;
  }
  g_mutex_unlock(&p->lock);
  return pass ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

/* Drops what only holds its place, and passes on the level of comfort noise. */
static GstPadProbeReturn no_audio(GstPad *pad, GstBuffer *buffer) {
  gsize size = gst_buffer_get_size(buffer);
  if (size > OH_RTP_HEADER + 1) return GST_PAD_PROBE_OK;
  if (size == OH_RTP_HEADER + 1) {
    guint8 level;
    gst_buffer_extract(buffer, OH_RTP_HEADER, &level, 1);
    GstStructure *noise =
        gst_structure_new(OH_COMFORT_NOISE_EVENT, "level", G_TYPE_UINT, (guint)level, "at",
                          G_TYPE_UINT64, GST_BUFFER_PTS(buffer), NULL);
    /* Out of band: decoders hold other events back until there is audio. */
    gst_pad_send_event(pad, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_OOB, noise));
  }
  return GST_PAD_PROBE_DROP;
}

static GstPadProbeReturn mix(OhProbe *p, GstPad *pad, GstPadProbeInfo *info) {
  g_mutex_lock(&p->lock);
  if (oh_inband_active(&p->inband)) {
    GstCaps *caps = gst_pad_get_current_caps(pad);
    int rate = 0;
    if (caps != NULL) {
      gst_structure_get_int(gst_caps_get_structure(caps, 0), "rate", &rate);
      gst_caps_unref(caps);
    }
    GstMapInfo map;
    GstBuffer *buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
    info->data = buffer;
    if (rate > 0 && gst_buffer_map(buffer, &map, GST_MAP_READWRITE)) {
      oh_inband_render(&p->inband, (gint16 *)map.data, map.size / 2, (guint)rate);
      gst_buffer_unmap(buffer, &map);
    }
  }
  g_mutex_unlock(&p->lock);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn on_probe(GstPad *pad, GstPadProbeInfo *info, gpointer data) {
  OhProbe *p = data;
  if (info->type & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
    return GST_EVENT_TYPE(event) == GST_EVENT_GAP ? gap(p, event) : GST_PAD_PROBE_OK;
  }
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  switch (p->kind) {
    case LEVEL:
      measure(p, buffer);
      return GST_PAD_PROBE_OK;
    case GAPS:
      if (GST_BUFFER_DURATION_IS_VALID(buffer)) {
        g_mutex_lock(&p->lock);
        p->played_ns += GST_BUFFER_DURATION(buffer);
        g_mutex_unlock(&p->lock);
      }
      return GST_PAD_PROBE_OK;
    case EMPTY:
      return no_audio(pad, buffer);
    case STATS:
      return GST_PAD_PROBE_REMOVE;
    case MIXER:
      return mix(p, pad, info);
  }
  return GST_PAD_PROBE_OK;
}

static OhProbe *parse(JsonObject *d, GError **error) {
  const char *kind = oh_json_string(d, "kind");
  gint64 min_ms = 0, max_ms = 3600000;
  oh_json_int(d, "minMs", 0, 3600000, &min_ms);
  oh_json_int(d, "maxMs", 0, 3600000, &max_ms);
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
    if (g_strcmp0(kind, kinds[i]) != 0) continue;
    OhProbe *p = g_new0(OhProbe, 1);
    g_atomic_ref_count_init(&p->refs);
    g_mutex_init(&p->lock);
    g_weak_ref_init(&p->element, NULL);
    p->kind = (Kind)i;
    p->name = g_strdup(oh_json_string(d, "name"));
    p->min_ns = min_ms * GST_MSECOND;
    p->max_ns = max_ms * GST_MSECOND;
    p->last_db = -120;
    return p;
  }
  oh_error_set(error, "invalid", "no probe of the kind %s", kind == NULL ? "" : kind);
  return NULL;
}

static void attach(OhProbe *probe, GstPad *pad) {
  GstPadProbeType type = GST_PAD_PROBE_TYPE_BUFFER;
  if (probe->kind == GAPS) type |= GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM;
  g_atomic_ref_count_inc(&probe->refs);
  gst_pad_add_probe(pad, type, on_probe, probe, (GDestroyNotify)oh_probe_unref);
}

OhProbe *oh_probe_install(GstBin *bin, JsonObject *d, GError **error) {
  const char *element_name = oh_json_string(d, "element");
  const char *pad_name = oh_json_string(d, "pad");
  GstElement *element = element_name == NULL ? NULL : gst_bin_get_by_name(bin, element_name);
  if (element == NULL) {
    oh_error_set(error, "invalid", "no element %s", element_name == NULL ? "" : element_name);
    return NULL;
  }
  OhProbe *probe = parse(d, error);
  if (probe != NULL && probe->kind == STATS) {
    g_weak_ref_set(&probe->element, element);
  } else if (probe != NULL) {
    GstPad *pad = pad_name == NULL ? NULL : gst_element_get_static_pad(element, pad_name);
    if (pad != NULL) {
      attach(probe, pad);
      gst_object_unref(pad);
    } else {
      oh_error_set(error, "invalid", "%s has no such pad", element_name);
      g_clear_pointer(&probe, oh_probe_unref);
    }
  }
  gst_object_unref(element);
  return probe;
}

void oh_probe_unref(OhProbe *p) {
  if (!g_atomic_ref_count_dec(&p->refs)) return;
  oh_inband_stop(&p->inband);
  g_weak_ref_clear(&p->element);
  g_mutex_clear(&p->lock);
  g_free(p->name);
  g_free(p);
}

const char *oh_probe_name(const OhProbe *p) { return p->name; }

static gboolean add_number(GQuark field, const GValue *value, gpointer out) {
  GValue number = G_VALUE_INIT;
  g_value_init(&number, G_TYPE_DOUBLE);
  if (g_value_transform(value, &number))
    json_object_set_double_member(out, g_quark_to_string(field), g_value_get_double(&number));
  g_value_unset(&number);
  return TRUE;
}

static void read_stats(OhProbe *p, JsonObject *out) {
  GstStructure *stats = NULL;
  GstElement *element = g_weak_ref_get(&p->element);
  if (element == NULL) return;
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), "stats"))
    g_object_get(element, "stats", &stats, NULL);
  if (stats != NULL) {
    gst_structure_foreach(stats, add_number, out);
    gst_structure_free(stats);
  }
  gst_object_unref(element);
}

void oh_probe_read(OhProbe *p, JsonObject *out) {
  if (p->kind == STATS) {
    read_stats(p, out);
    return;
  }
  g_mutex_lock(&p->lock);
  if (p->kind == LEVEL) {
    if (p->samples > 0) {
      double rms = sqrt(p->sum / (double)p->samples) / 32768.0;
      p->last_db = rms < 1e-6 ? -120 : 20 * log10(rms);
      p->sum = 0;
      p->samples = 0;
    }
    json_object_set_double_member(out, "db", p->last_db);
  } else if (p->kind == GAPS) {
    json_object_set_double_member(out, "concealedMs", (double)p->concealed_ns / GST_MSECOND);
    json_object_set_double_member(out, "playedMs", (double)p->played_ns / GST_MSECOND);
    json_object_set_int_member(out, "gaps", (gint64)p->gaps);
    json_object_set_int_member(out, "dropped", (gint64)p->dropped);
  }
  g_mutex_unlock(&p->lock);
}

gboolean oh_probe_play(OhProbe *p, const char *digits, guint duration_ms, guint gap_ms,
                       void (*done)(gpointer), gpointer data) {
  if (p->kind != MIXER) return FALSE;
  g_mutex_lock(&p->lock);
  gboolean started = oh_inband_start(&p->inband, digits, duration_ms, gap_ms, done, data);
  g_mutex_unlock(&p->lock);
  return started;
}

void oh_probe_stop(OhProbe *p) {
  g_mutex_lock(&p->lock);
  oh_inband_stop(&p->inband);
  g_mutex_unlock(&p->lock);
}
