/*
 * A port: a bound pair of UDP sockets with the RTP session on it. It lives independently of the
 * pipelines that play and record through it (see port-elements.h), so a pipeline can be replaced
 * while address, SSRC, sequence, timestamps, SRTP contexts and statistics go on.
 */
#pragma once
#include <gst/gst.h>

#include "address.h"
#include "counters.h"
#include "dtmf-rx.h"
#include "dtmf-tx.h"
#include "latch.h"
#include "rtp-source.h"
#include "srtp.h"
#include "timeline.h"

typedef struct {
  gboolean enabled;
  guint32 ssrc;
  guint64 next_index; /* roll-over counter << 16 | sequence */
  guint32 clock_rate;
  guint ptime_ms;
  gboolean sent; /* last_* hold something */
  guint32 last_timestamp;
  gint64 last_ns;
  gboolean rebase; /* another pipeline: its timestamps need a new offset */
  gboolean mark;   /* the next packet begins a talk spurt */
  guint32 ts_offset;
  guint64 packets;
  guint64 octets; /* of payload */
  guint64 failed; /* the socket or SRTP refused */
  OhSrtp *srtp;
  OhDtmfTx dtmf;
  char *dtmf_token;
} OhPortTx;

typedef struct {
  gboolean enabled;
  guint8 payload_type;
  guint32 clock_rate;
  int event_payload_type; /* -1: none */
  guint32 event_clock_rate;
  gboolean heard; /* `source` holds somebody */
  OhRtpSource source;
  OhRtpSource candidate;
  OhTimeline timeline;
  OhDtmfRx dtmf;
  OhSrtp *srtp;
  guint64 rejected;
  gboolean silent;       /* the last packet said so (comfort noise) */
  gint64 last_packet_us; /* wall clock */
  gint64 last_packet_ms; /* monotonic */
} OhPortRx;

typedef struct {
  char *cname;
  OhAddress remote;
  gboolean latched;
  gint64 next_ms; /* 0: no report due */
  guint sent;
  guint32 lsr; /* of the peer's last SR */
  gint64 lsr_at_ns;
  gint64 read_at_ns; /* the peer's last report; 0: none */
  gboolean has_remote;
  guint8 remote_fraction;
  gint32 remote_lost;
  guint32 remote_jitter;
  gboolean has_rtt;
  double rtt_ms;
} OhPortRtcp;

typedef struct {
  gatomicrefcount refs;
  char *id;
  char *tag;
  int fd[2]; /* RTP, RTCP */
  OhAddress local[2];
  GMutex lock; /* guards all below; never held while a buffer is pushed */
  GstElement *sink; /* whose packets are sent */
  GstElement *src;  /* that gets what is received */
  OhLatch latch;
  gboolean mux;
  gboolean srtp_required; /* keys were set once: nothing passes in clear */
  guint32 tx_epoch, rx_epoch; /* which keys; chosen by the client, 0: none */
  OhPortTx tx;
  OhPortRx rx;
  OhPortRtcp rtcp;
  OhCounterSlot *slot;
  gboolean closed;
} OhPort;

/* Sockets and life: port.c */
typedef struct {
  const char *id;
  const char *tag;
  const char *address;
  guint from, to;
  guint dscp;
} OhPortOpen;
OhPort *oh_port_open(const OhPortOpen *options, GError **error);
OhPort *oh_port_find(const char *id); /* a new reference, or NULL */
GPtrArray *oh_port_all(void);         /* of references */
OhPort *oh_port_ref(OhPort *port);
void oh_port_unref(OhPort *port);
/* Says BYE, stops reading and closes the sockets. */
void oh_port_close(OhPort *port);
void oh_port_close_all(void);

/* Pipelines: called by their elements. */
void oh_port_attach_sink(OhPort *port, GstElement *sink);
void oh_port_attach_src(OhPort *port, GstElement *src);
void oh_port_detach(OhPort *port, GstElement *element);

/* Sending: rtp-tx.c */
void oh_port_send(OhPort *port, GstElement *from, GstBuffer *buffer);
/* With the lock held: sends `length` bytes to where media goes, protecting them first. */
gboolean oh_port_transmit(OhPort *port, guint8 *data, gsize length);

/* Receiving, on the network thread: rtp-rx.c */
void oh_port_receive(OhPort *port, gboolean rtcp_socket, guint8 *data, gsize length,
                     const OhAddress *from, gint64 now_ns);

/* RTCP: rtp-report.c. Both return with the lock as they found it (held). */
void oh_port_report(OhPort *port, gint64 now_ns, gboolean bye);
void oh_port_read_report(OhPort *port, const guint8 *data, gsize length, const OhAddress *from,
                         gint64 now_ns);
/* Carries out what is due; returns when to ask again (monotonic ms, G_MAXINT64: never). */
gint64 oh_port_timers(OhPort *port, gint64 now_ns);

static inline gint64 oh_now_ns(void) { return g_get_monotonic_time() * 1000; }
