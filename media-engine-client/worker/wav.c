#include "wav.h"

#include <string.h>

static guint16 le16(const guint8 *p) { return (guint16)(p[0] | p[1] << 8); }
static guint32 le32(const guint8 *p) { return (guint32)le16(p) | (guint32)le16(p + 2) << 16; }
static guint8 *put16(guint8 *p, guint v) {
  p[0] = (guint8)v;
  p[1] = (guint8)(v >> 8);
  return p + 2;
}
static guint8 *put32(guint8 *p, guint32 v) { return put16(put16(p, v & 0xffff), v >> 16); }
static guint8 *text(guint8 *p, const char *four) { return (guint8 *)memcpy(p, four, 4) + 4; }

gboolean oh_wav_parse(const guint8 *file, gsize length, OhWav *out) {
  gboolean format = FALSE;
  if (length < 12 || memcmp(file, "RIFF", 4) != 0 || memcmp(file + 8, "WAVE", 4) != 0) return FALSE;
  for (gsize at = 12; length - at >= 8;) {
    gsize size = le32(file + at + 4);
    gsize body = at + 8;
    if (memcmp(file + at, "fmt ", 4) == 0 && size >= 16 && length - body >= 16) {
      guint kind = le16(file + body); /* 0xfffe: extensible, PCM in its first sub-format bytes */
      gboolean pcm = kind == 1 || (kind == 0xfffe && size >= 26 && length - body >= 26 &&
                                   le16(file + body + 24) == 1);
      out->channels = le16(file + body + 2);
      out->rate = le32(file + body + 4);
      format = pcm && le16(file + body + 14) == 16 && out->channels >= 1 && out->channels <= 2 &&
               out->rate >= 4000 && out->rate <= 192000;
    } else if (memcmp(file + at, "data", 4) == 0) {
      out->data_offset = body;
      out->data_length = MIN(size, length - body);
      out->data_length -= out->data_length % (2 * MAX(1, out->channels));
      return format && out->data_length > 0;
    }
    if (size > length - body) return FALSE;
    at = body + size + (size & 1);
    if (at > length) return FALSE;
  }
  return FALSE;
}

void oh_wav_header(guint8 out[OH_WAV_HEADER], guint rate, guint channels, guint32 data_length) {
  guint8 *p = text(out, "RIFF");
  p = put32(p, data_length + OH_WAV_HEADER - 8);
  p = text(text(p, "WAVE"), "fmt ");
  p = put32(p, 16);
  p = put16(put16(p, 1), channels);
  p = put32(put32(p, rate), rate * channels * 2);
  p = put16(put16(p, channels * 2), 16);
  put32(text(p, "data"), data_length);
}
