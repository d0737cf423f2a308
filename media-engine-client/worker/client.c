#include "client.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "error.h"
#include "json.h"
#include "verbs.h"

#define LINE_MAX_BYTES (1u << 20)
#define DEPTH_MAX 32
#define OUTPUT_MAX_BYTES (4u << 20)

struct OhClient {
  grefcount refs;
  int fd; /* -1 once it has gone */
  guint reading, writing;
  GByteArray *in;
  GByteArray *out;
  void (*gone)(OhClient *);
};

struct OhRequest {
  OhClient *client;
  gint64 id;
  JsonObject *params;
};

OhClient *oh_client_ref(OhClient *client) {
  g_ref_count_inc(&client->refs);
  return client;
}

void oh_client_unref(OhClient *client) {
  if (!g_ref_count_dec(&client->refs)) return;
  g_byte_array_unref(client->in);
  g_byte_array_unref(client->out);
  g_free(client);
}

static void drop(OhClient *client) {
  if (client->fd < 0) return;
  if (client->reading != 0) g_source_remove(client->reading);
  if (client->writing != 0) g_source_remove(client->writing);
  close(client->fd);
  client->fd = -1;
  client->gone(client);
}

static gboolean flush_some(OhClient *client) {
  ssize_t n = send(client->fd, client->out->data, client->out->len, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  g_byte_array_remove_range(client->out, 0, (guint)n);
  return TRUE;
}

static gboolean on_writable(gint fd, GIOCondition condition, gpointer data) {
  OhClient *client = data;
  if (!flush_some(client)) {
    client->writing = 0;
    drop(client);
    return G_SOURCE_REMOVE;
  }
  if (client->out->len > 0) return G_SOURCE_CONTINUE;
  client->writing = 0;
  return G_SOURCE_REMOVE;
}

void oh_client_send(OhClient *client, JsonObject *message) {
  if (client->fd < 0) return;
  JsonNode *node = json_node_init_object(json_node_alloc(), message);
  char *text = json_to_string(node, FALSE);
  json_node_unref(node);
  gsize length = strlen(text);
  if (client->out->len + length + 1 > OUTPUT_MAX_BYTES) {
    g_warning("a client does not read: dropped");
    drop(client);
  } else {
    g_byte_array_append(client->out, (guint8 *)text, (guint)length);
    g_byte_array_append(client->out, (const guint8 *)"\n", 1);
    if (client->writing == 0) {
      if (!flush_some(client))
        drop(client);
      else if (client->out->len > 0)
        client->writing = g_unix_fd_add(client->fd, G_IO_OUT, on_writable, client);
    }
  }
  g_free(text);
}

static void finish(OhRequest *request, JsonObject *response) {
  json_object_set_int_member(response, "id", request->id);
  oh_client_send(request->client, response);
  json_object_unref(response);
  if (request->params != NULL) json_object_unref(request->params);
  oh_client_unref(request->client);
  g_free(request);
}

void oh_request_ok(OhRequest *request, JsonObject *result) {
  JsonObject *response = json_object_new();
  json_object_set_object_member(response, "ok", result == NULL ? json_object_new() : result);
  finish(request, response);
}

void oh_request_fail(OhRequest *request, GError *error) {
  JsonObject *response = json_object_new();
  JsonObject *fields = json_object_new();
  json_object_set_string_member(fields, "code", oh_error_code(error));
  json_object_set_string_member(fields, "message", error->message);
  json_object_set_object_member(response, "error", fields);
  g_error_free(error);
  finish(request, response);
}

JsonObject *oh_request_params(OhRequest *request) { return request->params; }

/* json-glib's parser recurses: a line of brackets must not reach it. */
static gboolean too_deep(const char *line, gsize length) {
  guint depth = 0;
  gboolean quoted = FALSE;
  for (gsize i = 0; i < length; i++) {
    if (quoted) {
      if (line[i] == '\\')
        i++;
      else if (line[i] == '"')
        quoted = FALSE;
    } else if (line[i] == '"') {
      quoted = TRUE;
    } else if (line[i] == '{' || line[i] == '[') {
      if (++depth > DEPTH_MAX) return TRUE;
    } else if ((line[i] == '}' || line[i] == ']') && depth > 0) {
      depth--;
    }
  }
  return FALSE;
}

static void take_line(OhClient *client, const char *line, gsize length) {
  JsonParser *parser = json_parser_new_immutable();
  GError *error = NULL;
  OhRequest *request = g_new0(OhRequest, 1);
  const char *verb = NULL;
  request->client = oh_client_ref(client);
  if (g_utf8_validate(line, (gssize)length, NULL) && !too_deep(line, length) &&
      json_parser_load_from_data(parser, line, (gssize)length, NULL)) {
    JsonNode *root = json_parser_get_root(parser);
    JsonObject *object = root != NULL && JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root) : NULL;
    oh_json_int(object, "id", 0, G_MAXINT64, &request->id);
    verb = oh_json_string(object, "verb");
    JsonObject *params = oh_json_object(object, "params");
    if (params != NULL) request->params = json_object_ref(params);
  }
  if (verb != NULL) {
    oh_verb(verb, request);
  } else {
    oh_error_set(&error, "invalid", "a request is one JSON object a line with id and verb");
    oh_request_fail(request, error);
  }
  g_object_unref(parser);
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer data) {
  OhClient *client = oh_client_ref(data);
  guint8 chunk[16384];
  ssize_t n = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
  gboolean ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
  if (n > 0) {
    gsize scanned = client->in->len;
    g_byte_array_append(client->in, chunk, (guint)n);
    for (;;) {
      guint8 *data_start = client->in->data;
      guint8 *end = client->in->len == scanned
                        ? NULL
                        : memchr(data_start + scanned, '\n', client->in->len - scanned);
      if (end == NULL) break;
      gsize length = (gsize)(end - data_start);
      take_line(client, (const char *)data_start, length);
      g_byte_array_remove_range(client->in, 0, (guint)length + 1);
      scanned = 0;
      if (client->fd < 0) break;
    }
    if (client->in->len > LINE_MAX_BYTES) {
      g_warning("a line of more than %u bytes: client dropped", LINE_MAX_BYTES);
      ended = TRUE;
    }
  }
  if (ended && client->fd >= 0) {
    client->reading = 0;
    drop(client);
    oh_client_unref(client);
    return G_SOURCE_REMOVE;
  }
  gboolean alive = client->fd >= 0;
  oh_client_unref(client);
  return alive ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

OhClient *oh_client_new(int fd, void (*gone)(OhClient *)) {
  OhClient *client = g_new0(OhClient, 1);
  g_ref_count_init(&client->refs);
  client->fd = fd;
  client->in = g_byte_array_new();
  client->out = g_byte_array_new();
  client->gone = gone;
  client->reading = g_unix_fd_add(fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, client);
  return client;
}
