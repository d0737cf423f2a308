/*
 * How long after the far end is played the microphone hears it: the generalised cross-correlation
 * with phase transform (Knapp and Carter, 1976) of both, averaged while the far end speaks. Pure.
 */
#pragma once
#include <glib.h>

/* Lags that are found, ms. A negative one is an error of the devices' clocks. */
#define OH_ECHO_LEAD_MS 100
#define OH_ECHO_LAG_MS 412
/* Rate that both signals are wanted at. */
#define OH_ECHO_RATE 4000

typedef struct OhEchoDelay OhEchoDelay;

OhEchoDelay *oh_echo_delay_new(void);
void oh_echo_delay_free(OhEchoDelay *delay);
/*
 * Takes 16-bit samples of 4 kHz: `near` as recorded, and `far` as played at the same time. TRUE when
 * the lag is another one than before, or the first.
 */
gboolean oh_echo_delay_feed(OhEchoDelay *delay, const gint16 *near, const gint16 *far, gsize count);
/* FALSE as long as no echo has been found. */
gboolean oh_echo_delay_lag(const OhEchoDelay *delay, gint *lag_ms);
/* How far the peak of the last correlation stands out, 0 without one. */
double oh_echo_delay_clarity(const OhEchoDelay *delay);
