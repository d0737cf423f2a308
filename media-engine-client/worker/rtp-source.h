/* What is received from one synchronisation source: RFC 3550 appendix A.1, A.3 and A.8. */
#pragma once
#include <glib.h>

typedef struct {
  guint32 ssrc;
  gboolean valid; /* two packets in sequence were seen */
  guint16 max_seq;
  guint32 cycles; /* shifted count of sequence wraps */
  guint32 base_seq;
  guint32 bad_seq;
  guint probation;
  guint64 received;
  guint64 bytes;
  guint64 expected_prior;
  guint64 received_prior;
  gint64 lost_before; /* of earlier sources of the same leg, and before restarts */
  guint64 packets_before;
  guint64 bytes_before;
  gboolean has_transit;
  guint32 transit;
  double jitter; /* in timestamp units */
} OhRtpSource;

typedef enum {
  OH_SOURCE_OK,
  OH_SOURCE_PROBATION, /* not yet believed */
  OH_SOURCE_JUMP,      /* far outside the sequence, kept in mind */
  OH_SOURCE_RESTART,   /* believed after a second packet: the sender has started anew */
} OhSourceVerdict;

/* A source is believed at once when `trusted` (nothing else was heard, or it authenticated). */
void oh_source_init(OhRtpSource *s, guint32 ssrc, guint16 seq, gboolean trusted);
OhSourceVerdict oh_source_packet(OhRtpSource *s, guint16 seq, gsize bytes);
/* `arrival` in the timestamp's own units. */
void oh_source_jitter(OhRtpSource *s, guint32 timestamp, guint32 arrival);
guint32 oh_source_highest(const OhRtpSource *s);
gint64 oh_source_lost(const OhRtpSource *s);
/* The fraction lost since the last call, in 1/256; for a report block. */
guint8 oh_source_fraction(OhRtpSource *s);
