/*
 * Audio that an element makes by itself while none comes: a thread that wakes when the element's output
 * would run dry. A peer that says nothing in silence (DTX) leaves gaps that are no loss, and which no
 * packet behind them tells of in time.
 */
#pragma once
#include <gst/gst.h>

typedef struct OhFiller OhFiller;

/* Makes and pushes audio for the time from `start` on, of OH_FILLER_STEP. Called with the lock held. */
typedef void (*OhFill)(GstElement *element, GstClockTime start);

#define OH_FILLER_STEP (20 * GST_MSECOND)

OhFiller *oh_filler_new(GstElement *element, OhFill fill);
void oh_filler_free(OhFiller *filler);

/* The thread runs from READY to PAUSED on, and back. Call it before the parent's own. */
void oh_filler_change_state(OhFiller *filler, GstStateChange transition);

/* Whoever pushes by itself holds the lock meanwhile. */
void oh_filler_lock(OhFiller *filler);
void oh_filler_unlock(OhFiller *filler);

/*
 * With the lock held: fills from `start` on, `wait` from now, for `longest` at most; what is filled already
 * goes on for that long.
 */
void oh_filler_begin(OhFiller *filler, GstClockTime start, GstClockTime wait, GstClockTime longest);
/* With the lock held: nothing is to be filled any more. FALSE if nothing was. */
gboolean oh_filler_rest(OhFiller *filler);
