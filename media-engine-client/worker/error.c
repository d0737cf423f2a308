#include "error.h"

G_DEFINE_QUARK(offhook-worker-error, oh_error)

static const char *const codes[] = {"failed", "invalid", "not-found", "exists", "limit"};

void oh_error_set(GError **error, const char *code, const char *format, ...) {
  if (error == NULL) return;
  int number = 0;
  for (guint i = 0; i < G_N_ELEMENTS(codes); i++)
    if (g_strcmp0(codes[i], code) == 0) number = (int)i;
  va_list args;
  va_start(args, format);
  *error = g_error_new_valist(oh_error_quark(), number, format, args);
  va_end(args);
}

const char *oh_error_code(const GError *error) {
  return error != NULL && error->domain == oh_error_quark() ? codes[error->code] : codes[0];
}
