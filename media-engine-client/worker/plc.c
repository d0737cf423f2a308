#include "plc.h"

#include <string.h>

/* All in ms. Voices have 66-200 Hz; a tone fits in some multiple of its own period. */
#define SHORTEST 5
#define LONGEST 15
#define COMPARED 20
#define STEADY 10
#define FADED 60
#define CROSS_FADE 5

static guint ms(const OhPlc *p, guint n) { return p->rate * n / 1000; }

void oh_plc_init(OhPlc *p, guint rate) {
  memset(p, 0, sizeof *p);
  p->rate = rate;
  p->length = ms(p, 50);
}

static void remember(OhPlc *p, const gint16 *samples, gsize count) {
  gsize keep = MIN(count, p->length);
  memmove(p->history, p->history + keep, (p->length - keep) * sizeof *samples);
  memcpy(p->history + p->length - keep, samples + count - keep, keep * sizeof *samples);
}

/* The lag at which the newest part of the history is most like what came before it. */
static guint find_period(const OhPlc *p) {
  guint window = ms(p, COMPARED);
  const gint16 *newest = p->history + p->length - window;
  guint best = ms(p, SHORTEST);
  double best_score = -1;
  /* Above 8 kHz every other sample will do to find the lag. */
  guint step = MAX(1, p->rate / 8000);
  for (guint lag = ms(p, SHORTEST); lag <= ms(p, LONGEST); lag++) {
    double product = 0, energy = 1;
    for (guint i = 0; i < window; i += step) {
      double old = newest[(gint)i - (gint)lag];
      product += old * newest[i];
      energy += old * old;
    }
    double score = product <= 0 ? 0 : product * product / energy;
    if (score > best_score) {
      best_score = score;
      best = lag;
    }
  }
  return best;
}

/* One period to repeat, its end blended with what preceded its beginning, so that it joins up. */
static void start(OhPlc *p) {
  guint n = find_period(p);
  const gint16 *end = p->history + p->length;
  memcpy(p->period, end - n, n * sizeof *p->period);
  guint blend = n / 4;
  for (guint i = 0; i < blend; i++) {
    double w = (i + 1.0) / (blend + 1.0);
    p->period[n - blend + i] =
        (gint16)((1 - w) * *(end - blend + i) + w * *(end - n - blend + i));
  }
  p->period_length = n;
  p->at = 0;
  p->filled = 0;
}

static gint16 next(OhPlc *p) {
  guint steady = ms(p, STEADY), faded = ms(p, FADED);
  gint16 sample = p->period[p->at];
  p->at = (p->at + 1) % p->period_length;
  guint age = p->filled++;
  if (age < steady) return sample;
  if (age >= faded) return 0;
  return (gint16)(sample * (gint32)(faded - age) / (gint32)(faded - steady));
}

void oh_plc_fill(OhPlc *p, gint16 *samples, gsize count) {
  if (!p->heard) {
    memset(samples, 0, count * sizeof *samples);
    return;
  }
  if (p->period_length == 0) start(p);
  for (gsize i = 0; i < count; i++) samples[i] = next(p);
  remember(p, samples, count);
}

void oh_plc_receive(OhPlc *p, gint16 *samples, gsize count) {
  if (p->period_length > 0) {
    gsize fade = MIN(count, ms(p, CROSS_FADE));
    for (gsize i = 0; i < fade; i++) {
      gint32 old = next(p);
      samples[i] = (gint16)((old * (gint32)(fade - i) + samples[i] * (gint32)i) / (gint32)fade);
    }
    p->period_length = 0;
  }
  remember(p, samples, count);
  p->heard = TRUE;
}
