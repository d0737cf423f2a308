/*
 * What is watched or changed inside a pipeline on the way of the buffers, cheaper than by an
 * element: levels, concealment, filters, tones mixed in. A description names them:
 *
 *   {"kind":"level","element":"dec","pad":"src","name":"output"}   RMS since it was last read
 *   {"kind":"gaps","element":"plc","pad":"sink","name":"plc","minMs":10,"maxMs":2000}
 *        drops GAP events outside these lengths or of unknown length, counts the others
 *   {"kind":"empty","element":"depay","pad":"sink"}   drops RTP packets without a payload
 *   {"kind":"stats","element":"jitter","name":"jitter"}   the numbers in the property `stats`
 *   {"kind":"mixer","element":"enc","pad":"sink","name":"inband"}   see oh_probe_play
 */
#pragma once
#include <gst/gst.h>
#include <json-glib/json-glib.h>

typedef struct OhProbe OhProbe;

OhProbe *oh_probe_install(GstBin *bin, JsonObject *description, GError **error);
void oh_probe_unref(OhProbe *probe);
const char *oh_probe_name(const OhProbe *probe); /* NULL: has nothing to tell */
/* Takes its figures; a level starts anew with each reading. */
void oh_probe_read(OhProbe *probe, JsonObject *out);
/*
 * Mixer only: adds two tones for each digit to the audio, which is replaced meanwhile. FALSE when
 * digits are under way. `done` is called on a streaming thread.
 */
gboolean oh_probe_play(OhProbe *probe, const char *digits, guint duration_ms, guint gap_ms,
                       void (*done)(gpointer), gpointer data);
void oh_probe_stop(OhProbe *probe);
