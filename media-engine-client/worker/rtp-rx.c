/* The receiving half of a port: what is wrong, forged, replayed or foreign ends here, as a count. */
#include <string.h>

#include "comfort-noise.h"
#include "events.h"
#include "port-elements.h"
#include "port.h"
#include "rtp-packet.h"

static void report_digits(OhPort *port, const OhDigit *digits, guint count) {
  for (guint i = 0; i < count; i++) {
    char text[2] = {digits[i].digit, 0};
    JsonObject *fields = json_object_new();
    json_object_set_string_member(fields, "port", port->id);
    json_object_set_string_member(fields, "digit", text);
    json_object_set_int_member(
        fields, "durationMs",
        (gint64)digits[i].duration * 1000 / MAX(1, port->rx.event_clock_rate));
    oh_event("dtmf", fields);
  }
}

static void report_latch(OhPort *port) {
  char *host = oh_address_host(&port->latch.current);
  JsonObject *fields = json_object_new();
  json_object_set_string_member(fields, "port", port->id);
  json_object_set_string_member(fields, "address", host);
  json_object_set_int_member(fields, "rtpPort", oh_address_port(&port->latch.current));
  g_free(host);
  oh_event("latched", fields);
  if (!port->rtcp.latched &&
      oh_address_port(&port->latch.current) == oh_address_port(&port->latch.remote)) {
    /* Only the host was announced wrong: RTCP is wanted there too. */
    guint rtcp_port = oh_address_port(&port->rtcp.remote);
    port->rtcp.remote = port->latch.current;
    oh_address_set_port(&port->rtcp.remote, rtcp_port);
  }
}

/* Another source than the one that is playing: FALSE until it is believed. */
static gboolean switch_source(OhPort *port, const OhRtpHeader *h, gsize length, gint64 now_ms) {
  OhPortRx *rx = &port->rx;
  gboolean trusted = !rx->heard || rx->srtp != NULL;
  if (!trusted) {
    if (rx->candidate.ssrc != h->ssrc || rx->candidate.probation == 0)
      oh_source_init(&rx->candidate, h->ssrc, h->seq, FALSE);
    if (oh_source_packet(&rx->candidate, h->seq, length) != OH_SOURCE_OK) return FALSE;
  }
  oh_source_init(&rx->source, h->ssrc, h->seq, TRUE);
  memset(&rx->candidate, 0, sizeof rx->candidate);
  oh_timeline_break(&rx->timeline);
  oh_dtmf_rx_reset(&rx->dtmf);
  rx->heard = TRUE;
  return TRUE;
}

/* Statistics and plausibility of the sequence; FALSE when the packet is not to be played. */
static gboolean account(OhPort *port, const OhRtpHeader *h, gsize length, gint64 now_ns) {
  OhPortRx *rx = &port->rx;
  if ((!rx->heard || rx->source.ssrc != h->ssrc) &&
      !switch_source(port, h, length, now_ns / 1000000))
    return FALSE;
  switch (oh_source_packet(&rx->source, h->seq, length)) {
    case OH_SOURCE_OK:
      break;
    case OH_SOURCE_RESTART:
      oh_timeline_break(&rx->timeline);
      oh_dtmf_rx_reset(&rx->dtmf);
      break;
    case OH_SOURCE_PROBATION:
    case OH_SOURCE_JUMP:
      return FALSE;
  }
  if (h->payload_type == rx->payload_type && rx->clock_rate > 0)
    oh_source_jitter(&rx->source, h->timestamp,
                     (guint32)(now_ns / 1000 * rx->clock_rate / 1000000));
  rx->silent = h->payload_type == OH_COMFORT_NOISE;
  rx->last_packet_us = g_get_real_time();
  rx->last_packet_ms = now_ns / 1000000;
  return TRUE;
}

/*
 * An event's packets all carry the time of its beginning; for the jitter buffer, which measures
 * arrival against timestamps, they move on with its duration. They are dropped behind it.
 */
static guint32 take_event(OhPort *port, const guint8 *data, const OhRtpHeader *h, gint64 now_ms) {
  OhPortRx *rx = &port->rx;
  OhDigit digits[2];
  const guint8 *payload = data + h->payload_offset;
  guint count = oh_dtmf_rx_packet(&rx->dtmf, h->timestamp, h->marker, payload, h->payload_length,
                                  now_ms, digits);
  report_digits(port, digits, count);
  if (h->payload_length < 4 || rx->event_clock_rate == 0) return h->timestamp;
  return h->timestamp +
         (guint32)((guint64)oh_get16(payload + 2) * rx->clock_rate / rx->event_clock_rate);
}

