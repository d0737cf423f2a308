#include "inband.h"

#include <math.h>
#include <string.h>

#include "dtmf-tx.h"

/* -10 dBFS each, so that the pair stays clear of clipping; ITU-T Q.24 receivers take -30…0. */
#define AMPLITUDE (0.316 * 32767)

static void frequencies(int event, double *low, double *high) {
  static const double lows[] = {697, 770, 852, 941};
  static const double highs[] = {1209, 1336, 1477, 1633};
  static const char grid[] = "123A456B789C*0#D";
  static const char names[] = "0123456789*#ABCD";
  int at = (int)(strchr(grid, names[event]) - grid);
  *low = lows[at / 4];
  *high = highs[at % 4];
}

gboolean oh_inband_start(OhInband *b, const char *digits, guint duration_ms, guint gap_ms,
                         void (*done)(gpointer), gpointer data) {
  gsize length = strlen(digits);
  if (oh_inband_active(b) || length == 0 || length >= sizeof b->digits) return FALSE;
  for (gsize i = 0; i < length; i++)
    if (oh_dtmf_event(digits[i]) < 0) return FALSE;
  *b = (OhInband){.duration_ms = duration_ms, .gap_ms = gap_ms, .done = done, .data = data};
  memcpy(b->digits, digits, length);
  return TRUE;
}

gboolean oh_inband_active(const OhInband *b) { return b->digits[b->next] != 0; }

void oh_inband_render(OhInband *b, gint16 *samples, gsize count, guint rate) {
  guint64 on = (guint64)b->duration_ms * rate / 1000;
  guint64 total = on + (guint64)b->gap_ms * rate / 1000;
  double low = 0, high = 0;
  frequencies(oh_dtmf_event(b->digits[b->next]), &low, &high);
  for (gsize i = 0; i < count; i++) {
    double t = 2 * G_PI * (double)b->position / rate;
    samples[i] = b->position < on ? (gint16)(AMPLITUDE * (sin(low * t) + sin(high * t))) : 0;
    if (++b->position < total) continue;
    b->position = 0;
    b->next++;
    if (!oh_inband_active(b)) {
      oh_inband_stop(b);
      return;
    }
    frequencies(oh_dtmf_event(b->digits[b->next]), &low, &high);
  }
}

void oh_inband_stop(OhInband *b) {
  void (*done)(gpointer) = b->done;
  gpointer data = b->data;
  *b = (OhInband){0};
  if (done != NULL) done(data);
}
