/* A port as JSON: who it is, and its figures. */
#include <netinet/ip.h>

#include "port.h"
#include "verbs.h"

static JsonObject *address(const OhAddress *a) {
  JsonObject *out = json_object_new();
  char *host = oh_address_host(a);
  json_object_set_string_member(out, "address", host);
  json_object_set_int_member(out, "port", oh_address_port(a));
  g_free(host);
  return out;
}

/* The mark that packets really carry, as the kernel tells it. */
static gint64 dscp(OhPort *port) {
  int tos = 0;
  socklen_t size = sizeof tos;
  gboolean v6 = port->local[0].sa.sa_family == AF_INET6;
  if (getsockopt(port->fd[0], v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &tos,
                 &size) != 0)
    return -1;
  return tos >> 2;
}

JsonObject *oh_port_describe(OhPort *port) {
  JsonObject *out = json_object_new();
  json_object_set_string_member(out, "id", port->id);
  json_object_set_string_member(out, "tag", port->tag);
  json_object_set_int_member(out, "dscp", dscp(port));
  json_object_set_object_member(out, "rtp", address(&port->local[0]));
  json_object_set_object_member(out, "rtcp", address(&port->local[1]));
  return out;
}

static JsonObject *tx_stats(OhPort *port) {
  OhPortTx *tx = &port->tx;
  JsonObject *out = json_object_new();
  json_object_set_int_member(out, "packets", (gint64)tx->packets);
  json_object_set_int_member(out, "bytes", (gint64)tx->octets);
  json_object_set_int_member(out, "ssrc", tx->ssrc);
  json_object_set_int_member(out, "failed", (gint64)tx->failed);
  json_object_set_int_member(out, "nextIndex", (gint64)tx->next_index);
  json_object_set_int_member(out, "rtcpPackets", port->rtcp.sent);
  guint32 roc;
  if (tx->srtp != NULL && oh_srtp_roc(tx->srtp, tx->ssrc, &roc))
    json_object_set_int_member(out, "rollOver", roc);
  return out;
}

/*
 * When the peer was last known to speak, or to be silent because it has nothing to say: then its reports
 * stand for it, which come every 5 s or so.
 */
static gint64 alive_us(OhPort *port) {
  gint64 quiet_ns = oh_now_ns() - port->rtcp.read_at_ns;
  gboolean reports = port->rtcp.read_at_ns > 0 && quiet_ns < (gint64)(15 * GST_SECOND);
  return port->rx.silent && reports ? g_get_real_time() : port->rx.last_packet_us;
}

static JsonObject *rx_stats(OhPort *port) {
  OhPortRx *rx = &port->rx;
  JsonObject *out = json_object_new();
  json_object_set_int_member(out, "packets", (gint64)(rx->source.packets_before + rx->source.received));
  json_object_set_int_member(out, "bytes", (gint64)(rx->source.bytes_before + rx->source.bytes));
  json_object_set_int_member(out, "lost", oh_source_lost(&rx->source));
  json_object_set_int_member(out, "rejected", (gint64)rx->rejected);
  json_object_set_double_member(
      out, "jitterMs", rx->clock_rate == 0 ? 0 : rx->source.jitter * 1000 / rx->clock_rate);
  if (rx->heard) {
    json_object_set_int_member(out, "ssrc", rx->source.ssrc);
    json_object_set_int_member(out, "lastPacketAt", alive_us(port) / 1000);
  }
  return out;
}

static JsonObject *remote_stats(OhPort *port) {
  OhPortRtcp *rtcp = &port->rtcp;
  JsonObject *out = json_object_new();
  json_object_set_int_member(out, "lost", rtcp->remote_lost);
  json_object_set_double_member(out, "fractionLost", rtcp->remote_fraction / 256.0);
  json_object_set_double_member(
      out, "jitterMs",
      port->tx.clock_rate == 0 ? 0 : rtcp->remote_jitter * 1000.0 / port->tx.clock_rate);
  return out;
}

JsonObject *oh_port_stats(OhPort *port) {
  JsonObject *out = json_object_new();
  g_mutex_lock(&port->lock);
  json_object_set_object_member(out, "tx", tx_stats(port));
  json_object_set_object_member(out, "rx", rx_stats(port));
  json_object_set_object_member(out, "sendingTo", address(&port->latch.current));
  if (port->rtcp.has_remote) json_object_set_object_member(out, "remote", remote_stats(port));
  if (port->rtcp.has_rtt) json_object_set_double_member(out, "rttMs", port->rtcp.rtt_ms);
  g_mutex_unlock(&port->lock);
  return out;
}
