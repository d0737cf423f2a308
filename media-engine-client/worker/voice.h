/*
 * `offhookvoice` takes what else there is out of the voice: the echo of what is tapped on the bus
 * `far-end`, noise, and differences of level. What is off costs neither time nor work.
 */
#pragma once
#include <gst/gst.h>

#define OH_TYPE_VOICE (oh_voice_get_type())
GType oh_voice_get_type(void);
