/*
 * `offhookrecordsrc`: what two sides of a call have said, from buses, as a live source at 48 kHz. With
 * two channels the left one is what is on the buses `near` (names, with spaces between them) and the
 * right one what is on `far`; with one channel both are added. It is some 400 ms behind, so that
 * whatever is late on its way to a bus is still in; `end` makes it catch up and end the stream.
 *
 * While `paused`, silence comes in place of both, from what had not been given out yet to the moment of
 * `paused=false`: what was said in between is read from no bus, neither then nor later.
 */
#pragma once
#include <gst/gst.h>

#define OH_TYPE_RECORD_SOURCE (oh_record_source_get_type())
GType oh_record_source_get_type(void);
