/* Failures of a verb: a stable word for programs, a sentence for people. */
#pragma once
#include <glib.h>

/* `code`: invalid, not-found, exists, limit, failed. */
void oh_error_set(GError **error, const char *code, const char *format, ...) G_GNUC_PRINTF(3, 4);
const char *oh_error_code(const GError *error);
