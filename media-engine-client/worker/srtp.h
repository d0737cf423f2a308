/*
 * One direction of SRTP and SRTCP (RFC 3711) for one leg, over libsrtp. The packet index is ours to
 * read and to set, so that a context can be continued by another process without using a keystream
 * index twice.
 */
#pragma once
#include <glib.h>

typedef struct OhSrtp OhSrtp;

#define OH_SRTP_TRAILER 32 /* authentication tag, SRTCP index; room to keep behind a packet */

/* `suite` is a name of RFC 4568 §6.2 or RFC 6188; NULL with `error` set when the key does not fit. */
OhSrtp *oh_srtp_new(const char *suite, const guint8 *key, gsize key_length, gboolean inbound,
                    guint32 ssrc, GError **error);
void oh_srtp_free(OhSrtp *s);

/* Outbound: the first packet sent will have an index in this roll-over period. */
void oh_srtp_set_tx_roc(OhSrtp *s, guint32 roc);
/* Outbound: makes SRTCP indices up to `index` unusable. */
void oh_srtp_skip_rtcp(OhSrtp *s, guint32 index);
/* Inbound: continue after `index` of `ssrc`; everything up to it counts as replayed. */
void oh_srtp_set_rx_index(OhSrtp *s, guint32 ssrc, guint64 index);

/* In place; `data` has OH_SRTP_TRAILER bytes of room behind `*length`. */
gboolean oh_srtp_protect(OhSrtp *s, guint8 *data, gsize *length);
gboolean oh_srtp_unprotect(OhSrtp *s, guint8 *data, gsize *length);
gboolean oh_srtp_protect_rtcp(OhSrtp *s, guint8 *data, gsize *length);
gboolean oh_srtp_unprotect_rtcp(OhSrtp *s, guint8 *data, gsize *length);

/* The SRTCP index used last. */
guint32 oh_srtp_rtcp_index(const OhSrtp *s);
/* The highest index received and its source; FALSE before the first packet. */
gboolean oh_srtp_rx_index(const OhSrtp *s, guint32 *ssrc, guint64 *index);
/* libsrtp's own roll-over counter of a source. */
gboolean oh_srtp_roc(OhSrtp *s, guint32 ssrc, guint32 *roc);
