#include <string.h>

#include "error.h"
#include "io.h"
#include "json.h"
#include "port.h"
#include "verbs.h"

#define INDEX_MAX ((gint64)1 << 48)

void oh_verb_port_open(OhRequest *request, JsonObject *params) {
  gint64 from, to, dscp = 46;
  GError *error = NULL;
  const char *tag = oh_json_string(params, "tag");
  OhPortOpen options = {.id = oh_json_string(params, "id"),
                        .tag = tag == NULL ? "" : tag,
                        .address = oh_json_string(params, "address")};
  if (options.id == NULL || *options.id == 0 || strlen(options.id) >= OH_COUNTER_ID ||
      options.address == NULL || !oh_json_int(params, "from", 1, 65535, &from) ||
      !oh_json_int(params, "to", 1, 65535, &to)) {
    oh_request_invalid(request, "id, address, from and to are needed");
    return;
  }
  oh_json_int(params, "dscp", 0, 63, &dscp);
  options.from = (guint)from;
  options.to = (guint)to;
  options.dscp = (guint)dscp;
  OhPort *port = oh_port_open(&options, &error);
  if (port == NULL)
    oh_request_fail(request, error);
  else
    oh_request_ok(request, oh_port_describe(port));
}

void oh_verb_port_close(OhRequest *request, JsonObject *params) {
  const char *id = oh_json_string(params, "id");
  OhPort *port = oh_port_find(id);
  if (port != NULL) {
    oh_port_close(port);
    oh_port_unref(port);
  }
  oh_request_ok(request, NULL);
}

static gboolean read_address(OhPort *port, JsonObject *o, OhAddress *out) {
  gint64 number;
  if (!oh_json_int(o, "port", 0, 65535, &number) ||
      !oh_address_parse(out, oh_json_string(o, "address"), (guint)number))
    return FALSE;
  oh_address_for_family(out, port->local[0].sa.sa_family);
  return TRUE;
}

static gboolean set_remote(OhPort *port, JsonObject *params, GError **error) {
  JsonObject *remote = oh_json_object(params, "remote");
  if (remote == NULL) return TRUE;
  OhAddress rtp, rtcp;
  const char *policy = oh_json_string(remote, "latching");
  if (!read_address(port, oh_json_object(remote, "rtp"), &rtp) ||
      !read_address(port, oh_json_object(remote, "rtcp"), &rtcp)) {
    oh_error_set(error, "invalid", "remote.rtp and remote.rtcp are numeric addresses with a port");
    return FALSE;
  }
  if (!oh_address_equal(&port->latch.remote, &rtp) || port->rtcp.remote.len == 0) {
    port->rtcp.remote = rtcp;
    port->rtcp.latched = FALSE;
  }
  oh_json_bool(remote, "mux", &port->mux);
  oh_latch_set(&port->latch,
               g_strcmp0(policy, "follow") == 0 ? OH_LATCH_FOLLOW
               : g_strcmp0(policy, "once") == 0 ? OH_LATCH_ONCE
                                                : OH_LATCH_OFF,
               &rtp);
  return TRUE;
}

static void set_tx(OhPort *port, JsonObject *o) {
  OhPortTx *tx = &port->tx;
  gint64 n;
  oh_json_bool(o, "enabled", &tx->enabled);
  if (oh_json_int(o, "clockRate", 1000, 192000, &n)) tx->clock_rate = (guint32)n;
  if (oh_json_int(o, "ptimeMs", 1, 200, &n)) tx->ptime_ms = (guint)n;
  if (tx->clock_rate > 0 && port->rtcp.next_ms == 0)
    port->rtcp.next_ms = oh_now_ns() / 1000000 + g_random_int_range(250, 750);
}

static void set_rx(OhPort *port, JsonObject *o) {
  OhPortRx *rx = &port->rx;
  gint64 n;
  oh_json_bool(o, "enabled", &rx->enabled);
  if (oh_json_int(o, "payloadType", 0, 127, &n)) rx->payload_type = (guint8)n;
  if (oh_json_int(o, "clockRate", 1000, 192000, &n) && rx->clock_rate != (guint32)n) {
    if (rx->clock_rate > 0) /* jitter is counted in the codec's units */
      rx->source.jitter = rx->source.jitter * (double)n / rx->clock_rate;
    rx->source.has_transit = FALSE;
    rx->clock_rate = (guint32)n;
    oh_timeline_break(&rx->timeline);
  }
  if (oh_json_int(o, "eventPayloadType", -1, 127, &n)) rx->event_payload_type = (int)n;
  if (oh_json_int(o, "eventClockRate", 1000, 192000, &n)) rx->event_clock_rate = (guint32)n;
}

