#include <string.h>

#include "error.h"
#include "events.h"
#include "json.h"
#include "pipeline.h"
#include "verbs.h"

static void answer(GError *error, gpointer data) {
  if (error != NULL)
    oh_request_fail(data, error);
  else
    oh_request_ok(data, NULL);
}

void oh_verb_pipeline_play(OhRequest *request, JsonObject *params) {
  const char *id = oh_json_string(params, "id");
  const char *tag = oh_json_string(params, "tag");
  OhPipelinePlay play = {
      .id = id,
      .tag = tag == NULL ? "" : tag,
      .description = oh_json_string(params, "description"),
      .probes = oh_json_array(params, "probes"),
  };
  if (id == NULL || *id == 0 || play.description == NULL) {
    oh_request_invalid(request, "id and description are strings");
    return;
  }
  oh_json_int(params, "serial", 0, G_MAXINT, &play.serial);
  oh_json_bool(params, "closeFirst", &play.close_first);
  oh_pipeline_play(&play, answer, request);
}

void oh_verb_pipeline_close(OhRequest *request, JsonObject *params) {
  const char *id = oh_json_string(params, "id");
  if (id == NULL)
    oh_request_invalid(request, "id is a string");
  else
    oh_pipeline_close(id, answer, request);
}

/* The running pipeline that the request names, or NULL after answering. */
static OhPipeline *find(OhRequest *request, JsonObject *params) {
  const char *id = oh_json_string(params, "id");
  OhPipeline *pipeline = oh_pipeline_find(id);
  if (pipeline != NULL && !pipeline->starting) return pipeline;
  oh_request_not_found(request, "running pipeline", id);
  return NULL;
}

static GstElement *find_element(OhRequest *request, JsonObject *params) {
  OhPipeline *pipeline = find(request, params);
  if (pipeline == NULL) return NULL;
  const char *name = oh_json_string(params, "element");
  GstElement *element = name == NULL ? NULL : gst_bin_get_by_name(GST_BIN(pipeline->bin), name);
  if (element == NULL) oh_request_not_found(request, "element", name);
  return element;
}

static GParamSpec *property(OhRequest *request, GstElement *element, const char *name,
                            GParamFlags flag) {
  GParamSpec *spec =
      name == NULL ? NULL : g_object_class_find_property(G_OBJECT_GET_CLASS(element), name);
  if (spec != NULL && (spec->flags & flag)) return spec;
  oh_request_not_found(request, "such property", name);
  return NULL;
}

void oh_verb_pipeline_set(OhRequest *request, JsonObject *params) {
  GstElement *element = find_element(request, params);
  if (element == NULL) return;
  const char *name = oh_json_string(params, "property");
  const char *value = oh_json_string(params, "value");
  GParamSpec *spec = property(request, element, name, G_PARAM_WRITABLE);
  if (spec != NULL) {
    GValue parsed = G_VALUE_INIT;
    g_value_init(&parsed, spec->value_type);
    if (value != NULL && gst_value_deserialize(&parsed, value)) {
      g_object_set_property(G_OBJECT(element), name, &parsed);
      oh_request_ok(request, NULL);
    } else {
      oh_request_invalid(request, "value does not fit the property");
    }
    g_value_unset(&parsed);
  }
  gst_object_unref(element);
}

void oh_verb_pipeline_get(OhRequest *request, JsonObject *params) {
  GstElement *element = find_element(request, params);
  if (element == NULL) return;
  const char *name = oh_json_string(params, "property");
  GParamSpec *spec = property(request, element, name, G_PARAM_READABLE);
  if (spec != NULL) {
    GValue value = G_VALUE_INIT;
    g_value_init(&value, spec->value_type);
    g_object_get_property(G_OBJECT(element), name, &value);
    char *text = gst_value_serialize(&value);
    JsonObject *out = json_object_new();
    json_object_set_string_member(out, "value", text == NULL ? "" : text);
    oh_request_ok(request, out);
    g_free(text);
    g_value_unset(&value);
  }
  gst_object_unref(element);
}

void oh_verb_pipeline_event(OhRequest *request, JsonObject *params) {
  GstElement *element = find_element(request, params);
  if (element == NULL) return;
  const char *text = oh_json_string(params, "structure");
  GstStructure *structure = text == NULL ? NULL : gst_structure_from_string(text, NULL);
  if (structure == NULL) {
    oh_request_invalid(request, "structure is a serialised GstStructure");
  } else {
    gboolean upstream = TRUE;
    oh_json_bool(params, "upstream", &upstream);
    GstEvent *event = gst_event_new_custom(
        upstream ? GST_EVENT_CUSTOM_UPSTREAM : GST_EVENT_CUSTOM_DOWNSTREAM, structure);
    JsonObject *out = json_object_new();
    json_object_set_boolean_member(out, "handled", gst_element_send_event(element, event));
    oh_request_ok(request, out);
  }
  gst_object_unref(element);
}

static void tones_done(gpointer data) {
  JsonObject *fields = json_object_new();
  json_object_set_string_member(fields, "token", data);
  g_free(data);
  oh_event("dtmf-sent", fields);
}

void oh_verb_pipeline_tones(OhRequest *request, JsonObject *params) {
  OhPipeline *pipeline = find(request, params);
  if (pipeline == NULL) return;
  const char *name = oh_json_string(params, "probe");
  const char *digits = oh_json_string(params, "digits");
  const char *token = oh_json_string(params, "token");
  gint64 duration_ms = 0, gap_ms = 0;
  OhProbe *probe = oh_pipeline_probe(pipeline, name);
  if (probe == NULL) {
    oh_request_not_found(request, "probe", name);
    return;
  }
  if (digits == NULL || *digits == 0) {
    oh_probe_stop(probe);
    oh_request_ok(request, NULL);
    return;
  }
  if (token == NULL || !oh_json_int(params, "durationMs", 10, 10000, &duration_ms) ||
      !oh_json_int(params, "gapMs", 10, 10000, &gap_ms)) {
    oh_request_invalid(request, "token, durationMs and gapMs are needed");
    return;
  }
  char *copy = g_strdup(token);
  if (oh_probe_play(probe, digits, (guint)duration_ms, (guint)gap_ms, tones_done, copy)) {
    oh_request_ok(request, NULL);
  } else {
    g_free(copy);
    oh_request_invalid(request, "digits are under way, or these are none");
  }
}
