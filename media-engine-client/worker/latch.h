/*
 * Whom a leg believes and where it sends: symmetric RTP (RFC 4961) with a policy. Pure: packets
 * and the time go in, a verdict comes out.
 */
#pragma once
#include "address.h"

typedef enum { OH_LATCH_OFF, OH_LATCH_ONCE, OH_LATCH_FOLLOW } OhLatchPolicy;

typedef struct {
  OhLatchPolicy policy;
  OhAddress remote;  /* as signalled */
  OhAddress current; /* where media goes */
  OhAddress source;  /* whom we listen to; len 0: nobody yet */
  OhAddress former;  /* whom we listened to before the remote address was changed */
  gint64 former_since_ms;
  gint64 source_last_ms;
  gboolean moved; /* `current` has changed by latching; the reader clears it */
  OhAddress candidate;
  guint16 candidate_seq;
} OhLatch;

/* Another remote address starts all over; the same one changes nothing. */
void oh_latch_set(OhLatch *l, OhLatchPolicy policy, const OhAddress *remote);
/*
 * TRUE when the packet may be used. `authenticated`: it passed SRTP, so no stranger sent it.
 * A stranger's packets are refused while the source that we listen to is heard, and need two in
 * sequence to be believed at all.
 */
gboolean oh_latch_packet(OhLatch *l, const OhAddress *from, guint16 seq, gint64 now_ms,
                         gboolean authenticated);
