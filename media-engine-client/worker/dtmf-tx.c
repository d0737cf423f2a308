#include "dtmf-tx.h"

#include <string.h>

#include "rtp-packet.h"

#define ENDS 3 /* RFC 4733 §2.5.1.4 */
#define SEGMENT_MAX 0xffffu
#define VOLUME_DBM0 10

int oh_dtmf_event(char digit) {
  static const char digits[] = "0123456789*#ABCD";
  const char *at = digit == 0 ? NULL : strchr(digits, g_ascii_toupper(digit));
  return at == NULL ? -1 : (int)(at - digits);
}

gboolean oh_dtmf_tx_start(OhDtmfTx *d, const char *digits, guint8 payload_type, guint32 clock_rate,
                          guint duration_ms, guint gap_ms) {
  gsize count = strlen(digits);
  if (d->state != OH_DTMF_IDLE || count == 0 || count > OH_DTMF_MAX_DIGITS) return FALSE;
  OhDtmfTx fresh = {.payload_type = payload_type,
                    .clock_rate = clock_rate,
                    .count = (guint)count,
                    .duration_ms = duration_ms,
                    .gap_ms = gap_ms,
                    .state = OH_DTMF_GAP,
                    .elapsed_ms = gap_ms};
  for (gsize i = 0; i < count; i++) {
    int event = oh_dtmf_event(digits[i]);
    if (event < 0) return FALSE;
    fresh.events[i] = (guint8)event;
  }
  *d = fresh;
  return TRUE;
}

static void fill(const OhDtmfTx *d, OhDtmfPacket *out, gboolean marker, gboolean end) {
  out->payload_type = d->payload_type;
  out->marker = marker;
  out->timestamp = d->timestamp;
  out->copies = 1;
  out->payload[0] = d->events[d->next];
  out->payload[1] = (guint8)(VOLUME_DBM0 | (end ? 0x80 : 0));
  oh_put16(out->payload + 2, MIN(d->units, SEGMENT_MAX));
}

static void tone(OhDtmfTx *d, guint ptime_ms, OhDtmfPacket *out, gboolean first) {
  guint32 step = d->clock_rate * ptime_ms / 1000;
  if (d->units + step > SEGMENT_MAX) { /* §2.5.1.3: a long event goes on in a new segment */
    d->timestamp += d->units;
    d->units = 0;
  }
  d->units += step;
  d->elapsed_ms += ptime_ms;
  gboolean end = d->elapsed_ms >= d->duration_ms;
  fill(d, out, first, end);
  if (!end) return;
  /* Repeats go out at the pace of packets, unless those are too long for that. */
  if (ptime_ms > 20) {
    out->copies = ENDS;
    d->ends_left = 0;
  } else {
    d->ends_left = ENDS - 1;
  }
  d->state = d->ends_left > 0 ? OH_DTMF_ENDING : OH_DTMF_GAP;
  d->elapsed_ms = 0;
  if (d->state == OH_DTMF_GAP) d->next++;
}

OhDtmfAction oh_dtmf_tx_tick(OhDtmfTx *d, guint32 audio_timestamp, guint ptime_ms,
                             OhDtmfPacket *out) {
  switch (d->state) {
    case OH_DTMF_IDLE:
      return OH_DTMF_AUDIO;
    case OH_DTMF_GAP:
      if (d->elapsed_ms < d->gap_ms) {
        d->elapsed_ms += ptime_ms;
        return OH_DTMF_AUDIO;
      }
      if (d->next >= d->count) {
        d->state = OH_DTMF_IDLE;
        return OH_DTMF_FINISHED;
      }
      d->state = OH_DTMF_TONE;
      d->elapsed_ms = 0;
      d->units = 0;
      d->timestamp = audio_timestamp;
      tone(d, ptime_ms, out, TRUE);
      return OH_DTMF_EVENT;
    case OH_DTMF_TONE:
      tone(d, ptime_ms, out, FALSE);
      return OH_DTMF_EVENT;
    case OH_DTMF_ENDING:
      fill(d, out, FALSE, TRUE);
      d->elapsed_ms += ptime_ms;
      if (--d->ends_left == 0) {
        d->state = OH_DTMF_GAP;
        d->next++;
      }
      return OH_DTMF_EVENT;
  }
  return OH_DTMF_AUDIO;
}
