/*
 * `offhooksrc`: a live source of 16-bit mono or stereo audio that stands for a microphone. Property
 * `location`: a WAV file (PCM, 16 bit), played again and again; or `tones`: steps separated by
 * spaces, each `HZ+HZ…/MS` (no frequency: silence), played in order and again, of which a single
 * one is continuous, every frequency at `level-db`. With neither: silence. `frame-ms` is the length
 * of its buffers.
 */
#pragma once
#include <gst/gst.h>

#define OH_TYPE_LIVE_SOURCE (oh_live_source_get_type())
GType oh_live_source_get_type(void);
