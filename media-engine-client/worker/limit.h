/* Several voices added up can be more than 16 bit have room for. */
#pragma once
#include <glib.h>

/*
 * Writes `sum` to every `stride`th sample of `out`, turned down by `gain` (1 at first, kept from
 * call to call): at once where there is no room, up again slowly, because peaks that are cut off
 * would be heard.
 */
void oh_limit(float *gain, const gint32 *sum, gint16 *out, gsize count, gsize stride);
