#include "pipeline.h"

#include "error.h"
#include "events.h"

static GHashTable *pipelines; /* id → OhPipeline */
static gint closing;

typedef struct {
  OhPipeline *pipeline;
  OhPipeline *old;
  char *description;
  JsonArray *probes;
  gint64 serial;
  gboolean close_first;
  GError *error;
  OhPipelineDone done;
  gpointer data;
} Job;

/* On the stack of the thread that starts a pipeline, known to it meanwhile. */
typedef struct {
  char *failure; /* "ELEMENT: what it said" */
} Start;

static GHashTable *table(void) {
  if (pipelines == NULL) pipelines = g_hash_table_new(g_str_hash, g_str_equal);
  return pipelines;
}

static void free_pipeline(OhPipeline *p) {
  if (p->bin != NULL) {
    GstBus *bus = gst_element_get_bus(p->bin);
    gst_bus_set_sync_handler(bus, NULL, NULL, NULL);
    gst_object_unref(bus);
    gst_object_unref(p->bin);
  }
  g_ptr_array_unref(p->probes);
  g_free(p->id);
  g_free(p->tag);
  g_free(p);
}

static void stop(OhPipeline *p) {
  if (p->bin != NULL) gst_element_set_state(p->bin, GST_STATE_NULL);
}

static gboolean recalculate(gpointer bin) {
  gst_bin_recalculate_latency(GST_BIN(bin));
  return G_SOURCE_REMOVE;
}

/* While a pipeline starts, its first error is the answer to who started it, not an event. */
static gboolean keep_for_start(GstElement *bin, const char *element, const GError *error) {
  GST_OBJECT_LOCK(bin);
  Start *start = g_object_get_data(G_OBJECT(bin), "start");
  gboolean starting = start != NULL;
  if (starting && start->failure == NULL)
    start->failure = g_strdup_printf("%s: %s", element, error == NULL ? "" : error->message);
  GST_OBJECT_UNLOCK(bin);
  return starting;
}

static void report(const char *kind, GstElement *bin, GstMessage *message) {
  GError *error = NULL;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error(message, &error, NULL);
    if (keep_for_start(bin, GST_MESSAGE_SRC_NAME(message), error)) {
      g_clear_error(&error);
      return;
    }
  } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING) {
    gst_message_parse_warning(message, &error, NULL);
  }
  JsonObject *fields = json_object_new();
  json_object_set_string_member(fields, "pipeline", GST_OBJECT_NAME(bin));
  json_object_set_string_member(fields, "kind", kind);
  json_object_set_int_member(fields, "serial",
                             GPOINTER_TO_INT(g_object_get_data(G_OBJECT(bin), "serial")));
  json_object_set_string_member(fields, "element", GST_MESSAGE_SRC_NAME(message));
  json_object_set_string_member(fields, "message", error == NULL ? "" : error->message);
  g_clear_error(&error);
  oh_event("pipeline", fields);
}

/* On streaming threads. What nobody waits for is dropped here, so it wakes nobody. */
static GstBusSyncReply on_message(GstBus *bus, GstMessage *message, gpointer data) {
  GstElement *bin = data;
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ERROR:
      report("error", bin, message);
      break;
    case GST_MESSAGE_WARNING:
      report("warning", bin, message);
      break;
    case GST_MESSAGE_EOS:
      report("eos", bin, message);
      break;
    case GST_MESSAGE_LATENCY:
      /* Unanswered, audio for devices arrives late and is dropped. */
      g_idle_add_full(G_PRIORITY_HIGH, recalculate, gst_object_ref(bin), gst_object_unref);
      break;
    default:
      break;
  }
  gst_message_unref(message);
  return GST_BUS_DROP;
}

