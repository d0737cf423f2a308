#include "rtp-packet.h"

gboolean oh_rtp_parse(const guint8 *data, gsize length, OhRtpHeader *out) {
  if (length < OH_RTP_HEADER || data[0] >> 6 != 2) return FALSE;
  gsize offset = OH_RTP_HEADER + 4 * (gsize)(data[0] & 0x0f);
  if (data[0] & 0x10) { /* header extension, §5.3.1 */
    if (length < offset + 4) return FALSE;
    offset += 4 + 4 * (gsize)oh_get16(data + offset + 2);
  }
  if (length < offset) return FALSE;
  gsize padding = 0;
  if (data[0] & 0x20) {
    padding = data[length - 1];
    if (padding == 0 || padding > length - offset) return FALSE;
  }
  *out = (OhRtpHeader){
      .payload_type = data[1] & 0x7f,
      .marker = (data[1] & 0x80) != 0,
      .seq = oh_get16(data + 2),
      .timestamp = oh_get32(data + 4),
      .ssrc = oh_get32(data + 8),
      .payload_offset = offset,
      .payload_length = length - offset - padding,
  };
  return TRUE;
}

void oh_rtp_write(guint8 *data, guint8 payload_type, gboolean marker, guint16 seq,
                  guint32 timestamp, guint32 ssrc) {
  data[0] = 0x80;
  data[1] = (guint8)(payload_type | (marker ? 0x80 : 0));
  oh_put16(data + 2, seq);
  oh_put32(data + 4, timestamp);
  oh_put32(data + 8, ssrc);
}

gboolean oh_rtp_is_rtcp(const guint8 *data, gsize length) {
  return length >= 8 && data[0] >> 6 == 2 && data[1] >= 192 && data[1] <= 223;
}
