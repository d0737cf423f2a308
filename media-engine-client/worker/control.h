/*
 * The control socket: one JSON object a line, requests in, responses and events out. Clients come
 * and go without touching what runs; when none has been there for the lease, all stops.
 */
#pragma once
#include <json-glib/json-glib.h>

typedef struct OhRequest OhRequest;

/* Exactly one of the two for each request, on the main thread; either frees it. */
void oh_request_ok(OhRequest *request, JsonObject *result); /* takes it; NULL is {} */
void oh_request_fail(OhRequest *request, GError *error);    /* takes it */
JsonObject *oh_request_params(OhRequest *request);

typedef enum {
  OH_CONTROL_OK,
  OH_CONTROL_UNUSABLE, /* the path */
  OH_CONTROL_TAKEN,    /* another worker serves there */
} OhControlResult;

OhControlResult oh_control_open(const char *path, guint lease_ms, GMainLoop *loop);
void oh_control_set_lease(guint lease_ms);
/* Ends the main loop, once what is queued for clients has been written. */
void oh_control_quit(void);
void oh_control_close(void);
