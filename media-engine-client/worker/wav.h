/* The RIFF/WAVE container, PCM of 16 bit only. */
#pragma once
#include <glib.h>

typedef struct {
  guint rate;
  guint channels;
  gsize data_offset;
  gsize data_length;
} OhWav;

#define OH_WAV_HEADER 44

/* FALSE for anything else. A length beyond the file's end, as a killed writer leaves it, is cut. */
gboolean oh_wav_parse(const guint8 *file, gsize length, OhWav *out);
void oh_wav_header(guint8 out[OH_WAV_HEADER], guint rate, guint channels, guint32 data_length);
