/*
 * A pipeline's access to buses: `offhooktap` adds what goes through it to the bus `bus`, which can be
 * set while it runs, at the time at which the sink plays it, or with `captured` at the time of its
 * timestamps; `offhookmix` adds what is heard now on `buses` (names, with spaces between them) to what
 * goes through.
 */
#pragma once
#include <gst/gst.h>

#define OH_TYPE_TAP (oh_tap_get_type())
GType oh_tap_get_type(void);

#define OH_TYPE_MIX (oh_mix_get_type())
GType oh_mix_get_type(void);
