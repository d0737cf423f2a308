/*
 * Sending of RFC 4733 telephone events. It has no timer of its own: each audio packet that is due
 * asks what goes out in its place, so events keep the audio's sequence and time without a gap.
 */
#pragma once
#include <glib.h>

#define OH_DTMF_MAX_DIGITS 64

typedef struct {
  guint8 payload_type;
  guint32 clock_rate;
  guint8 events[OH_DTMF_MAX_DIGITS];
  guint count;
  guint next;
  guint duration_ms;
  guint gap_ms;
  enum { OH_DTMF_IDLE, OH_DTMF_GAP, OH_DTMF_TONE, OH_DTMF_ENDING } state;
  guint elapsed_ms; /* in the present state */
  guint32 timestamp;
  guint32 units; /* of the present segment */
  guint ends_left;
} OhDtmfTx;

typedef struct {
  guint8 payload_type;
  gboolean marker;
  guint32 timestamp;
  guint8 payload[4];
  guint copies;
} OhDtmfPacket;

typedef enum {
  OH_DTMF_AUDIO,    /* send the audio packet */
  OH_DTMF_EVENT,    /* send `out` instead */
  OH_DTMF_FINISHED, /* send the audio packet; the last digit and its gap are over */
} OhDtmfAction;

/* FALSE when a string of digits is under way or one of `digits` is none. */
gboolean oh_dtmf_tx_start(OhDtmfTx *d, const char *digits, guint8 payload_type, guint32 clock_rate,
                          guint duration_ms, guint gap_ms);
OhDtmfAction oh_dtmf_tx_tick(OhDtmfTx *d, guint32 audio_timestamp, guint ptime_ms,
                             OhDtmfPacket *out);
/* The event number of a digit, RFC 4733 §3.2, or -1. */
int oh_dtmf_event(char digit);
