/* What a client can ask for: one row a verb. */
#pragma once
#include "control.h"
#include "port.h"

/* Answers the request, now or later. */
void oh_verb(const char *name, OhRequest *request);

typedef void (*OhVerb)(OhRequest *request, JsonObject *params);

void oh_request_invalid(OhRequest *request, const char *message);
void oh_request_not_found(OhRequest *request, const char *what, const char *id);

/* verbs-port.c */
void oh_verb_port_open(OhRequest *request, JsonObject *params);
void oh_verb_port_set(OhRequest *request, JsonObject *params);
void oh_verb_port_close(OhRequest *request, JsonObject *params);
void oh_verb_port_dtmf(OhRequest *request, JsonObject *params);
/* port-stats.c */
JsonObject *oh_port_describe(OhPort *port);
JsonObject *oh_port_stats(OhPort *port);
/* verbs-pipeline.c */
void oh_verb_pipeline_play(OhRequest *request, JsonObject *params);
void oh_verb_pipeline_close(OhRequest *request, JsonObject *params);
void oh_verb_pipeline_set(OhRequest *request, JsonObject *params);
void oh_verb_pipeline_get(OhRequest *request, JsonObject *params);
void oh_verb_pipeline_event(OhRequest *request, JsonObject *params);
void oh_verb_pipeline_tones(OhRequest *request, JsonObject *params);
/* devices.c */
void oh_verb_devices(OhRequest *request, JsonObject *params);
