/*
 * `offhookplc`: packet loss concealment for decoders that have none, see plc.h. It fills GAP events
 * of 10 ms to 2 s and drops others: the jitter buffer makes tiny ones without any loss, and minutes
 * of silence need no audio.
 */
#pragma once
#include <gst/gst.h>

#define OH_TYPE_CONCEAL (oh_conceal_get_type())
GType oh_conceal_get_type(void);
