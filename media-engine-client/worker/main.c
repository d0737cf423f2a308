/*
 * offhook-worker SOCKET [LEASE_MS]: plays and records audio over RTP for whoever commands it on
 * SOCKET, and goes on doing so while nobody does, for the lease. It knows nothing of calls.
 *
 * Exit codes: 0 the lease ended or it was told to quit, 2 usage, 3 the socket's path cannot be
 * used, 4 another worker serves there, 5 GStreamer is not usable.
 */
#include <errno.h>
#include <glib-unix.h>
#include <gst/gst.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bus-elements.h"
#include "conceal.h"
#include "control.h"
#include "counters.h"
#include "g722.h"
#include "io.h"
#include "live-source.h"
#include "opus.h"
#include "pipeline.h"
#include "port-elements.h"
#include "port.h"
#include "record-source.h"
#include "voice.h"
#include "wav-sink.h"

enum { EXIT_USAGE = 2, EXIT_PATH = 3, EXIT_TAKEN = 4, EXIT_GSTREAMER = 5 };

/* A leg takes some descriptors in each of its elements; the default limit is reached by fifty. */
static void raise_limits(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

/* Audio goes before what can wait, where that is allowed (RLIMIT_NICE, root). */
static void raise_priority(void) {
  if (setpriority(PRIO_PROCESS, 0, -11) != 0) g_debug("no higher priority: %s", g_strerror(errno));
}

static gboolean register_elements(void) {
  const struct {
    const char *name;
    GType type;
  } elements[] = {
      {"offhookrtpsrc", OH_TYPE_RTP_SRC},       {"offhookrtpsink", OH_TYPE_RTP_SINK},
      {"offhooksrc", OH_TYPE_LIVE_SOURCE},      {"offhookwavsink", OH_TYPE_WAV_SINK},
      {"offhookg722enc", OH_TYPE_G722_ENCODER}, {"offhookg722dec", OH_TYPE_G722_DECODER},
      {"offhookopusenc", OH_TYPE_OPUS_ENCODER}, {"offhookopusdec", OH_TYPE_OPUS_DECODER},
      {"offhookplc", OH_TYPE_CONCEAL},          {"offhooktap", OH_TYPE_TAP},
      {"offhookmix", OH_TYPE_MIX},              {"offhookvoice", OH_TYPE_VOICE},
      {"offhookrecordsrc", OH_TYPE_RECORD_SOURCE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(elements); i++)
    if (!gst_element_register(NULL, elements[i].name, GST_RANK_NONE, elements[i].type)) return FALSE;
  return TRUE;
}

static gboolean on_signal(gpointer loop) {
  g_main_loop_quit(loop);
  return G_SOURCE_REMOVE;
}

int main(int argc, char **argv) {
  GError *error = NULL;
  guint64 lease_ms = 10000;
  if (argc < 2 || argc > 3 ||
      (argc == 3 && !g_ascii_string_to_unsigned(argv[2], 10, 0, 86400000, &lease_ms, NULL))) {
    fprintf(stderr, "usage: offhook-worker SOCKET [LEASE_MS]\n");
    return EXIT_USAGE;
  }
  signal(SIGPIPE, SIG_IGN);
  /* The terminal's hang-up and interrupt are meant for the engine; this outlives it. */
  signal(SIGHUP, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  g_set_prgname("offhook-worker");
  g_log_writer_default_set_use_stderr(TRUE);
  raise_limits();
  raise_priority();
  GMainLoop *loop = g_main_loop_new(NULL, FALSE);
  /* Listening comes first: a client can connect while plugins are still being looked up. */
  OhControlResult opened = oh_control_open(argv[1], (guint)lease_ms, loop);
  if (opened == OH_CONTROL_TAKEN) {
    fprintf(stderr, "offhook-worker: another worker serves %s\n", argv[1]);
    return EXIT_TAKEN;
  }
  char *counters = g_strconcat(argv[1], ".counters", NULL);
  if (opened == OH_CONTROL_UNUSABLE || !oh_counters_open(counters, &error)) {
    fprintf(stderr, "offhook-worker: %s cannot be used: %s\n", argv[1],
            error == NULL ? g_strerror(errno) : error->message);
    oh_control_close();
    return EXIT_PATH;
  }
  if (!gst_init_check(NULL, NULL, &error) || !register_elements()) {
    fprintf(stderr, "offhook-worker: GStreamer: %s\n", error == NULL ? "?" : error->message);
    oh_control_close();
    return EXIT_GSTREAMER;
  }
  oh_io_start();
  g_unix_signal_add(SIGTERM, on_signal, loop);
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) g_debug("nobody waits for us");
  g_main_loop_run(loop);
  oh_control_close();
  oh_pipeline_close_all();
  oh_port_close_all();
  unlink(counters);
  g_free(counters);
  return EXIT_SUCCESS;
}
