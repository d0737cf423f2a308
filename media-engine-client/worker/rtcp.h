/* RTCP for a session of two, RFC 3550 §6: compound SR or RR with SDES CNAME, and BYE. */
#pragma once
#include <glib.h>

typedef struct {
  guint32 ssrc;
  gboolean sending; /* SR rather than RR */
  guint64 ntp;      /* 32.32 */
  guint32 rtp_timestamp;
  guint32 packets;
  guint32 octets;
  gboolean has_block; /* a report about a source */
  guint32 source;
  guint8 fraction;
  gint32 lost;
  guint32 highest;
  guint32 jitter;
  guint32 lsr;
  guint32 dlsr;
  const char *cname;
  gboolean bye;
} OhRtcpReport;

/* Bytes written; `size` of 512 is always enough. */
gsize oh_rtcp_write(const OhRtcpReport *r, guint8 *out, gsize size);

typedef struct {
  gboolean has_sr;
  guint32 sender;
  guint32 sr_lsr; /* middle 32 bits of the sender's NTP time */
  gboolean has_block; /* about `about` */
  guint8 fraction;
  gint32 lost;
  guint32 jitter;
  guint32 lsr;
  guint32 dlsr;
  gboolean bye;
} OhRtcpInfo;

/* FALSE when it is no valid compound packet, appendix A.2. */
gboolean oh_rtcp_read(const guint8 *data, gsize length, guint32 about, OhRtcpInfo *out);

/* Wall-clock microseconds since the Unix epoch as an NTP timestamp. */
guint64 oh_ntp_time(gint64 wall_us);
