/*
 * `offhookwavsink`: writes 16-bit audio to the WAV file `location` at real time. Silence stands
 * where nothing came, so the file's time is the pipeline's time. The header is kept up to date, so
 * the file is valid whenever the process ends. With `append`, a file of the same format goes on,
 * after as much silence as time has passed.
 */
#pragma once
#include <gst/gst.h>

#define OH_TYPE_WAV_SINK (oh_wav_sink_get_type())
GType oh_wav_sink_get_type(void);
