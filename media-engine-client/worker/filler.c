#include "filler.h"

struct OhFiller {
  GstElement *element;
  OhFill fill;
  GMutex lock; /* guards all below, and pushing */
  GCond changed;
  GThread *thread;
  gboolean running;
  gint64 due_us; /* monotonic; G_MAXINT64: never */
  GstClockTime start, left;
};

OhFiller *oh_filler_new(GstElement *element, OhFill fill) {
  OhFiller *f = g_new0(OhFiller, 1);
  f->element = element;
  f->fill = fill;
  f->due_us = G_MAXINT64;
  g_mutex_init(&f->lock);
  g_cond_init(&f->changed);
  return f;
}

void oh_filler_free(OhFiller *f) {
  g_mutex_clear(&f->lock);
  g_cond_clear(&f->changed);
  g_free(f);
}

static gpointer run(gpointer data) {
  OhFiller *f = data;
  g_mutex_lock(&f->lock);
  while (f->running) {
    if (f->due_us == G_MAXINT64)
      g_cond_wait(&f->changed, &f->lock);
    else if (g_get_monotonic_time() < f->due_us)
      g_cond_wait_until(&f->changed, &f->lock, f->due_us);
    else {
      GstClockTime start = f->start;
      f->start += OH_FILLER_STEP;
      f->due_us += OH_FILLER_STEP / GST_USECOND;
      f->left -= MIN(f->left, OH_FILLER_STEP);
      if (f->left == 0) f->due_us = G_MAXINT64;
      f->fill(f->element, start);
    }
  }
  g_mutex_unlock(&f->lock);
  return NULL;
}

void oh_filler_change_state(OhFiller *f, GstStateChange transition) {
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    f->running = TRUE;
    f->due_us = G_MAXINT64;
    f->thread = g_thread_new("offhook-filler", run, f);
  } else if (transition == GST_STATE_CHANGE_PAUSED_TO_READY && f->thread != NULL) {
    g_mutex_lock(&f->lock);
    f->running = FALSE;
    g_cond_signal(&f->changed);
    g_mutex_unlock(&f->lock);
    g_thread_join(f->thread);
    f->thread = NULL;
  }
}

void oh_filler_lock(OhFiller *f) { g_mutex_lock(&f->lock); }

void oh_filler_unlock(OhFiller *f) { g_mutex_unlock(&f->lock); }

void oh_filler_begin(OhFiller *f, GstClockTime start, GstClockTime wait, GstClockTime longest) {
  f->left = longest;
  if (f->due_us != G_MAXINT64) return;
  f->start = start;
  f->due_us = g_get_monotonic_time() + (gint64)(wait / GST_USECOND);
  g_cond_signal(&f->changed);
}

gboolean oh_filler_rest(OhFiller *f) {
  gboolean filled = f->due_us != G_MAXINT64;
  f->due_us = G_MAXINT64;
  return filled;
}