/* Goes on where another process was killed, beyond all that it may have sent. */
static void resume(OhPort *port, JsonObject *o) {
  OhPortTx *tx = &port->tx;
  gint64 ssrc, index, timestamp, mono_ms;
  if (!oh_json_int(o, "ssrc", 0, G_MAXUINT32, &ssrc)) return;
  tx->ssrc = (guint32)ssrc;
  port->slot->tx_ssrc = tx->ssrc;
  if (!oh_json_int(o, "index", 0, INDEX_MAX, &index) ||
      !oh_json_int(o, "timestamp", 0, G_MAXUINT32, &timestamp) ||
      !oh_json_int(o, "monoMs", 0, G_MAXINT64 / 1000000, &mono_ms))
    return;
  gint64 now_ns = oh_now_ns();
  gint64 passed_ms = MAX(0, now_ns / 1000000 - mono_ms);
  /* As many as would have been sent meanwhile, so that sequence and time fit together. */
  gint64 skipped = CLAMP(passed_ms / MAX(1, (gint64)tx->ptime_ms), 1, 0x4000);
  tx->next_index = (guint64)(index + 1 + skipped);
  tx->sent = TRUE;
  tx->last_timestamp = (guint32)timestamp;
  tx->last_ns = mono_ms * 1000000;
  port->slot->tx_timestamp = tx->last_timestamp;
  port->slot->tx_mono_ns = tx->last_ns;
  __atomic_store_n(&port->slot->tx_index, tx->next_index - 1, __ATOMIC_RELEASE);
}

static OhSrtp *context(JsonObject *o, gboolean inbound, guint32 ssrc, GError **error) {
  gsize length = 0;
  guint8 *key = oh_json_bytes(o, "key", &length);
  if (key == NULL) {
    oh_error_set(error, "invalid", "an SRTP key is base64");
    return NULL;
  }
  OhSrtp *s = oh_srtp_new(oh_json_string(o, "suite"), key, length, inbound, ssrc, error);
  explicit_bzero(key, length);
  g_free(key);
  return s;
}

/* `old` has an SRTCP index where these keys were in use before, in a process that is gone. */
static void begin_tx(OhPort *port, OhSrtp *srtp, JsonObject *old) {
  OhPortTx *tx = &port->tx;
  gint64 rtcp_index;
  oh_srtp_free(tx->srtp);
  tx->srtp = srtp;
  if (oh_json_int(old, "rtcpIndex", 0, 0x7fffffff, &rtcp_index)) {
    oh_srtp_set_tx_roc(srtp, (guint32)(tx->next_index >> 16));
    oh_srtp_skip_rtcp(srtp, (guint32)rtcp_index + 1);
  } else { /* a new key: a new roll-over count (RFC 4568 §6.4) */
    tx->next_index &= 0xffff;
    if (port->slot->tx_index != OH_COUNTER_NONE) port->slot->tx_index &= 0xffff;
  }
  port->slot->tx_rtcp_index = oh_srtp_rtcp_index(srtp);
}

static void begin_rx(OhPort *port, OhSrtp *srtp, JsonObject *old) {
  gint64 ssrc, index;
  oh_srtp_free(port->rx.srtp);
  port->rx.srtp = srtp;
  port->slot->rx_index = OH_COUNTER_NONE;
  if (oh_json_int(old, "rxSsrc", 0, G_MAXUINT32, &ssrc) &&
      oh_json_int(old, "rxIndex", 0, INDEX_MAX, &index)) {
    oh_srtp_set_rx_index(srtp, (guint32)ssrc, (guint64)index);
    port->slot->rx_ssrc = (guint32)ssrc;
    port->slot->rx_index = (guint64)index;
  }
}

