/* One connection to the control socket. */
#pragma once
#include <json-glib/json-glib.h>

typedef struct OhClient OhClient;

/* `gone` is called once, when the connection has ended for whatever reason. */
OhClient *oh_client_new(int fd, void (*gone)(OhClient *));
OhClient *oh_client_ref(OhClient *client);
void oh_client_unref(OhClient *client);
/* Queues a line; a client that lets too many bytes pile up is dropped. */
void oh_client_send(OhClient *client, JsonObject *message);