static GstBuffer *accept_rtp(OhPort *port, guint8 *data, gsize length, const OhAddress *from,
                             gint64 now_ns) {
  OhPortRx *rx = &port->rx;
  OhRtpHeader h;
  gint64 now_ms = now_ns / 1000000;
  if (length < OH_RTP_HEADER || data[0] >> 6 != 2 || rx->clock_rate == 0) return NULL;
  if (port->srtp_required &&
      (rx->srtp == NULL || !oh_srtp_unprotect(rx->srtp, data, &length)))
    return NULL;
  if (!oh_rtp_parse(data, length, &h)) return NULL;
  gboolean event = rx->event_payload_type == h.payload_type;
  if (!event && h.payload_type != rx->payload_type && h.payload_type != OH_COMFORT_NOISE)
    return NULL;
  if (!oh_latch_packet(&port->latch, from, h.seq, now_ms, port->srtp_required)) return NULL;
  if (port->latch.moved) {
    port->latch.moved = FALSE;
    report_latch(port);
  }
  if (port->srtp_required && port->slot != NULL) {
    guint32 ssrc;
    guint64 index;
    if (oh_srtp_rx_index(rx->srtp, &ssrc, &index)) {
      port->slot->rx_ssrc = ssrc;
      __atomic_store_n(&port->slot->rx_index, index, __ATOMIC_RELEASE);
    }
  }
  if (!account(port, &h, h.payload_length, now_ns)) return NULL;
  guint32 timestamp = event ? take_event(port, data, &h, now_ms) : h.timestamp;
  if (!rx->enabled || port->src == NULL) return NULL;
  guint16 seq = h.seq;
  oh_timeline_map(&rx->timeline, &seq, &timestamp, now_ns, rx->clock_rate);
  /* A plain header: extensions and contributing sources mean nothing further on. What is not audio
   * only holds its place in the sequence; a probe drops it behind the jitter buffer. A single octet is
   * the level of comfort noise, there: no codec's audio is as short. */
  if (h.payload_type == OH_COMFORT_NOISE)
    h.payload_length = MIN(h.payload_length, 1);
  else if (h.payload_type != rx->payload_type || h.payload_length == 1)
    h.payload_length = 0;
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, OH_RTP_HEADER + h.payload_length, NULL);
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_WRITE);
  oh_rtp_write(map.data, rx->payload_type, h.marker, seq, timestamp, h.ssrc);
  memcpy(map.data + OH_RTP_HEADER, data + h.payload_offset, h.payload_length);
  gst_buffer_unmap(buffer, &map);
  return buffer;
}

static void accept_rtcp(OhPort *port, guint8 *data, gsize length, const OhAddress *from,
                        gint64 now_ns) {
  gboolean ok = length >= 8 && data[0] >> 6 == 2;
  if (ok && port->srtp_required)
    ok = port->rx.srtp != NULL && oh_srtp_unprotect_rtcp(port->rx.srtp, data, &length);
  if (ok)
    oh_port_read_report(port, data, length, from, now_ns);
  else
    port->rx.rejected++;
}

void oh_port_receive(OhPort *port, gboolean rtcp_socket, guint8 *data, gsize length,
                     const OhAddress *from, gint64 now_ns) {
  GstBuffer *buffer = NULL;
  GstElement *element = NULL;
  g_mutex_lock(&port->lock);
  if (rtcp_socket || (port->mux && oh_rtp_is_rtcp(data, length))) {
    accept_rtcp(port, data, length, from, now_ns);
  } else {
    guint64 before = port->rx.source.received + port->rx.source.packets_before;
    buffer = accept_rtp(port, data, length, from, now_ns);
    guint64 after = port->rx.source.received + port->rx.source.packets_before;
    if (buffer == NULL && before == after) port->rx.rejected++;
    if (buffer != NULL) element = gst_object_ref(port->src);
  }
  g_mutex_unlock(&port->lock);
  if (element == NULL) return;
  oh_rtp_src_push(element, buffer);
  gst_object_unref(element);
}
