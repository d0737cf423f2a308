#include "srtp.h"

#include <srtp2/srtp.h>
#include <string.h>

#include "error.h"
#include "rtp-packet.h"

struct OhSrtp {
  srtp_t session;
  srtp_policy_t policy;
  guint8 key[SRTP_MAX_KEY_LEN];
  guint32 ssrc;
  guint32 rtcp_index;
  gboolean has_rx;
  gboolean rx_pending; /* `rx_index` comes from an earlier context; libsrtp has not seen it */
  guint32 rx_ssrc;
  guint64 rx_index;
};

static const struct {
  const char *name;
  gsize key_length;
  void (*rtp)(srtp_crypto_policy_t *);
  void (*rtcp)(srtp_crypto_policy_t *);
} suites[] = {
    {"AES_CM_128_HMAC_SHA1_80", 30, srtp_crypto_policy_set_rtp_default,
     srtp_crypto_policy_set_rtcp_default},
    {"AES_CM_128_HMAC_SHA1_32", 30, srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32,
     srtp_crypto_policy_set_rtcp_default},
    {"AES_256_CM_HMAC_SHA1_80", 46, srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80,
     srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80},
};

OhSrtp *oh_srtp_new(const char *suite, const guint8 *key, gsize key_length, gboolean inbound,
                    guint32 ssrc, GError **error) {
  static gsize initialised = 0;
  if (g_once_init_enter(&initialised)) g_once_init_leave(&initialised, srtp_init() == 0 ? 1 : 2);
  for (gsize i = 0; i < G_N_ELEMENTS(suites); i++) {
    if (g_strcmp0(suite, suites[i].name) != 0) continue;
    if (key_length != suites[i].key_length) {
      oh_error_set(error, "invalid", "%s takes %" G_GSIZE_FORMAT " bytes of key and salt", suite,
                   suites[i].key_length);
      return NULL;
    }
    OhSrtp *s = g_new0(OhSrtp, 1);
    memcpy(s->key, key, key_length);
    s->ssrc = ssrc;
    suites[i].rtp(&s->policy.rtp);
    suites[i].rtcp(&s->policy.rtcp);
    s->policy.ssrc.type = inbound ? ssrc_any_inbound : ssrc_specific;
    s->policy.ssrc.value = ssrc;
    s->policy.key = s->key;
    s->policy.window_size = 256;
    if (initialised == 1 && srtp_create(&s->session, &s->policy) == srtp_err_status_ok) return s;
    oh_srtp_free(s);
    oh_error_set(error, "failed", "libsrtp refused a context for %s", suite);
    return NULL;
  }
  oh_error_set(error, "invalid", "no SRTP suite of the name %s", suite == NULL ? "" : suite);
  return NULL;
}

void oh_srtp_free(OhSrtp *s) {
  if (s == NULL) return;
  if (s->session != NULL) srtp_dealloc(s->session);
  explicit_bzero(s, sizeof *s);
  g_free(s);
}

void oh_srtp_set_tx_roc(OhSrtp *s, guint32 roc) {
  if (roc > 0) srtp_set_stream_roc(s->session, s->ssrc, roc);
}

void oh_srtp_skip_rtcp(OhSrtp *s, guint32 index) {
  while (s->rtcp_index < index) {
    guint8 packet[8 + OH_SRTP_TRAILER] = {0x80, 201, 0, 1};
    oh_put32(packet + 4, s->ssrc);
    gsize length = 8;
    if (!oh_srtp_protect_rtcp(s, packet, &length)) return;
  }
}

void oh_srtp_set_rx_index(OhSrtp *s, guint32 ssrc, guint64 index) {
  srtp_policy_t policy = s->policy;
  policy.ssrc.type = ssrc_specific;
  policy.ssrc.value = ssrc;
  if (srtp_add_stream(s->session, &policy) != srtp_err_status_ok) return;
  s->has_rx = TRUE;
  s->rx_pending = TRUE;
  s->rx_ssrc = ssrc;
  s->rx_index = index;
}

gboolean oh_srtp_protect(OhSrtp *s, guint8 *data, gsize *length) {
  int n = (int)*length;
  if (srtp_protect(s->session, data, &n) != srtp_err_status_ok) return FALSE;
  *length = (gsize)n;
  return TRUE;
}

/* RFC 3711 §3.3.1: the index nearest to the highest one. */
static guint64 guess_index(guint64 highest, guint16 seq) {
  guint64 roc = highest >> 16;
  gint32 ahead = (gint32)seq - (gint32)(highest & 0xffff);
  if (ahead < -0x8000) roc++;
  if (ahead > 0x8000 && roc > 0) roc--;
  return roc << 16 | seq;
}

gboolean oh_srtp_unprotect(OhSrtp *s, guint8 *data, gsize *length) {
  int n = (int)*length;
  guint16 seq = oh_get16(data + 2);
  guint32 ssrc = oh_get32(data + 8);
  gboolean known = s->has_rx && s->rx_ssrc == ssrc;
  guint64 index = known ? guess_index(s->rx_index, seq) : seq;
  if (known && s->rx_pending) {
    if (index <= s->rx_index) return FALSE;
    srtp_set_stream_roc(s->session, ssrc, (guint32)(index >> 16));
  }
  if (srtp_unprotect(s->session, data, &n) != srtp_err_status_ok) return FALSE;
  *length = (gsize)n;
  if (!known || index > s->rx_index) s->rx_index = index;
  s->has_rx = TRUE;
  s->rx_pending = FALSE;
  s->rx_ssrc = ssrc;
  return TRUE;
}

gboolean oh_srtp_protect_rtcp(OhSrtp *s, guint8 *data, gsize *length) {
  int n = (int)*length;
  if (srtp_protect_rtcp(s->session, data, &n) != srtp_err_status_ok) return FALSE;
  *length = (gsize)n;
  s->rtcp_index++;
  return TRUE;
}

gboolean oh_srtp_unprotect_rtcp(OhSrtp *s, guint8 *data, gsize *length) {
  int n = (int)*length;
  if (srtp_unprotect_rtcp(s->session, data, &n) != srtp_err_status_ok) return FALSE;
  *length = (gsize)n;
  return TRUE;
}

guint32 oh_srtp_rtcp_index(const OhSrtp *s) { return s->rtcp_index; }

gboolean oh_srtp_rx_index(const OhSrtp *s, guint32 *ssrc, guint64 *index) {
  if (!s->has_rx) return FALSE;
  *ssrc = s->rx_ssrc;
  *index = s->rx_index;
  return TRUE;
}

gboolean oh_srtp_roc(OhSrtp *s, guint32 ssrc, guint32 *roc) {
  return srtp_get_stream_roc(s->session, ssrc, roc) == srtp_err_status_ok;
}
