#include "tone.h"

#include <math.h>
#include <string.h>

#define RAMP_MS 4 /* against clicks at the edges */

static gboolean parse_step(OhTone *tone, const char *word) {
  char *end = (char *)word;
  guint at = tone->steps++;
  while (*end != '/') {
    if (tone->step[at].count == OH_TONE_FREQUENCIES) return FALSE;
    const char *start = end;
    double hz = g_ascii_strtod(start, &end);
    if (end == start || !(hz > 0 && hz < 24000)) return FALSE;
    tone->step[at].hz[tone->step[at].count++] = hz;
    if (*end == '+') end++;
  }
  guint64 ms;
  if (!g_ascii_string_to_unsigned(end + 1, 10, 1, 3600000, &ms, NULL)) return FALSE;
  tone->step[at].ms = (guint)ms;
  tone->total_ms += (guint)ms;
  return TRUE;
}

gboolean oh_tone_parse(OhTone *tone, const char *text, double level_db) {
  memset(tone, 0, sizeof *tone);
  tone->amplitude = pow(10, MIN(level_db, 0) / 20);
  if (text == NULL) return TRUE;
  char **words = g_strsplit(text, " ", -1);
  gboolean ok = TRUE;
  for (char **word = words; *word != NULL && ok; word++)
    if (**word != 0) ok = tone->steps < OH_TONE_STEPS && parse_step(tone, *word);
  g_strfreev(words);
  return ok;
}

/* Which step a sample is in, how far into it, and how many samples it lasts. */
static guint find_step(const OhTone *tone, guint64 position, guint rate, guint64 *into,
                       guint64 *length) {
  guint64 at = position % ((guint64)tone->total_ms * rate / 1000);
  guint step = 0;
  for (; step + 1 < tone->steps; step++) {
    *length = (guint64)tone->step[step].ms * rate / 1000;
    if (at < *length) break;
    at -= *length;
  }
  *length = (guint64)tone->step[step].ms * rate / 1000;
  *into = at;
  return step;
}

/* A run of samples within one step. */
static void render_run(const OhTone *tone, guint step, gint16 *samples, gsize count, guint64 from,
                       guint64 length, guint rate) {
  guint frequencies = tone->step[step].count;
  double scale = tone->amplitude * 32767;
  if (scale * frequencies > 32767) scale = 32767.0 / frequencies;
  double ramp = MAX(1.0, rate * RAMP_MS / 1000.0);
  double sum[count];
  memset(sum, 0, sizeof sum);
  for (guint f = 0; f < frequencies; f++) {
    /* y[n] = 2 cos(w) y[n-1] - y[n-2]: two operations a sample. Started afresh for each run, so no
     * error adds up. */
    double turns = tone->step[step].hz[f] / rate;
    double w = 2 * G_PI * turns;
    double start = fmod((double)from * turns, 1) * 2 * G_PI;
    double k = 2 * cos(w), y1 = sin(start - w), y2 = sin(start - 2 * w);
    for (gsize i = 0; i < count; i++) {
      double y = k * y1 - y2;
      sum[i] += y;
      y2 = y1;
      y1 = y;
    }
  }
  for (gsize i = 0; i < count; i++) {
    double edge = tone->steps == 1 ? 1 : MIN((double)(from + i), (double)(length - from - i)) / ramp;
    samples[i] = (gint16)(sum[i] * scale * MIN(edge, 1));
  }
}

void oh_tone_render(const OhTone *tone, gint16 *samples, gsize count, guint64 position,
                    guint rate) {
  if (tone->steps == 0 || (guint64)tone->total_ms * rate < 1000) {
    memset(samples, 0, count * sizeof *samples);
    return;
  }
  for (gsize done = 0; done < count;) {
    guint64 into = position + done, length = G_MAXUINT64;
    guint step = 0;
    if (tone->steps > 1) step = find_step(tone, position + done, rate, &into, &length);
    gsize run = (gsize)MIN(count - done, length - into);
    render_run(tone, step, samples + done, run, into, length, rate);
    done += run;
  }
}
