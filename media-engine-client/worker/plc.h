/*
 * Packet loss concealment by waveform repetition: the last pitch period goes on, fading, until
 * audio comes again, into which it is cross-faded. The idea is that of ITU-T G.711 Appendix I, for
 * any sample rate and without its added delay. Pure: samples in, samples out.
 */
#pragma once
#include <glib.h>

#define OH_PLC_RATE_MAX 48000
#define OH_PLC_HISTORY (OH_PLC_RATE_MAX / 20) /* 50 ms */
#define OH_PLC_PERIOD (OH_PLC_RATE_MAX * 15 / 1000)

typedef struct {
  guint rate;
  gint16 history[OH_PLC_HISTORY]; /* what was heard last; the end is the newest */
  guint length;                   /* of the history, 50 ms of this rate */
  gboolean heard;
  gint16 period[OH_PLC_PERIOD];
  guint period_length; /* 0: not concealing */
  guint at;            /* in the period */
  guint filled;        /* samples concealed in this gap */
} OhPlc;

/* `rate` is 8000…OH_PLC_RATE_MAX Hz. */
void oh_plc_init(OhPlc *p, guint rate);
/* Audio that arrived; its beginning is changed after a gap. */
void oh_plc_receive(OhPlc *p, gint16 *samples, gsize count);
/* Audio that did not arrive. Silence if nothing was heard before. */
void oh_plc_fill(OhPlc *p, gint16 *samples, gsize count);
