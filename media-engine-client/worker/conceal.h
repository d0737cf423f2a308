/*
 * `offhookplc`: packet loss concealment for decoders that have none, by libspandsp. It fills GAP
 * events of 10 ms to 2 s and drops others. GStreamer's own spanplc does the same without those
 * bounds, and Debian 12's crashes on gaps of less than 3.75 ms, which a peer can cause.
 */
#pragma once
#include <gst/gst.h>

#define OH_TYPE_CONCEAL (oh_conceal_get_type())
GType oh_conceal_get_type(void);