static gboolean build(Job *job) {
  OhPipeline *p = job->pipeline;
  GError *error = NULL;
  GstElement *bin = gst_parse_launch_full(job->description, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (bin == NULL || !GST_IS_PIPELINE(bin)) {
    oh_error_set(&job->error, "invalid", "%s", error == NULL ? "no pipeline" : error->message);
    g_clear_error(&error);
    g_clear_object(&bin);
    return FALSE;
  }
  gst_object_ref_sink(bin);
  gst_object_set_name(GST_OBJECT(bin), p->id);
  g_object_set_data(G_OBJECT(bin), "serial", GINT_TO_POINTER((gint)job->serial));
  p->bin = bin;
  GstBus *bus = gst_element_get_bus(bin);
  gst_bus_set_sync_handler(bus, on_message, bin, NULL);
  gst_object_unref(bus);
  guint count = job->probes == NULL ? 0 : json_array_get_length(job->probes);
  for (guint i = 0; i < count; i++) {
    JsonNode *node = json_array_get_element(job->probes, i);
    if (!JSON_NODE_HOLDS_OBJECT(node)) continue;
    OhProbe *probe = oh_probe_install(GST_BIN(bin), json_node_get_object(node), &job->error);
    if (probe == NULL) return FALSE;
    g_ptr_array_add(p->probes, probe);
  }
  return TRUE;
}

static gboolean started(gpointer data) {
  Job *job = data;
  OhPipeline *p = job->pipeline;
  p->starting = FALSE;
  if (job->error != NULL) {
    g_hash_table_remove(table(), p->id);
    free_pipeline(p);
  }
  job->done(job->error, job->data);
  g_free(job->description);
  if (job->probes != NULL) json_array_unref(job->probes);
  g_free(job);
  return G_SOURCE_REMOVE;
}

static gboolean play(GstElement *bin, GError **error) {
  Start start = {0};
  g_object_set_data(G_OBJECT(bin), "start", &start);
  GstStateChangeReturn result = gst_element_set_state(bin, GST_STATE_PLAYING);
  GST_OBJECT_LOCK(bin);
  g_object_set_data(G_OBJECT(bin), "start", NULL);
  GST_OBJECT_UNLOCK(bin);
  gboolean ok = result != GST_STATE_CHANGE_FAILURE && start.failure == NULL;
  if (!ok)
    oh_error_set(error, "failed", "%s",
                 start.failure == NULL ? "pipeline: does not start" : start.failure);
  g_free(start.failure);
  return ok;
}

static void start_job(gpointer data, gpointer unused) {
  Job *job = data;
  OhPipeline *p = job->pipeline;
  gboolean ok = TRUE;
  if (job->old != NULL && job->close_first) stop(job->old);
  ok = build(job);
  if (ok) ok = play(p->bin, &job->error);
  if (!ok) stop(p);
  OhPipeline *old = job->old;
  g_main_context_invoke(NULL, started, job);
  if (old == NULL) return;
  stop(old);
  free_pipeline(old);
}

static void close_job(gpointer data, gpointer unused);

static GThreadPool *pool(void) {
  static GThreadPool *threads;
  if (threads == NULL) threads = g_thread_pool_new(start_job, NULL, 4, FALSE, NULL);
  return threads;
}

static GThreadPool *closers(void) {
  static GThreadPool *threads;
  if (threads == NULL) threads = g_thread_pool_new(close_job, NULL, 4, FALSE, NULL);
  return threads;
}

static gboolean busy(const char *id, OhPipelineDone done, gpointer data) {
  OhPipeline *p = g_hash_table_lookup(table(), id);
  GError *error = NULL;
  if (p == NULL || !p->starting) return FALSE;
  oh_error_set(&error, "exists", "pipeline %s is being started", id);
  done(error, data);
  return TRUE;
}

void oh_pipeline_play(const OhPipelinePlay *play, OhPipelineDone done, gpointer data) {
  if (busy(play->id, done, data)) return;
  OhPipeline *p = g_new0(OhPipeline, 1);
  p->id = g_strdup(play->id);
  p->tag = g_strdup(play->tag);
  p->probes = g_ptr_array_new_with_free_func((GDestroyNotify)oh_probe_unref);
  p->starting = TRUE;
  Job *job = g_new0(Job, 1);
  job->pipeline = p;
  job->old = g_hash_table_lookup(table(), p->id);
  job->description = g_strdup(play->description);
  job->probes = play->probes == NULL ? NULL : json_array_ref(play->probes);
  job->serial = play->serial;
  job->close_first = play->close_first;
  job->done = done;
  job->data = data;
  g_hash_table_replace(table(), p->id, p);
  g_thread_pool_push(pool(), job, NULL);
}

static gboolean closed(gpointer data) {
  Job *job = data;
  job->done(NULL, job->data);
  g_free(job);
  return G_SOURCE_REMOVE;
}

static void close_job(gpointer data, gpointer unused) {
  Job *job = data;
  stop(job->pipeline);
  free_pipeline(job->pipeline);
  g_atomic_int_add(&closing, -1);
  g_main_context_invoke(NULL, closed, job);
}

void oh_pipeline_close(const char *id, OhPipelineDone done, gpointer data) {
  if (busy(id, done, data)) return;
  OhPipeline *p = g_hash_table_lookup(table(), id);
  if (p == NULL) {
    done(NULL, data);
    return;
  }
  g_hash_table_remove(table(), id);
  Job *job = g_new0(Job, 1);
  job->pipeline = p;
  job->done = done;
  job->data = data;
  g_atomic_int_inc(&closing);
  g_thread_pool_push(closers(), job, NULL);
}

OhPipeline *oh_pipeline_find(const char *id) {
  return id == NULL ? NULL : g_hash_table_lookup(table(), id);
}

GList *oh_pipeline_all(void) { return g_hash_table_get_values(table()); }

OhProbe *oh_pipeline_probe(OhPipeline *pipeline, const char *name) {
  for (guint i = 0; i < pipeline->probes->len; i++) {
    OhProbe *probe = g_ptr_array_index(pipeline->probes, i);
    if (g_strcmp0(oh_probe_name(probe), name) == 0) return probe;
  }
  return NULL;
}

static void ignore(GError *error, gpointer data) { g_clear_error(&error); }

void oh_pipeline_close_all(void) {
  GList *all = g_hash_table_get_values(table());
  for (GList *at = all; at != NULL; at = at->next)
    oh_pipeline_close(((OhPipeline *)at->data)->id, ignore, NULL);
  g_list_free(all);
  gint64 deadline = g_get_monotonic_time() + 3 * G_USEC_PER_SEC;
  while (g_atomic_int_get(&closing) > 0 && g_get_monotonic_time() < deadline) g_usleep(5000);
}
