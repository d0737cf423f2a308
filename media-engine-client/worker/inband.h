/* DTMF as audible tone pairs, ITU-T Q.23, written over the audio that is being sent. */
#pragma once
#include <glib.h>

typedef struct {
  char digits[65];
  guint next;
  guint duration_ms, gap_ms;
  guint64 position; /* samples into the present digit and its gap */
  void (*done)(gpointer);
  gpointer data;
} OhInband;

gboolean oh_inband_start(OhInband *b, const char *digits, guint duration_ms, guint gap_ms,
                         void (*done)(gpointer), gpointer data);
gboolean oh_inband_active(const OhInband *b);
/* Replaces the samples that a digit or a gap covers. */
void oh_inband_render(OhInband *b, gint16 *samples, gsize count, guint rate);
/* `done` is called if digits were under way. */
void oh_inband_stop(OhInband *b);
