/* Tones in steps, as call progress tones are: each a sum of sines, or silence. */
#pragma once
#include <glib.h>

#define OH_TONE_STEPS 16
#define OH_TONE_FREQUENCIES 6

typedef struct {
  struct {
    double hz[OH_TONE_FREQUENCIES];
    guint count;
    guint ms;
  } step[OH_TONE_STEPS];
  guint steps;
  guint total_ms;
  double amplitude; /* of each frequency, 0…1 */
} OhTone;

/* FALSE when the text is not what live-source.h says. */
gboolean oh_tone_parse(OhTone *tone, const char *text, double level_db);
/* Samples `position`… of the tone that began at 0; a continuous tone's phase never jumps. */
void oh_tone_render(const OhTone *tone, gint16 *samples, gsize count, guint64 position, guint rate);
