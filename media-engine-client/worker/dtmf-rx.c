#include "dtmf-rx.h"

#include "rtp-packet.h"

#define LOST_END_MS 250
static const char digits[] = "0123456789*#ABCD";

static OhDigit finish(OhDtmfRx *d) {
  d->active = FALSE;
  d->has_done = TRUE;
  d->done_timestamp = d->timestamp;
  return (OhDigit){.digit = digits[d->event], .duration = d->before + d->duration};
}

guint oh_dtmf_rx_packet(OhDtmfRx *d, guint32 timestamp, gboolean marker, const guint8 *payload,
                        gsize length, gint64 now_ms, OhDigit out[2]) {
  guint count = 0;
  if (length < 4 || payload[0] >= sizeof digits - 1) return 0;
  if (d->has_done && (gint32)(timestamp - d->done_timestamp) <= 0) return 0;
  guint8 event = payload[0];
  gboolean end = (payload[1] & 0x80) != 0;
  guint32 duration = oh_get16(payload + 2);
  if (d->active && timestamp != d->timestamp) {
    if ((gint32)(timestamp - d->timestamp) < 0) return 0;
    gboolean continues = event == d->event && !marker && d->duration >= 0xf000 &&
                         timestamp - d->timestamp <= 0x10000;
    if (continues) {
      d->before += timestamp - d->timestamp;
      d->timestamp = timestamp;
      d->duration = 0;
    } else {
      out[count++] = finish(d);
    }
  }
  if (!d->active) {
    *d = (OhDtmfRx){.active = TRUE,
                    .event = event,
                    .timestamp = timestamp,
                    .has_done = d->has_done,
                    .done_timestamp = d->done_timestamp};
  }
  d->duration = MAX(d->duration, duration);
  d->last_ms = now_ms;
  if (end) out[count++] = finish(d);
  return count;
}

gboolean oh_dtmf_rx_poll(OhDtmfRx *d, gint64 now_ms, OhDigit *out) {
  if (!d->active || now_ms - d->last_ms < LOST_END_MS) return FALSE;
  *out = finish(d);
  return TRUE;
}

void oh_dtmf_rx_reset(OhDtmfRx *d) { *d = (OhDtmfRx){0}; }
