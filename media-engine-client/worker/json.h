/* Reading of requests: a member that is missing or of another type is absent, never a crash. */
#pragma once
#include <json-glib/json-glib.h>

const char *oh_json_string(JsonObject *o, const char *name);
JsonObject *oh_json_object(JsonObject *o, const char *name);
JsonArray *oh_json_array(JsonObject *o, const char *name);
/* FALSE and `*out` untouched when absent or outside min…max. */
gboolean oh_json_int(JsonObject *o, const char *name, gint64 min, gint64 max, gint64 *out);
gboolean oh_json_double(JsonObject *o, const char *name, double min, double max, double *out);
gboolean oh_json_bool(JsonObject *o, const char *name, gboolean *out);
/* TRUE for an explicit null. */
gboolean oh_json_null(JsonObject *o, const char *name);
/* Decoded base64, or NULL. */
guint8 *oh_json_bytes(JsonObject *o, const char *name, gsize *length);
