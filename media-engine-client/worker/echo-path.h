/*
 * The far end as the microphone hears it: reads the bus that the loudspeaker is tapped on where the
 * echo in a frame comes from, and keeps track of how long the way is. For one streaming thread.
 */
#pragma once
#include "bus.h"

/*
 * The echo comes so much later than what is handed out, give or take a half of it: a canceller is deaf to
 * what comes too early for it, and has room for what comes late.
 */
#define OH_ECHO_MARGIN_MS 35

typedef struct OhEchoPath OhEchoPath;

/* Takes the bus. */
OhEchoPath *oh_echo_path_new(OhBus *bus, guint rate);
void oh_echo_path_free(OhEchoPath *path);
/*
 * Hands out 10 ms of the far end (OH_BUS_RATE / 100 samples) for 10 ms of the microphone, recorded at
 * `position` of the bus. TRUE when the lag has changed: what has adapted to it has to start anew.
 */
gboolean oh_echo_path_next(OhEchoPath *path, const gint16 *near, gint64 position, gint16 *far);
/* FALSE as long as no echo has been found. */
gboolean oh_echo_path_lag(const OhEchoPath *path, gint *lag_ms);
double oh_echo_path_clarity(const OhEchoPath *path);
