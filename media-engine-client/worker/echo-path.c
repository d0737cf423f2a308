#include "echo-path.h"

#include "echo-delay.h"

enum {
  PER_MS = OH_BUS_RATE / 1000,
  FRAME = OH_BUS_RATE / 100,
  SLOW = OH_ECHO_RATE / 100, /* samples of a frame that the lag is looked for in */
  STEP = 20 * PER_MS,        /* smaller steps in time are not followed */
  HOLD_MS = 60,              /* what is played just now may not be on the bus yet */
};

struct OhEchoPath {
  OhBus *bus;
  guint rate;
  OhEchoDelay *delay;
  gint64 next; /* position of the microphone that is expected */
  gint lag_ms;
};

OhEchoPath *oh_echo_path_new(OhBus *bus, guint rate) {
  OhEchoPath *path = g_new0(OhEchoPath, 1);
  path->bus = bus;
  path->rate = rate;
  path->delay = oh_echo_delay_new();
  path->lag_ms = OH_ECHO_MARGIN_MS;
  oh_bus_lag(bus, &path->lag_ms);
  return path;
}

void oh_echo_path_free(OhEchoPath *path) {
  if (path == NULL) return;
  oh_echo_delay_free(path->delay);
  oh_bus_unref(path->bus);
  g_free(path);
}

/* Means of so many samples each: what is lost above 2 kHz is not needed to find a lag. */
static void slow_down(const gint16 *from, guint each, gint16 *to) {
  for (guint i = 0; i < SLOW; i++) {
    gint32 sum = 0;
    for (guint j = 0; j < each; j++) sum += from[i * each + j];
    to[i] = (gint16)(sum / (gint32)each);
  }
}

static gboolean track(OhEchoPath *path, const gint16 *near) {
  gint16 far[FRAME], slow_near[SLOW], slow_far[SLOW];
  oh_bus_read(path->bus, path->next - HOLD_MS * PER_MS, far, FRAME);
  slow_down(near, path->rate / OH_ECHO_RATE, slow_near);
  slow_down(far, OH_BUS_RATE / OH_ECHO_RATE, slow_far);
  gint found;
  if (!oh_echo_delay_feed(path->delay, slow_near, slow_far, SLOW) ||
      !oh_echo_delay_lag(path->delay, &found))
    return FALSE;
  found += HOLD_MS;
  oh_bus_set_lag(path->bus, found);
  gboolean changed = ABS(found - path->lag_ms) > OH_ECHO_MARGIN_MS / 2;
  path->lag_ms = changed ? found : path->lag_ms;
  return changed;
}

gboolean oh_echo_path_next(OhEchoPath *path, const gint16 *near, gint64 position, gint16 *far) {
  if (ABS(position - path->next) > STEP) path->next = position;
  gboolean changed = track(path, near);
  gint64 ago = (gint64)(path->lag_ms - OH_ECHO_MARGIN_MS) * PER_MS;
  oh_bus_read(path->bus, path->next - ago, far, FRAME);
  path->next += FRAME;
  return changed;
}

gboolean oh_echo_path_lag(const OhEchoPath *path, gint *lag_ms) {
  if (!oh_echo_delay_lag(path->delay, lag_ms)) return FALSE;
  *lag_ms += HOLD_MS;
  return TRUE;
}

double oh_echo_path_clarity(const OhEchoPath *path) { return oh_echo_delay_clarity(path->delay); }
