#include "timeline.h"

/* A timestamp this far from the passing of time is a new clock, not jitter. */
#define JUMP_SECONDS 2

static guint32 ticks_since(const OhTimeline *t, gint64 arrival_ns, guint32 clock_rate) {
  gint64 elapsed = MAX(0, arrival_ns - t->last_arrival_ns);
  return (guint32)(elapsed / 1000 * clock_rate / 1000000);
}

void oh_timeline_break(OhTimeline *t) { t->rebase = t->started; }

void oh_timeline_map(OhTimeline *t, guint16 *seq, guint32 *timestamp, gint64 arrival_ns,
                     guint32 clock_rate) {
  guint16 in_seq = *seq;
  guint32 in_ts = *timestamp;
  if (!t->started) {
    t->started = TRUE;
    t->last_seq = (guint16)(in_seq - 1);
    t->last_ts = in_ts;
    t->last_arrival_ns = arrival_ns;
  } else if (t->rebase) {
    guint32 ticks = MAX(ticks_since(t, arrival_ns, clock_rate), clock_rate / 100);
    t->seq_offset = (guint16)(t->last_seq + 1 - in_seq);
    t->ts_offset = t->last_ts + ticks - in_ts;
    t->rebase = FALSE;
  } else {
    gint32 moved = (gint32)(in_ts + t->ts_offset - t->last_ts);
    gint32 passed = (gint32)ticks_since(t, arrival_ns, clock_rate);
    if (ABS((gint64)moved - passed) > (gint64)clock_rate * JUMP_SECONDS)
      t->ts_offset = t->last_ts + MAX((guint32)passed, clock_rate / 100) - in_ts;
  }
  *seq = (guint16)(in_seq + t->seq_offset);
  *timestamp = in_ts + t->ts_offset;
  if ((gint16)(*seq - t->last_seq) > 0) {
    t->last_seq = *seq;
    t->last_ts = *timestamp;
    t->last_arrival_ns = arrival_ns;
  }
}
