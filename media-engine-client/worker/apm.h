/*
 * Echo canceller, noise suppression and gain control of libwebrtc-audio-processing, in C. Frames of
 * 10 ms, 16-bit mono. Not thread-safe.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

typedef struct OhApm OhApm;

typedef struct {
  gboolean echo;    /* echo cancellation (AEC) */
  guint noise;      /* noise suppression: 0 off, 1 low, 2 moderate, 3 high, 4 very high */
  gboolean gain;    /* adaptive digital gain control */
} OhApmSettings;

/* `rate` and `far_rate` are 8000, 16000 or 48000 Hz. NULL where the library refuses. */
OhApm *oh_apm_new(guint rate, guint far_rate);
void oh_apm_free(OhApm *apm);
void oh_apm_set(OhApm *apm, const OhApmSettings *settings);
/*
 * Processes `near` in place, in which `far` is heard as echo 10 to 60 ms later; NULL where it is not
 * looked for. FALSE where the library refuses.
 */
gboolean oh_apm_process(OhApm *apm, gint16 *near, const gint16 *far);
/* Whether the last frame held echo. */
gboolean oh_apm_has_echo(const OhApm *apm);

G_END_DECLS
