#include "limit.h"

enum { HIGHEST = 32000 };

/* Of the gain, in a call. */
static const float RECOVERY = 0.02f;

void oh_limit(float *gain, const gint32 *sum, gint16 *out, gsize count, gsize stride) {
  gint32 peak = 0;
  for (gsize i = 0; i < count; i++) peak = MAX(peak, ABS(sum[i]));
  float from = *gain;
  float room = peak > HIGHEST ? (float)HIGHEST / (float)peak : 1;
  float to = room < from ? room : MIN(room, from + RECOVERY);
  for (gsize i = 0; i < count; i++) {
    /* There before the loudest sample is. */
    float now = to < from ? to : from + (to - from) * (float)i / (float)count;
    out[i * stride] = (gint16)((float)sum[i] * now);
  }
  *gain = to;
}
