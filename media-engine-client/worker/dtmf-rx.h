/*
 * Reception of RFC 4733 telephone events: one digit out for each press, whichever packets of it
 * arrive. The event's timestamp is its identity, so digits however close stay apart, repeated end
 * packets count once, and a press whose end packets were all lost ends by the next one or by time.
 */
#pragma once
#include <glib.h>

typedef struct {
  char digit;
  guint32 duration; /* in timestamp units */
} OhDigit;

typedef struct {
  gboolean active;
  guint8 event;
  guint32 timestamp; /* of the present segment */
  guint32 before;    /* duration of the segments before it, RFC 4733 §2.5.1.3 */
  guint32 duration;
  gint64 last_ms;
  gboolean has_done;
  guint32 done_timestamp;
} OhDtmfRx;

/* Returns how many digits ended (0-2), written to `out`. */
guint oh_dtmf_rx_packet(OhDtmfRx *d, guint32 timestamp, gboolean marker, const guint8 *payload,
                        gsize length, gint64 now_ms, OhDigit out[2]);
/* Ends a press of which nothing came for a while. */
gboolean oh_dtmf_rx_poll(OhDtmfRx *d, gint64 now_ms, OhDigit *out);
/* A new source: timestamps seen so far mean nothing any more. */
void oh_dtmf_rx_reset(OhDtmfRx *d);
