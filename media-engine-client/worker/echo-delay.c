#include "echo-delay.h"

#include <gst/fft/gstfftf32.h>
#include <math.h>
#include <string.h>

enum {
  PER_MS = OH_ECHO_RATE / 1000,
  FFT = 4096,
  NEAR = 2048, /* 512 ms of the microphone are looked for in a second of the far end */
  HOP = 512,
  BINS = FFT / 2 + 1,
  LAGS = FFT - NEAR,
  LEAD = OH_ECHO_LEAD_MS * PER_MS,
};

/* Spectra of a block in `HOP`s: what is older than some seconds hardly counts. */
static const float KEEP = 0.78f;
/* Peak over standard deviation of the correlation; of noise the highest of 2048 is 3 to 4.5. */
static const double CLEAR = 7;
/* Mean square below which nothing is said, as -60 dBFS. */
static const double QUIET = 1073;
/* So many in a row have to agree on a lag, and a known one is only given up for a clearer one. */
enum { AGREE_FIRST = 2, AGREE_LATER = 3, SAME_MS = 4, STAYS_MS = 8 };

struct OhEchoDelay {
  GstFFTF32 *forward, *back;
  float near[NEAR + LEAD]; /* the latest are not looked at yet: their far end may be to come */
  float far[FFT];
  gsize filled; /* samples since the last hop */
  gsize total;
  GstFFTF32Complex mean[BINS];
  double clarity;
  gint candidate_ms;
  guint agreed;
  gboolean known;
  gint lag_ms;
};

OhEchoDelay *oh_echo_delay_new(void) {
  OhEchoDelay *d = g_new0(OhEchoDelay, 1);
  d->forward = gst_fft_f32_new(FFT, FALSE);
  d->back = gst_fft_f32_new(FFT, TRUE);
  return d;
}

void oh_echo_delay_free(OhEchoDelay *d) {
  gst_fft_f32_free(d->forward);
  gst_fft_f32_free(d->back);
  g_free(d);
}

static double power(const float *samples, gsize count) {
  double sum = 0;
  for (gsize i = 0; i < count; i++) sum += (double)samples[i] * samples[i];
  return sum / (double)count;
}

/* Adds the phases of the cross-spectrum of the latest blocks to the mean. */
static void correlate(OhEchoDelay *d) {
  float time[FFT] = {0};
  GstFFTF32Complex near[BINS], far[BINS];
  memcpy(time, d->near, NEAR * sizeof *time);
  gst_fft_f32_fft(d->forward, time, near);
  gst_fft_f32_fft(d->forward, d->far, far);
  for (gsize i = 0; i < BINS; i++) {
    float r = near[i].r * far[i].r + near[i].i * far[i].i;
    float im = near[i].i * far[i].r - near[i].r * far[i].i;
    float size = sqrtf(r * r + im * im) + 1e-6f;
    d->mean[i].r = KEEP * d->mean[i].r + r / size;
    d->mean[i].i = KEEP * d->mean[i].i + im / size;
  }
}

/* The lag at which the mean correlation peaks, ms; `clarity` says by how much. */
static gint peak(OhEchoDelay *d) {
  float time[FFT];
  gst_fft_f32_inverse_fft(d->back, d->mean, time);
  /* The block of the microphone begins LAGS - LEAD after that of the far end: lags run backwards. */
  double sum = 0;
  gsize best = 0;
  for (gsize i = 0; i < LAGS; i++) {
    gsize index = (FFT - i) % FFT;
    sum += (double)time[index] * time[index];
    if (time[index] > time[(FFT - best) % FFT]) best = i;
  }
  double deviation = sqrt(sum / LAGS);
  d->clarity = deviation > 0 ? time[(FFT - best) % FFT] / deviation : 0;
  return ((gint)LAGS - LEAD - (gint)best) / PER_MS;
}

static gboolean judge(OhEchoDelay *d, gint lag_ms) {
  if (d->clarity < CLEAR) {
    d->agreed = 0;
    return FALSE;
  }
  d->agreed = d->agreed > 0 && ABS(lag_ms - d->candidate_ms) <= SAME_MS ? d->agreed + 1 : 1;
  d->candidate_ms = lag_ms;
  if (d->known && ABS(lag_ms - d->lag_ms) <= STAYS_MS) return FALSE;
  if (d->agreed < (d->known ? AGREE_LATER : AGREE_FIRST)) return FALSE;
  d->known = TRUE;
  d->lag_ms = lag_ms;
  return TRUE;
}

static gboolean hop(OhEchoDelay *d) {
  if (d->total < NEAR || power(d->far, FFT) < QUIET || power(d->near, NEAR) < 1) return FALSE;
  correlate(d);
  return judge(d, peak(d));
}

gboolean oh_echo_delay_feed(OhEchoDelay *d, const gint16 *near, const gint16 *far, gsize count) {
  gboolean changed = FALSE;
  while (count > 0) {
    gsize part = MIN(count, HOP - d->filled);
    memmove(d->near, d->near + part, (NEAR + LEAD - part) * sizeof *d->near);
    memmove(d->far, d->far + part, (FFT - part) * sizeof *d->far);
    for (gsize i = 0; i < part; i++) {
      d->near[NEAR + LEAD - part + i] = near[i];
      d->far[FFT - part + i] = far[i];
    }
    d->filled += part;
    d->total += part;
    near += part;
    far += part;
    count -= part;
    if (d->filled < HOP) continue;
    d->filled = 0;
    changed |= hop(d);
  }
  return changed;
}

gboolean oh_echo_delay_lag(const OhEchoDelay *d, gint *lag_ms) {
  if (d->known) *lag_ms = d->lag_ms;
  return d->known;
}

double oh_echo_delay_clarity(const OhEchoDelay *d) { return d->clarity; }
