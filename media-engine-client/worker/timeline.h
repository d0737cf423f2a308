/*
 * Joins the streams that one leg hears one after the other (another SSRC, a sender that started
 * anew, a jump of its clock) into a single one whose sequence and timestamp never break, so that
 * the jitter buffer behind it has nothing to recover from.
 */
#pragma once
#include <glib.h>

typedef struct {
  gboolean started;
  gboolean rebase;
  guint16 seq_offset;
  guint32 ts_offset;
  guint16 last_seq;
  guint32 last_ts;
  gint64 last_arrival_ns;
} OhTimeline;

/* The next packet continues where the last one ended. */
void oh_timeline_break(OhTimeline *t);
/* Maps `seq` and `timestamp` in place. */
void oh_timeline_map(OhTimeline *t, guint16 *seq, guint32 *timestamp, gint64 arrival_ns,
                     guint32 clock_rate);
