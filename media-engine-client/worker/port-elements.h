/*
 * A pipeline's access to a port, named by the property `port`: RTP from a payloader goes into
 * `offhookrtpsink`; RTP of the peer comes out of `offhookrtpsrc`, with the caps of its property
 * `caps`. Elements come and go; the port stays. What a pipeline attaches last is what counts, so a
 * successor takes over while its predecessor still runs.
 */
#pragma once
#include <gst/gst.h>

#include "port.h"

#define OH_TYPE_RTP_SRC (oh_rtp_src_get_type())
GType oh_rtp_src_get_type(void);

#define OH_TYPE_RTP_SINK (oh_rtp_sink_get_type())
GType oh_rtp_sink_get_type(void);

/* On the network thread; takes the buffer. */
void oh_rtp_src_push(GstElement *rtp_src, GstBuffer *buffer);
