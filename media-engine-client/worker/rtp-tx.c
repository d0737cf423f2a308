/* The sending half of a port: what the payloader made goes out under the port's own SSRC,
 * sequence and timestamps. */
#include <string.h>

#include "events.h"
#include "port.h"
#include "rtp-packet.h"

static gboolean write_socket(OhPort *port, int fd, const guint8 *data, gsize length,
                             const OhAddress *to) {
  ssize_t n = sendto(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL, &to->sa, to->len);
  /* An ICMP error of an earlier packet is reported here once and says nothing of this one. */
  if (n < 0) n = sendto(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL, &to->sa, to->len);
  return n == (ssize_t)length;
}

gboolean oh_port_transmit(OhPort *port, guint8 *data, gsize length) {
  OhPortTx *tx = &port->tx;
  if (!oh_address_sendable(&port->latch.current)) return FALSE;
  if (port->srtp_required) {
    /* The index is on record before the keystream is used. */
    if (port->slot == NULL || tx->srtp == NULL || !oh_srtp_protect(tx->srtp, data, &length))
      return FALSE;
  }
  return write_socket(port, port->fd[0], data, length, &port->latch.current);
}

static void emit(OhPort *port, guint8 *packet, gsize length, guint8 payload_type, gboolean marker,
                 guint32 timestamp, gint64 now_ns) {
  OhPortTx *tx = &port->tx;
  oh_rtp_write(packet, payload_type, marker, (guint16)tx->next_index, timestamp, tx->ssrc);
  if (port->slot != NULL) {
    OhCounterSlot *slot = port->slot;
    slot->tx_timestamp = timestamp;
    __atomic_store_n(&slot->tx_mono_ns, now_ns, __ATOMIC_RELEASE);
    __atomic_store_n(&slot->tx_index, tx->next_index, __ATOMIC_RELEASE);
  }
  tx->next_index++;
  if (oh_port_transmit(port, packet, length)) {
    tx->packets++;
    tx->octets += length - OH_RTP_HEADER;
  } else {
    tx->failed++;
  }
}

/* Where a new pipeline's timestamps continue: as much later as time has passed. */
static void rebase(OhPortTx *tx, guint32 timestamp, gint64 now_ns) {
  guint32 step = tx->clock_rate * tx->ptime_ms / 1000;
  guint32 start;
  if (tx->sent) {
    guint32 passed = (guint32)((now_ns - tx->last_ns) / 1000 * tx->clock_rate / 1000000);
    start = tx->last_timestamp + MAX(passed, step);
  } else {
    start = g_random_int();
  }
  tx->ts_offset = start - timestamp;
  tx->rebase = FALSE;
  tx->mark = TRUE;
}

static void finish_digits(OhPort *port) {
  JsonObject *fields = json_object_new();
  json_object_set_string_member(fields, "port", port->id);
  json_object_set_string_member(fields, "token", port->tx.dtmf_token);
  g_clear_pointer(&port->tx.dtmf_token, g_free);
  oh_event("dtmf-sent", fields);
}

static void send_locked(OhPort *port, guint8 *packet, gsize length) {
  OhPortTx *tx = &port->tx;
  OhRtpHeader header;
  if (!oh_rtp_parse(packet, length, &header) || header.payload_offset != OH_RTP_HEADER) return;
  gint64 now_ns = oh_now_ns();
  if (tx->rebase) rebase(tx, header.timestamp, now_ns);
  guint32 timestamp = header.timestamp + tx->ts_offset;
  /* RFC 3551 §4.1: the first packet after silence that was not sent. */
  guint32 passed = timestamp - tx->last_timestamp;
  if (tx->sent && passed > 2 * tx->ptime_ms * tx->clock_rate / 1000) tx->mark = TRUE;
  tx->sent = TRUE;
  tx->last_timestamp = timestamp;
  tx->last_ns = now_ns;
  OhDtmfPacket event = {0};
  OhDtmfAction action = oh_dtmf_tx_tick(&tx->dtmf, timestamp, tx->ptime_ms, &event);
  if (action == OH_DTMF_EVENT) {
    for (guint i = 0; i < event.copies; i++) {
      memcpy(packet + OH_RTP_HEADER, event.payload, sizeof event.payload);
      emit(port, packet, OH_RTP_HEADER + sizeof event.payload, event.payload_type,
           event.marker && i == 0, event.timestamp, now_ns);
    }
    tx->mark = TRUE;
    return;
  }
  emit(port, packet, length, header.payload_type, tx->mark, timestamp, now_ns);
  tx->mark = FALSE;
  if (action == OH_DTMF_FINISHED && tx->dtmf_token != NULL) finish_digits(port);
}

void oh_port_send(OhPort *port, GstElement *from, GstBuffer *buffer) {
  guint8 packet[OH_PACKET_MAX + OH_SRTP_TRAILER];
  gsize length = gst_buffer_get_size(buffer);
  if (length > OH_PACKET_MAX) return;
  gst_buffer_extract(buffer, 0, packet, length);
  g_mutex_lock(&port->lock);
  if (port->sink == from && !port->closed) {
    if (port->tx.enabled)
      send_locked(port, packet, length);
    else
      port->tx.mark = TRUE;
  }
  g_mutex_unlock(&port->lock);
}
