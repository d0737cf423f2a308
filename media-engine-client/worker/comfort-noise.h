/*
 * Comfort noise, RFC 3389: the packets that say how loud the silence of a peer is, and the noise. Pure.
 */
#pragma once
#include <glib.h>

/* Static payload type, RFC 3551 §6. */
#define OH_COMFORT_NOISE 13

/* Name of the event that carries it from the RTP to what plays it: `level` as in the payload. */
#define OH_COMFORT_NOISE_EVENT "offhook-comfort-noise"

typedef struct {
  guint32 state; /* of the generator */
  double amplitude;
} OhComfortNoise;

/* `level`: the first octet of the payload (§3.1), -dBov. */
void oh_comfort_noise_set(OhComfortNoise *n, guint8 level);
/* White noise of that level. */
void oh_comfort_noise_fill(OhComfortNoise *n, gint16 *samples, gsize count);
