/* Pipelines by name. Building, starting and closing happen on threads of their own: opening or
 * closing a device can take seconds. All functions are for the main thread. */
#pragma once
#include <gst/gst.h>

#include "probes.h"

typedef struct {
  char *id;
  char *tag;
  GstElement *bin;
  GPtrArray *probes; /* of OhProbe */
  gboolean starting; /* another thread has it: only `id` and `tag` may be read */
} OhPipeline;

/* `done(error, data)` on the main thread; takes the error, which is NULL on success. */
typedef void (*OhPipelineDone)(GError *error, gpointer data);

typedef struct {
  const char *id;
  const char *tag;
  const char *description; /* gst-launch syntax */
  JsonArray *probes;       /* may be NULL */
  gint64 serial;           /* comes back in this pipeline's events */
  gboolean close_first;    /* a device that only one may open */
} OhPipelinePlay;

/* A pipeline of the same id is replaced: it is closed once the new one plays. */
void oh_pipeline_play(const OhPipelinePlay *play, OhPipelineDone done, gpointer data);
/* An id that is not there is closed already. */
void oh_pipeline_close(const char *id, OhPipelineDone done, gpointer data);
OhPipeline *oh_pipeline_find(const char *id);
GList *oh_pipeline_all(void); /* free the list only */
OhProbe *oh_pipeline_probe(OhPipeline *pipeline, const char *name);
/* Closes all and waits, at most a few seconds. */
void oh_pipeline_close_all(void);
