#include "rtp-source.h"

#define MAX_DROPOUT 3000
#define MAX_MISORDER 100
#define MIN_SEQUENTIAL 2
#define SEQ_MOD (1u << 16)

static void start_at(OhRtpSource *s, guint16 seq) {
  s->base_seq = seq;
  s->max_seq = seq;
  s->bad_seq = SEQ_MOD + 1;
  s->cycles = 0;
  s->received = 0;
  s->bytes = 0;
  s->received_prior = 0;
  s->expected_prior = 0;
  s->has_transit = FALSE;
}

void oh_source_init(OhRtpSource *s, guint32 ssrc, guint16 seq, gboolean trusted) {
  gint64 lost = oh_source_lost(s);
  guint64 packets = s->packets_before + s->received;
  guint64 bytes = s->bytes_before + s->bytes;
  *s = (OhRtpSource){.ssrc = ssrc,
                     .lost_before = lost,
                     .packets_before = packets,
                     .bytes_before = bytes};
  start_at(s, seq);
  s->probation = trusted ? 0 : MIN_SEQUENTIAL;
  s->valid = trusted;
  if (!trusted) s->max_seq = (guint16)(seq - 1);
}

static void count(OhRtpSource *s, gsize bytes) {
  s->received++;
  s->bytes += bytes;
}

OhSourceVerdict oh_source_packet(OhRtpSource *s, guint16 seq, gsize bytes) {
  guint16 delta = (guint16)(seq - s->max_seq);
  if (s->probation > 0) {
    if (seq == (guint16)(s->max_seq + 1)) {
      s->probation--;
      s->max_seq = seq;
      if (s->probation == 0) {
        start_at(s, seq);
        s->valid = TRUE;
        count(s, bytes);
        return OH_SOURCE_OK;
      }
    } else {
      s->probation = MIN_SEQUENTIAL - 1;
      s->max_seq = seq;
    }
    return OH_SOURCE_PROBATION;
  }
  if (delta < MAX_DROPOUT) {
    if (seq < s->max_seq) s->cycles += SEQ_MOD;
    s->max_seq = seq;
  } else if (delta <= SEQ_MOD - MAX_MISORDER) {
    if (seq == s->bad_seq) {
      s->lost_before = oh_source_lost(s);
      s->packets_before += s->received;
      s->bytes_before += s->bytes;
      start_at(s, seq);
      count(s, bytes);
      return OH_SOURCE_RESTART;
    }
    s->bad_seq = (seq + 1) & (SEQ_MOD - 1);
    return OH_SOURCE_JUMP;
  }
  count(s, bytes);
  return OH_SOURCE_OK;
}

void oh_source_jitter(OhRtpSource *s, guint32 timestamp, guint32 arrival) {
  guint32 transit = arrival - timestamp;
  if (s->has_transit) {
    gint32 d = (gint32)(transit - s->transit);
    s->jitter += ((d < 0 ? -(double)d : (double)d) - s->jitter) / 16.0;
  }
  s->transit = transit;
  s->has_transit = TRUE;
}

guint32 oh_source_highest(const OhRtpSource *s) { return s->cycles + s->max_seq; }

static guint64 expected(const OhRtpSource *s) {
  return s->received == 0 ? 0 : (guint64)oh_source_highest(s) - s->base_seq + 1;
}

gint64 oh_source_lost(const OhRtpSource *s) {
  return s->lost_before + (gint64)expected(s) - (gint64)s->received;
}

guint8 oh_source_fraction(OhRtpSource *s) {
  guint64 now = expected(s);
  gint64 expected_interval = (gint64)(now - s->expected_prior);
  gint64 received_interval = (gint64)(s->received - s->received_prior);
  s->expected_prior = now;
  s->received_prior = s->received;
  gint64 lost = expected_interval - received_interval;
  if (expected_interval <= 0 || lost <= 0) return 0;
  return (guint8)MIN(255, (lost << 8) / expected_interval);
}
