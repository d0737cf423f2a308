/* The RTP fixed header, RFC 3550 §5.1. */
#pragma once
#include <glib.h>

#define OH_RTP_HEADER 12
/* Any datagram on the wire fits; SRTP trailers are written behind a packet in the same memory. */
#define OH_PACKET_MAX 2048

typedef struct {
  guint8 payload_type;
  gboolean marker;
  guint16 seq;
  guint32 timestamp;
  guint32 ssrc;
  gsize payload_offset;
  gsize payload_length;
} OhRtpHeader;

/* FALSE for anything that is no RTP packet of version 2 with consistent lengths. */
gboolean oh_rtp_parse(const guint8 *data, gsize length, OhRtpHeader *out);
void oh_rtp_write(guint8 *data, guint8 payload_type, gboolean marker, guint16 seq,
                  guint32 timestamp, guint32 ssrc);
/* RFC 5761 §4: on a shared port the second byte tells RTCP (192-223) from RTP. */
gboolean oh_rtp_is_rtcp(const guint8 *data, gsize length);

static inline guint16 oh_get16(const guint8 *p) { return (guint16)(p[0] << 8 | p[1]); }
static inline guint32 oh_get32(const guint8 *p) {
  return (guint32)p[0] << 24 | (guint32)p[1] << 16 | (guint32)p[2] << 8 | p[3];
}
static inline void oh_put16(guint8 *p, guint32 v) {
  p[0] = (guint8)(v >> 8);
  p[1] = (guint8)v;
}
static inline void oh_put32(guint8 *p, guint32 v) {
  oh_put16(p, v >> 16);
  oh_put16(p + 2, v & 0xffff);
}
