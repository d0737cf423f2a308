#include "latch.h"

#include <string.h>

/* A source that has been silent for so long may be replaced. */
#define SILENT_MS 2000

void oh_latch_set(OhLatch *l, OhLatchPolicy policy, const OhAddress *remote) {
  gboolean same = oh_address_equal(&l->remote, remote);
  if (same && l->policy == policy) return;
  if (!same) {
    l->remote = *remote;
    l->former = l->source;
    l->former_since_ms = 0;
    memset(&l->source, 0, sizeof l->source);
    memset(&l->candidate, 0, sizeof l->candidate);
    l->current = *remote;
  }
  l->policy = policy;
  if (policy == OH_LATCH_OFF) l->current = *remote;
}

static void listen_to(OhLatch *l, const OhAddress *from, gint64 now_ms) {
  l->source = *from;
  l->source_last_ms = now_ms;
  memset(&l->candidate, 0, sizeof l->candidate);
  /* Where the peer asked to be sent nothing, it gets nothing, wherever it speaks from. */
  if (!oh_address_sendable(&l->remote)) return;
  if (l->policy == OH_LATCH_OFF || oh_address_equal(&l->current, from)) return;
  l->current = *from;
  l->moved = TRUE;
}

/* The second of two packets in sequence from one place. */
static gboolean confirmed(OhLatch *l, const OhAddress *from, guint16 seq) {
  gboolean second = oh_address_equal(&l->candidate, from) && (guint16)(l->candidate_seq + 1) == seq;
  l->candidate = *from;
  l->candidate_seq = seq;
  return second;
}

/*
 * What signalling has just moved the peer away from is heard still, but not sent to: packets under
 * way must not take the leg back. If nobody else comes, the peer sends from there on purpose.
 */
static gboolean lingers(OhLatch *l, const OhAddress *from, gint64 now_ms) {
  if (l->former.len == 0 || !oh_address_equal(&l->former, from)) return FALSE;
  if (l->former_since_ms == 0) l->former_since_ms = now_ms;
  return now_ms - l->former_since_ms < SILENT_MS;
}

gboolean oh_latch_packet(OhLatch *l, const OhAddress *from, guint16 seq, gint64 now_ms,
                         gboolean authenticated) {
  gboolean none = l->source.len == 0;
  if (!none && oh_address_equal(&l->source, from)) {
    l->source_last_ms = now_ms;
    return TRUE;
  }
  gboolean signalled = oh_address_equal(&l->remote, from);
  if (none && !signalled && lingers(l, from, now_ms)) return TRUE;
  gboolean replaceable = none || signalled ||
                         (l->policy != OH_LATCH_ONCE && now_ms - l->source_last_ms >= SILENT_MS);
  if (!replaceable) return authenticated;
  gboolean believed = authenticated || signalled ||
                      (none && oh_address_same_host(&l->remote, from)) ||
                      confirmed(l, from, seq);
  if (!believed) return FALSE;
  listen_to(l, from, now_ms);
  return TRUE;
}
