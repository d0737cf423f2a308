#include "verbs.h"

#include <unistd.h>

#include "error.h"
#include "json.h"
#include "pipeline.h"
#include "port.h"

#define PROTOCOL 3

void oh_request_invalid(OhRequest *request, const char *message) {
  GError *error = NULL;
  oh_error_set(&error, "invalid", "%s", message);
  oh_request_fail(request, error);
}

void oh_request_not_found(OhRequest *request, const char *what, const char *id) {
  GError *error = NULL;
  oh_error_set(&error, "not-found", "no %s %s", what, id == NULL ? "" : id);
  oh_request_fail(request, error);
}

static void hello(OhRequest *request, JsonObject *params) {
  JsonObject *out = json_object_new();
  json_object_set_int_member(out, "protocol", PROTOCOL);
  json_object_set_int_member(out, "pid", getpid());
  oh_request_ok(request, out);
}

static void lease(OhRequest *request, JsonObject *params) {
  gint64 ms;
  if (!oh_json_int(params, "ms", 0, 24 * 3600 * 1000, &ms)) {
    oh_request_invalid(request, "ms is 0…86400000");
    return;
  }
  oh_control_set_lease((guint)ms);
  oh_request_ok(request, NULL);
}

/* Ports and pipelines with their tags: what a new client needs to take them over. */
static void list(OhRequest *request, JsonObject *params) {
  JsonObject *out = json_object_new();
  JsonArray *ports = json_array_new();
  JsonArray *pipelines = json_array_new();
  GPtrArray *all = oh_port_all();
  for (guint i = 0; i < all->len; i++)
    json_array_add_object_element(ports, oh_port_describe(g_ptr_array_index(all, i)));
  g_ptr_array_unref(all);
  GList *running = oh_pipeline_all();
  for (GList *at = running; at != NULL; at = at->next) {
    OhPipeline *p = at->data;
    JsonObject *row = json_object_new();
    json_object_set_string_member(row, "id", p->id);
    json_object_set_string_member(row, "tag", p->tag);
    json_array_add_object_element(pipelines, row);
  }
  g_list_free(running);
  json_object_set_array_member(out, "ports", ports);
  json_object_set_array_member(out, "pipelines", pipelines);
  oh_request_ok(request, out);
}

static void add_probes(OhPipeline *p, JsonObject *out) {
  JsonObject *row = json_object_new();
  for (guint i = 0; !p->starting && i < p->probes->len; i++) {
    OhProbe *probe = g_ptr_array_index(p->probes, i);
    if (oh_probe_name(probe) == NULL) continue;
    JsonObject *figures = json_object_new();
    oh_probe_read(probe, figures);
    json_object_set_object_member(row, oh_probe_name(probe), figures);
  }
  json_object_set_object_member(out, p->id, row);
}

/* The figures of one port and pipeline, or of all. */
static void stats(OhRequest *request, JsonObject *params) {
  const char *port_id = oh_json_string(params, "port");
  const char *pipeline_id = oh_json_string(params, "pipeline");
  gboolean all = port_id == NULL && pipeline_id == NULL;
  JsonObject *out = json_object_new();
  JsonObject *ports = json_object_new();
  JsonObject *pipelines = json_object_new();
  GPtrArray *every = oh_port_all();
  for (guint i = 0; i < every->len; i++) {
    OhPort *port = g_ptr_array_index(every, i);
    if (all || g_strcmp0(port->id, port_id) == 0)
      json_object_set_object_member(ports, port->id, oh_port_stats(port));
  }
  g_ptr_array_unref(every);
  GList *running = oh_pipeline_all();
  for (GList *at = running; at != NULL; at = at->next) {
    OhPipeline *p = at->data;
    if (all || g_strcmp0(p->id, pipeline_id) == 0) add_probes(p, pipelines);
  }
  g_list_free(running);
  json_object_set_object_member(out, "ports", ports);
  json_object_set_object_member(out, "pipelines", pipelines);
  oh_request_ok(request, out);
}

static void tag(OhRequest *request, JsonObject *params) {
  const char *text = oh_json_string(params, "tag");
  const char *id = oh_json_string(params, "port");
  if (text == NULL) {
    oh_request_invalid(request, "tag is a string");
    return;
  }
  OhPort *port = oh_port_find(id);
  OhPipeline *pipeline = oh_pipeline_find(oh_json_string(params, "pipeline"));
  if (port != NULL) {
    g_free(port->tag);
    port->tag = g_strdup(text);
    oh_port_unref(port);
  } else if (pipeline != NULL) {
    g_free(pipeline->tag);
    pipeline->tag = g_strdup(text);
  } else {
    oh_request_not_found(request, "port or pipeline", id);
    return;
  }
  oh_request_ok(request, NULL);
}

/* Ends as if the lease had run out. */
static void quit(OhRequest *request, JsonObject *params) {
  oh_request_ok(request, NULL);
  oh_control_quit();
}

static const struct {
  const char *name;
  OhVerb verb;
} verbs[] = {
    {"hello", hello},
    {"lease", lease},
    {"list", list},
    {"stats", stats},
    {"tag", tag},
    {"quit", quit},
    {"port.open", oh_verb_port_open},
    {"port.set", oh_verb_port_set},
    {"port.close", oh_verb_port_close},
    {"port.dtmf", oh_verb_port_dtmf},
    {"pipeline.play", oh_verb_pipeline_play},
    {"pipeline.close", oh_verb_pipeline_close},
    {"pipeline.set", oh_verb_pipeline_set},
    {"pipeline.get", oh_verb_pipeline_get},
    {"pipeline.event", oh_verb_pipeline_event},
    {"pipeline.tones", oh_verb_pipeline_tones},
    {"devices", oh_verb_devices},
};

void oh_verb(const char *name, OhRequest *request) {
  for (guint i = 0; i < G_N_ELEMENTS(verbs); i++) {
    if (g_strcmp0(name, verbs[i].name) != 0) continue;
    verbs[i].verb(request, oh_request_params(request));
    return;
  }
  oh_request_not_found(request, "verb", name);
}
