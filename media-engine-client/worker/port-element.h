/*
 * `offhookport`: a pipeline's access to a port. RTP from a payloader goes in at `sink`; RTP of the
 * peer comes out at `src`, with the caps of the property `caps`. The element may come and go; the
 * port (property `port`, its id) stays.
 */
#pragma once
#include <gst/gst.h>

#include "port.h"

#define OH_TYPE_PORT_ELEMENT (oh_port_element_get_type())
GType oh_port_element_get_type(void);

/* On the network thread; takes the buffer. */
void oh_port_element_push(OhPortElement *element, GstBuffer *buffer);