/* A direction whose epoch is the same has its very key in use: its context goes on. */
static gboolean set_srtp(OhPort *port, JsonObject *params, GError **error) {
  gint64 tx_epoch, rx_epoch;
  if (oh_json_null(params, "srtp")) {
    g_clear_pointer(&port->tx.srtp, oh_srtp_free);
    g_clear_pointer(&port->rx.srtp, oh_srtp_free);
    port->srtp_required = FALSE;
    port->tx_epoch = port->rx_epoch = 0;
    return TRUE;
  }
  JsonObject *o = oh_json_object(params, "srtp");
  if (o == NULL) return TRUE;
  port->srtp_required = TRUE;
  JsonObject *tx = oh_json_object(o, "tx"), *rx = oh_json_object(o, "rx");
  if (!oh_json_int(tx, "epoch", 1, G_MAXUINT32, &tx_epoch) ||
      !oh_json_int(rx, "epoch", 1, G_MAXUINT32, &rx_epoch)) {
    oh_error_set(error, "invalid", "srtp.tx.epoch and srtp.rx.epoch are needed");
    return FALSE;
  }
  gboolean new_tx = port->tx_epoch != (guint32)tx_epoch;
  gboolean new_rx = port->rx_epoch != (guint32)rx_epoch;
  OhSrtp *out = new_tx ? context(tx, FALSE, port->tx.ssrc, error) : NULL;
  if (new_tx && out == NULL) return FALSE;
  OhSrtp *in = new_rx ? context(rx, TRUE, 0, error) : NULL;
  if (new_rx && in == NULL) {
    oh_srtp_free(out);
    return FALSE;
  }
  JsonObject *old = oh_json_object(params, "resume");
  if (new_tx) begin_tx(port, out, old);
  if (new_rx) begin_rx(port, in, old);
  port->slot->tx_epoch = port->tx_epoch = (guint32)tx_epoch;
  port->slot->rx_epoch = port->rx_epoch = (guint32)rx_epoch;
  return TRUE;
}

void oh_verb_port_set(OhRequest *request, JsonObject *params) {
  const char *id = oh_json_string(params, "id");
  GError *error = NULL;
  OhPort *port = oh_port_find(id);
  if (port == NULL) {
    oh_request_not_found(request, "port", id);
    return;
  }
  g_mutex_lock(&port->lock);
  gboolean ok = set_remote(port, params, &error);
  if (ok) {
    set_tx(port, oh_json_object(params, "tx"));
    set_rx(port, oh_json_object(params, "rx"));
    resume(port, oh_json_object(params, "resume"));
    ok = set_srtp(port, params, &error);
  }
  g_mutex_unlock(&port->lock);
  oh_port_unref(port);
  oh_io_wake();
  if (ok)
    oh_request_ok(request, NULL);
  else
    oh_request_fail(request, error);
}

/* Without digits: stops those that are under way. */
void oh_verb_port_dtmf(OhRequest *request, JsonObject *params) {
  const char *id = oh_json_string(params, "id");
  const char *digits = oh_json_string(params, "digits");
  const char *token = oh_json_string(params, "token");
  gint64 duration_ms = 100, gap_ms = 100, payload_type = 101, clock_rate = 8000;
  OhPort *port = oh_port_find(id);
  if (port == NULL) {
    oh_request_not_found(request, "port", id);
    return;
  }
  oh_json_int(params, "durationMs", 10, 10000, &duration_ms);
  oh_json_int(params, "gapMs", 10, 10000, &gap_ms);
  oh_json_int(params, "payloadType", 0, 127, &payload_type);
  oh_json_int(params, "clockRate", 1000, 192000, &clock_rate);
  gboolean ok = TRUE;
  g_mutex_lock(&port->lock);
  if (digits == NULL || *digits == 0) {
    port->tx.dtmf.state = OH_DTMF_IDLE;
    g_clear_pointer(&port->tx.dtmf_token, g_free);
  } else {
    ok = token != NULL &&
         oh_dtmf_tx_start(&port->tx.dtmf, digits, (guint8)payload_type, (guint32)clock_rate,
                          (guint)duration_ms, (guint)gap_ms);
    if (ok) {
      g_free(port->tx.dtmf_token);
      port->tx.dtmf_token = g_strdup(token);
    }
  }
  g_mutex_unlock(&port->lock);
  oh_port_unref(port);
  if (ok)
    oh_request_ok(request, NULL);
  else
    oh_request_invalid(request, "digits are under way, or these are none");
}
