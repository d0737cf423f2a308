#include "io.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "rtp-packet.h"

#define EVENTS 64

static int epoll_fd = -1;
static int wake_fd = -1;
/* Held while the thread works on ports: `oh_io_remove` waits for it, so that no event of a removed
 * port is still in hand afterwards. */
static GMutex working;
static GPtrArray *ports; /* guarded by `working` */
static gint64 next_timer_ms;

/* The low bit of a port's address says which of its two sockets. */
static void *pack(OhPort *port, gboolean rtcp) { return (void *)((guintptr)port | (rtcp ? 1 : 0)); }

static void read_socket(OhPort *port, gboolean rtcp, gint64 now_ns) {
  guint8 packet[OH_PACKET_MAX + OH_SRTP_TRAILER];
  OhAddress from;
  from.len = sizeof from.in6;
  ssize_t n = recvfrom(port->fd[rtcp ? 1 : 0], packet, OH_PACKET_MAX, MSG_DONTWAIT | MSG_TRUNC,
                       &from.sa, &from.len);
  if (n < 0) return; /* also where an ICMP error of what we sent is reported */
  if (n > OH_PACKET_MAX) n = 0;
  oh_port_receive(port, rtcp, packet, (gsize)n, &from, now_ns);
}

static void run_timers(gint64 now_ns) {
  next_timer_ms = G_MAXINT64;
  for (guint i = 0; i < ports->len; i++) {
    OhPort *port = g_ptr_array_index(ports, i);
    g_mutex_lock(&port->lock);
    gint64 next = oh_port_timers(port, now_ns);
    g_mutex_unlock(&port->lock);
    next_timer_ms = MIN(next_timer_ms, next);
  }
}

static gpointer run(gpointer data) {
  struct epoll_event events[EVENTS];
  for (;;) {
    int timeout = -1;
    g_mutex_lock(&working);
    if (next_timer_ms != G_MAXINT64)
      timeout = (int)CLAMP(next_timer_ms - oh_now_ns() / 1000000 + 1, 0, 60000);
    g_mutex_unlock(&working);
    int n = epoll_wait(epoll_fd, events, EVENTS, timeout);
    if (n < 0 && errno != EINTR) g_error("epoll_wait: %s", g_strerror(errno));
    g_mutex_lock(&working);
    gint64 now_ns = oh_now_ns();
    for (int i = 0; i < n; i++) {
      guintptr bits = (guintptr)events[i].data.ptr;
      OhPort *port = (OhPort *)(bits & ~(guintptr)1);
      if (port == NULL) {
        guint64 count;
        if (read(wake_fd, &count, sizeof count) > 0) next_timer_ms = 0;
      } else if (g_ptr_array_find(ports, port, NULL)) {
        read_socket(port, (bits & 1) != 0, now_ns);
        /* A digit may have begun, which has a timer. */
        if (port->rx.dtmf.active) next_timer_ms = MIN(next_timer_ms, now_ns / 1000000 + 50);
      }
    }
    if (now_ns / 1000000 >= next_timer_ms) run_timers(now_ns);
    g_mutex_unlock(&working);
  }
  return NULL;
}

void oh_io_start(void) {
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (epoll_fd < 0 || wake_fd < 0) g_error("epoll: %s", g_strerror(errno));
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event);
  ports = g_ptr_array_new();
  next_timer_ms = G_MAXINT64;
  g_thread_unref(g_thread_new("network", run, NULL));
}

void oh_io_add(OhPort *port) {
  g_mutex_lock(&working);
  g_ptr_array_add(ports, port);
  for (int i = 0; i < 2; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = pack(port, i == 1)};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, port->fd[i], &event);
  }
  g_mutex_unlock(&working);
}

void oh_io_remove(OhPort *port) {
  g_mutex_lock(&working);
  g_ptr_array_remove(ports, port);
  for (int i = 0; i < 2; i++) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, port->fd[i], NULL);
  g_mutex_unlock(&working);
}

void oh_io_wake(void) {
  guint64 one = 1;
  if (write(wake_fd, &one, sizeof one) < 0) g_debug("wake: %s", g_strerror(errno));
}
