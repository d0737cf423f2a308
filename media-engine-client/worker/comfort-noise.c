#include "comfort-noise.h"

#include <math.h>

/* What is louder is no comfort: -20 dBov. */
#define LOUDEST 20

void oh_comfort_noise_set(OhComfortNoise *n, guint8 level) {
  double db = MAX(level & 0x7f, LOUDEST);
  /* Equally distributed up to this, its RMS is the level's. */
  n->amplitude = sqrt(3) * 32768 * pow(10, -db / 20);
  if (n->state == 0) n->state = 1;
}

void oh_comfort_noise_fill(OhComfortNoise *n, gint16 *samples, gsize count) {
  for (gsize i = 0; i < count; i++) {
    n->state = n->state * 1664525u + 1013904223u;
    samples[i] = (gint16)lrint(n->amplitude * ((gint32)n->state / 2147483648.0));
  }
}
