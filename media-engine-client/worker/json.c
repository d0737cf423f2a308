#include "json.h"

static JsonNode *member(JsonObject *o, const char *name, JsonNodeType type) {
  JsonNode *node = o == NULL ? NULL : json_object_get_member(o, name);
  return node != NULL && JSON_NODE_TYPE(node) == type ? node : NULL;
}

static JsonNode *value(JsonObject *o, const char *name, GType type) {
  JsonNode *node = member(o, name, JSON_NODE_VALUE);
  return node != NULL && json_node_get_value_type(node) == type ? node : NULL;
}

const char *oh_json_string(JsonObject *o, const char *name) {
  JsonNode *node = value(o, name, G_TYPE_STRING);
  return node == NULL ? NULL : json_node_get_string(node);
}

JsonObject *oh_json_object(JsonObject *o, const char *name) {
  JsonNode *node = member(o, name, JSON_NODE_OBJECT);
  return node == NULL ? NULL : json_node_get_object(node);
}

JsonArray *oh_json_array(JsonObject *o, const char *name) {
  JsonNode *node = member(o, name, JSON_NODE_ARRAY);
  return node == NULL ? NULL : json_node_get_array(node);
}

gboolean oh_json_int(JsonObject *o, const char *name, gint64 min, gint64 max, gint64 *out) {
  JsonNode *node = value(o, name, G_TYPE_INT64);
  if (node == NULL) return FALSE;
  gint64 n = json_node_get_int(node);
  if (n < min || n > max) return FALSE;
  *out = n;
  return TRUE;
}

gboolean oh_json_double(JsonObject *o, const char *name, double min, double max, double *out) {
  JsonNode *node = value(o, name, G_TYPE_DOUBLE);
  if (node == NULL) node = value(o, name, G_TYPE_INT64);
  if (node == NULL) return FALSE;
  double n = json_node_get_double(node);
  if (!(n >= min && n <= max)) return FALSE;
  *out = n;
  return TRUE;
}

gboolean oh_json_bool(JsonObject *o, const char *name, gboolean *out) {
  JsonNode *node = value(o, name, G_TYPE_BOOLEAN);
  if (node == NULL) return FALSE;
  *out = json_node_get_boolean(node);
  return TRUE;
}

gboolean oh_json_null(JsonObject *o, const char *name) {
  return member(o, name, JSON_NODE_NULL) != NULL;
}

guint8 *oh_json_bytes(JsonObject *o, const char *name, gsize *length) {
  const char *text = oh_json_string(o, name);
  return text == NULL ? NULL : g_base64_decode(text, length);
}
