/* RTCP of a port: when to report, what the peer's reports say (RFC 3550 §6). */
#include <string.h>

#include "events.h"
#include "port.h"
#include "rtcp.h"
#include "rtp-packet.h"

/*
 * Intervals in ms. The first two reports come early, so that a short call has a round-trip time
 * too; then RFC 3550 §6.2's five seconds, each spread by half (§6.3.1) against synchrony.
 */
static const guint intervals[] = {500, 1500, 5000};
#define TALKING_MS 10000

static guint32 q16(gint64 ns) { return (guint32)((guint64)ns * 65536 / 1000000000); }

static gboolean fill_block(OhPort *port, OhRtcpReport *r, gint64 now_ns) {
  OhPortRx *rx = &port->rx;
  if (!rx->heard || now_ns / 1000000 - rx->last_packet_ms > TALKING_MS) return FALSE;
  r->source = rx->source.ssrc;
  r->fraction = oh_source_fraction(&rx->source);
  r->lost = (gint32)CLAMP(oh_source_lost(&rx->source), -0x800000, 0x7fffff);
  r->highest = oh_source_highest(&rx->source);
  r->jitter = (guint32)rx->source.jitter;
  r->lsr = port->rtcp.lsr;
  r->dlsr = port->rtcp.lsr == 0 ? 0 : q16(now_ns - port->rtcp.lsr_at_ns);
  return TRUE;
}

void oh_port_report(OhPort *port, gint64 now_ns, gboolean bye) {
  OhPortTx *tx = &port->tx;
  OhAddress *to = port->mux ? &port->latch.current : &port->rtcp.remote;
  if (!oh_address_sendable(to) || tx->clock_rate == 0) return;
  if (port->srtp_required && tx->srtp == NULL) return;
  guint8 packet[512 + OH_SRTP_TRAILER];
  gint64 since = now_ns - tx->last_ns;
  OhRtcpReport r = {
      .ssrc = tx->ssrc,
      .sending = tx->packets > 0 && tx->sent && since / 1000000 < TALKING_MS,
      .ntp = oh_ntp_time(g_get_real_time()),
      .rtp_timestamp = tx->last_timestamp + (guint32)(since / 1000 * tx->clock_rate / 1000000),
      .packets = (guint32)tx->packets,
      .octets = (guint32)tx->octets,
      .cname = port->rtcp.cname,
      .bye = bye,
  };
  r.has_block = fill_block(port, &r, now_ns);
  gsize length = oh_rtcp_write(&r, packet, 512);
  if (length == 0) return;
  if (port->srtp_required) {
    if (port->slot == NULL) return;
    __atomic_store_n(&port->slot->tx_rtcp_index, oh_srtp_rtcp_index(tx->srtp) + 1,
                     __ATOMIC_RELEASE);
    if (!oh_srtp_protect_rtcp(tx->srtp, packet, &length)) return;
  }
  sendto(port->fd[port->mux ? 0 : 1], packet, length, MSG_DONTWAIT | MSG_NOSIGNAL, &to->sa,
         to->len);
  port->rtcp.sent++;
}

/* RTCP comes from the host that the RTP comes from, or from where it was announced. */
static gboolean believable(OhPort *port, const OhAddress *from) {
  if (port->srtp_required) return TRUE; /* it has authenticated */
  return oh_address_same_host(from, &port->latch.current) ||
         oh_address_same_host(from, &port->latch.remote) ||
         oh_address_equal(from, &port->rtcp.remote);
}

static void follow(OhPort *port, const OhAddress *from) {
  if (port->mux || port->latch.policy == OH_LATCH_OFF) return;
  if (!oh_address_sendable(&port->latch.remote)) return;
  if (port->rtcp.latched && port->latch.policy == OH_LATCH_ONCE) return;
  port->rtcp.remote = *from;
  port->rtcp.latched = TRUE;
}

void oh_port_read_report(OhPort *port, const guint8 *data, gsize length, const OhAddress *from,
                         gint64 now_ns) {
  OhRtcpInfo info;
  if (!believable(port, from) || !oh_rtcp_read(data, length, port->tx.ssrc, &info)) {
    port->rx.rejected++;
    return;
  }
  follow(port, from);
  port->rtcp.read_at_ns = now_ns;
  if (info.has_sr) {
    port->rtcp.lsr = info.sr_lsr;
    port->rtcp.lsr_at_ns = now_ns;
  }
  if (!info.has_block) return;
  port->rtcp.has_remote = TRUE;
  port->rtcp.remote_fraction = info.fraction;
  port->rtcp.remote_lost = info.lost;
  port->rtcp.remote_jitter = info.jitter;
  if (info.lsr == 0) return;
  guint32 now = (guint32)(oh_ntp_time(g_get_real_time()) >> 16);
  gint32 rtt = (gint32)(now - info.lsr - info.dlsr);
  /* A clock that was set in between gives nonsense; a minute is no round trip. */
  if (rtt < -65536 || rtt > 60 * 65536) return;
  port->rtcp.has_rtt = TRUE;
  port->rtcp.rtt_ms = MAX(rtt, 0) * 1000.0 / 65536.0;
}

gint64 oh_port_timers(OhPort *port, gint64 now_ns) {
  gint64 now_ms = now_ns / 1000000;
  gint64 next = G_MAXINT64;
  OhDigit digit;
  OhPortRtcp *rtcp = &port->rtcp;
  if (rtcp->next_ms != 0 && now_ms >= rtcp->next_ms) {
    oh_port_report(port, now_ns, FALSE);
    guint base = intervals[MIN(rtcp->sent, G_N_ELEMENTS(intervals) - 1)];
    rtcp->next_ms = now_ms + (gint64)(base * (0.5 + g_random_double()));
  }
  if (rtcp->next_ms != 0) next = rtcp->next_ms;
  if (port->rx.dtmf.active) {
    if (oh_dtmf_rx_poll(&port->rx.dtmf, now_ms, &digit)) {
      JsonObject *fields = json_object_new();
      char text[2] = {digit.digit, 0};
      json_object_set_string_member(fields, "port", port->id);
      json_object_set_string_member(fields, "digit", text);
      json_object_set_int_member(fields, "durationMs",
                                 (gint64)digit.duration * 1000 / MAX(1, port->rx.event_clock_rate));
      oh_event("dtmf", fields);
    } else {
      next = MIN(next, now_ms + 50);
    }
  }
  return next;
}
