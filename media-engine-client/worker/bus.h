/*
 * Audio that several pipelines share, by name: 16-bit mono at 48 kHz, each sample at the time it is
 * heard (the system clock of GStreamer, in samples). Whoever adds to a bus at the same time is mixed.
 */
#pragma once
#include <glib.h>

#define OH_BUS_RATE 48000
/* Samples that a bus holds before the newest: 2.7 s. */
#define OH_BUS_LENGTH (1 << 17)

typedef struct OhBus OhBus;

/* The bus of that name, made if it is not there. It lives as long as somebody holds it. */
OhBus *oh_bus_get(const char *name);
void oh_bus_unref(OhBus *bus);
/* Mixes samples in from `position`; what is older than the bus holds is lost. */
void oh_bus_add(OhBus *bus, gint64 position, const gint16 *samples, gsize count);
/* What is heard from `position`: zero where nothing was added. */
void oh_bus_read(OhBus *bus, gint64 position, gint16 *samples, gsize count);
/* How long after it is heard at the bus a microphone hears it, ms, as last found out. */
gboolean oh_bus_lag(OhBus *bus, gint *lag_ms);
void oh_bus_set_lag(OhBus *bus, gint lag_ms);
