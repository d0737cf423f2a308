#include "control.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "events.h"

#define MAX_CLIENTS 4
#define MAX_EVENTS 4096

static char *socket_path;
static int listener = -1;
static GPtrArray *clients;
static guint lease = 10000;
static guint lease_timer;
static GMainLoop *main_loop;
static GAsyncQueue *events;
static gint events_scheduled;

static gboolean lease_over(gpointer data) {
  g_message("no client for %u ms: stopping", lease);
  lease_timer = 0;
  g_main_loop_quit(main_loop);
  return G_SOURCE_REMOVE;
}

static void restart_lease(void) {
  if (lease_timer != 0) g_source_remove(lease_timer);
  lease_timer = clients->len == 0 ? g_timeout_add(lease, lease_over, NULL) : 0;
}

void oh_control_set_lease(guint lease_ms) {
  lease = lease_ms;
  restart_lease();
}

static gboolean end_loop(gpointer data) {
  g_main_loop_quit(main_loop);
  return G_SOURCE_REMOVE;
}

void oh_control_quit(void) { g_idle_add(end_loop, NULL); }

static void client_gone(OhClient *client) {
  g_ptr_array_remove(clients, client);
  oh_client_unref(client);
  restart_lease();
}

/* Only the user that the worker runs as: the socket hears SRTP keys. */
static gboolean same_user(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return FALSE;
  return peer.uid == getuid();
}

static gboolean on_connect(gint fd, GIOCondition condition, gpointer data) {
  int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (peer < 0) return G_SOURCE_CONTINUE;
  if (!same_user(peer) || clients->len >= MAX_CLIENTS) {
    g_warning("a client was refused");
    close(peer);
    return G_SOURCE_CONTINUE;
  }
  g_ptr_array_add(clients, oh_client_new(peer, client_gone));
  restart_lease();
  return G_SOURCE_CONTINUE;
}

static gboolean somebody_listens(const struct sockaddr_un *address) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gboolean yes = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
  if (fd >= 0) close(fd);
  return yes;
}

static gpointer copy_client(gconstpointer client, gpointer data) {
  return oh_client_ref((OhClient *)client);
}

static gboolean send_events(gpointer data) {
  JsonObject *event;
  g_atomic_int_set(&events_scheduled, 0);
  while ((event = g_async_queue_try_pop(events)) != NULL) {
    /* A client that is dropped while it is written to leaves the array. */
    GPtrArray *now = g_ptr_array_copy(clients, copy_client, NULL);
    for (guint i = 0; i < now->len; i++) {
      oh_client_send(g_ptr_array_index(now, i), event);
      oh_client_unref(g_ptr_array_index(now, i));
    }
    g_ptr_array_unref(now);
    json_object_unref(event);
  }
  return G_SOURCE_REMOVE;
}

void oh_event(const char *name, JsonObject *fields) {
  JsonObject *event = fields == NULL ? json_object_new() : fields;
  json_object_set_string_member(event, "event", name);
  if (events == NULL || g_async_queue_length(events) > MAX_EVENTS) {
    json_object_unref(event);
    return;
  }
  g_async_queue_push(events, event);
  if (g_atomic_int_compare_and_exchange(&events_scheduled, 0, 1))
    g_idle_add_full(G_PRIORITY_HIGH, send_events, NULL, NULL);
}

OhControlResult oh_control_open(const char *path, guint lease_ms, GMainLoop *loop) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return OH_CONTROL_UNUSABLE;
  strcpy(address.sun_path, path);
  if (somebody_listens(&address)) return OH_CONTROL_TAKEN;
  unlink(path);
  listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  mode_t before = umask(0177);
  int bound = listener < 0 ? -1 : bind(listener, (struct sockaddr *)&address, sizeof address);
  umask(before);
  if (bound != 0 || listen(listener, MAX_CLIENTS) != 0) return OH_CONTROL_UNUSABLE;
  socket_path = g_strdup(path);
  clients = g_ptr_array_new();
  events = g_async_queue_new();
  main_loop = loop;
  g_unix_fd_add(listener, G_IO_IN, on_connect, NULL);
  oh_control_set_lease(lease_ms);
  return OH_CONTROL_OK;
}

void oh_control_close(void) {
  if (socket_path == NULL) return;
  unlink(socket_path);
  close(listener);
  g_clear_pointer(&socket_path, g_free);
}
