#include "rtcp.h"

#include <string.h>

#include "rtp-packet.h"

enum { SR = 200, RR = 201, SDES = 202, BYE = 203 };
#define NTP_UNIX_OFFSET G_GUINT64_CONSTANT(2208988800)

guint64 oh_ntp_time(gint64 wall_us) {
  guint64 us = (guint64)wall_us;
  return (us / 1000000 + NTP_UNIX_OFFSET) << 32 | ((us % 1000000) << 32) / 1000000;
}

static guint8 *header(guint8 *p, guint count, guint type, gsize words) {
  p[0] = (guint8)(0x80 | count);
  p[1] = (guint8)type;
  oh_put16(p + 2, (guint32)words);
  return p + 4;
}

static guint8 *put(guint8 *p, guint32 value) {
  oh_put32(p, value);
  return p + 4;
}

gsize oh_rtcp_write(const OhRtcpReport *r, guint8 *out, gsize size) {
  gsize cname = MIN(strlen(r->cname), 255);
  if (size < 52 + 8 + cname + 8 + 12) return 0;
  guint blocks = r->has_block ? 1 : 0;
  guint8 *p = header(out, blocks, r->sending ? SR : RR, (r->sending ? 6 : 1) + 6 * blocks);
  p = put(p, r->ssrc);
  if (r->sending) {
    p = put(p, (guint32)(r->ntp >> 32));
    p = put(p, (guint32)r->ntp);
    p = put(p, r->rtp_timestamp);
    p = put(p, r->packets);
    p = put(p, r->octets);
  }
  if (r->has_block) {
    gint32 lost = CLAMP(r->lost, -0x800000, 0x7fffff);
    p = put(p, r->source);
    p = put(p, (guint32)r->fraction << 24 | ((guint32)lost & 0xffffff));
    p = put(p, r->highest);
    p = put(p, r->jitter);
    p = put(p, r->lsr);
    p = put(p, r->dlsr);
  }
  gsize items = 2 + cname + 1; /* at least one null octet ends the list */
  gsize padded = (items + 3) / 4 * 4;
  p = header(p, 1, SDES, 1 + padded / 4);
  p = put(p, r->ssrc);
  memset(p, 0, padded);
  p[0] = 1;
  p[1] = (guint8)cname;
  memcpy(p + 2, r->cname, cname);
  p += padded;
  if (r->bye) {
    p = header(p, 1, BYE, 1);
    p = put(p, r->ssrc);
  }
  return (gsize)(p - out);
}

static void read_blocks(const guint8 *p, const guint8 *end, guint count, guint32 about,
                        OhRtcpInfo *out) {
  for (; count > 0 && p + 24 <= end; count--, p += 24) {
    if (oh_get32(p) != about) continue;
    guint32 lost = oh_get32(p + 4);
    out->has_block = TRUE;
    out->fraction = (guint8)(lost >> 24);
    out->lost = (gint32)(lost << 8) >> 8;
    out->jitter = oh_get32(p + 12);
    out->lsr = oh_get32(p + 16);
    out->dlsr = oh_get32(p + 20);
  }
}

gboolean oh_rtcp_read(const guint8 *data, gsize length, guint32 about, OhRtcpInfo *out) {
  memset(out, 0, sizeof *out);
  if (length < 8 || length % 4 != 0 || (data[1] != SR && data[1] != RR)) return FALSE;
  for (gsize at = 0; at < length;) {
    const guint8 *p = data + at;
    if (length - at < 4 || p[0] >> 6 != 2) return FALSE;
    gsize size = 4 * ((gsize)oh_get16(p + 2) + 1);
    if (size > length - at) return FALSE;
    const guint8 *end = p + size;
    guint count = p[0] & 0x1f;
    if (p[1] == SR && size >= 28) {
      out->has_sr = TRUE;
      out->sender = oh_get32(p + 4);
      out->sr_lsr = oh_get32(p + 8) << 16 | oh_get32(p + 12) >> 16;
      read_blocks(p + 28, end, count, about, out);
    } else if (p[1] == RR && size >= 8) {
      out->sender = oh_get32(p + 4);
      read_blocks(p + 8, end, count, about, out);
    } else if (p[1] == BYE) {
      out->bye = TRUE;
    }
    at += size;
  }
  return TRUE;
}
