/* Events to the client from any thread; put in order by the main loop. */
#pragma once
#include <json-glib/json-glib.h>

/* Takes `fields` (an object, may be NULL). With no client it is dropped. */
void oh_event(const char *name, JsonObject *fields);
