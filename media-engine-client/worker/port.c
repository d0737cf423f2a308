#include "port.h"

#include <errno.h>
#include <netinet/ip.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "io.h"

static GHashTable *ports; /* id → OhPort, guarded by `lock` */
static GMutex lock;

static void set_dscp(int fd, int family, guint dscp) {
  int tos = (int)(dscp << 2);
  /* Both: a dual-stack IPv6 socket marks IPv4 packets by IP_TOS. */
  setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
  if (family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
}

/* Exclusively: no SO_REUSEADDR, or two legs would share a port and each hear half of the other. */
static int bind_udp(OhAddress *address, guint dscp, int *failure) {
  int family = address->sa.sa_family;
  int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    *failure = errno;
    return -1;
  }
  if (family == AF_INET6) {
    int only = IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr) ? 0 : 1;
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
  }
  if (bind(fd, &address->sa, address->len) != 0) {
    *failure = errno;
    close(fd);
    return -1;
  }
  set_dscp(fd, family, dscp);
  return fd;
}

/* The next even port of the range with a free odd one above it, RFC 3550 §11. */
static gboolean bind_pair(const OhPortOpen *o, int fd[2], OhAddress local[2], GError **error) {
  static gboolean begun;
  static guint turn;
  guint first = (o->from + 1) & ~1u;
  guint pairs = o->to < first + 1 ? 0 : (o->to - first + 1) / 2;
  int failure = EADDRINUSE;
  if (!oh_address_parse(&local[0], o->address, 0)) {
    oh_error_set(error, "invalid", "%s is no numeric address", o->address);
    return FALSE;
  }
  /*
   * Ports are used in turn, so that late packets of a call that ended meet a closed port, and each
   * worker begins elsewhere, so that those of a call of its predecessor do not meet another call.
   */
  if (!begun) turn = g_random_int();
  begun = TRUE;
  guint start = pairs > 1 ? turn++ : 0;
  for (guint i = 0; i < pairs; i++) {
    guint port = first + 2 * ((start + i) % pairs);
    local[1] = local[0];
    oh_address_set_port(&local[0], port);
    oh_address_set_port(&local[1], port + 1);
    fd[0] = bind_udp(&local[0], o->dscp, &failure);
    if (fd[0] >= 0) {
      fd[1] = bind_udp(&local[1], o->dscp, &failure);
      if (fd[1] >= 0) return TRUE;
      close(fd[0]);
    }
    if (failure != EADDRINUSE && failure != EACCES) break;
  }
  oh_error_set(error, failure == EADDRINUSE ? "limit" : "failed",
               "no pair of UDP ports on %s from %u to %u: %s", o->address, o->from, o->to,
               g_strerror(failure));
  return FALSE;
}

static void free_port(OhPort *p) {
  oh_srtp_free(p->tx.srtp);
  oh_srtp_free(p->rx.srtp);
  g_free(p->tx.dtmf_token);
  g_free(p->rtcp.cname);
  g_free(p->id);
  g_free(p->tag);
  g_mutex_clear(&p->lock);
  g_free(p);
}

OhPort *oh_port_ref(OhPort *port) {
  g_atomic_ref_count_inc(&port->refs);
  return port;
}

void oh_port_unref(OhPort *port) {
  if (g_atomic_ref_count_dec(&port->refs)) free_port(port);
}

/* A CNAME that says nothing of the person or the machine, RFC 7022 §4.2. */
static char *random_cname(void) {
  guint32 bits[3] = {g_random_int(), g_random_int(), g_random_int()};
  return g_base64_encode((const guchar *)bits, sizeof bits);
}

OhPort *oh_port_open(const OhPortOpen *options, GError **error) {
  g_mutex_lock(&lock);
  if (ports == NULL) ports = g_hash_table_new(g_str_hash, g_str_equal);
  gboolean exists = g_hash_table_contains(ports, options->id);
  g_mutex_unlock(&lock);
  if (exists) {
    oh_error_set(error, "exists", "there is a port %s already", options->id);
    return NULL;
  }
  int fd[2];
  OhAddress local[2];
  OhCounterSlot *slot = oh_counters_take(options->id);
  if (slot == NULL) {
    oh_error_set(error, "limit", "no more than %d ports at a time", OH_COUNTER_SLOTS);
    return NULL;
  }
  if (!bind_pair(options, fd, local, error)) {
    oh_counters_release(slot);
    return NULL;
  }
  OhPort *p = g_new0(OhPort, 1);
  g_atomic_ref_count_init(&p->refs);
  g_mutex_init(&p->lock);
  p->id = g_strdup(options->id);
  p->tag = g_strdup(options->tag);
  memcpy(p->fd, fd, sizeof fd);
  memcpy(p->local, local, sizeof local);
  p->slot = slot;
  p->tx.ssrc = g_random_int();
  /* RFC 3711 §3.3.1 and RFC 4568 §6.4: a first sequence in the lower half keeps both ends' idea
   * of the roll-over counter the same when first packets are lost. */
  p->tx.next_index = (guint64)g_random_int_range(1, 0x8000);
  p->rx.event_payload_type = -1;
  p->rtcp.cname = random_cname();
  slot->tx_ssrc = p->tx.ssrc;
  g_mutex_lock(&lock);
  g_hash_table_insert(ports, p->id, p);
  g_mutex_unlock(&lock);
  oh_io_add(p);
  return p;
}

OhPort *oh_port_find(const char *id) {
  g_mutex_lock(&lock);
  OhPort *port = ports == NULL || id == NULL ? NULL : g_hash_table_lookup(ports, id);
  if (port != NULL) oh_port_ref(port);
  g_mutex_unlock(&lock);
  return port;
}

GPtrArray *oh_port_all(void) {
  GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)oh_port_unref);
  GHashTableIter iter;
  gpointer value;
  g_mutex_lock(&lock);
  if (ports != NULL) {
    g_hash_table_iter_init(&iter, ports);
    while (g_hash_table_iter_next(&iter, NULL, &value)) g_ptr_array_add(all, oh_port_ref(value));
  }
  g_mutex_unlock(&lock);
  return all;
}

void oh_port_close(OhPort *port) {
  g_mutex_lock(&lock);
  gboolean known = g_hash_table_lookup(ports, port->id) == port;
  if (known) g_hash_table_remove(ports, port->id);
  g_mutex_unlock(&lock);
  if (!known) return;
  oh_io_remove(port);
  g_mutex_lock(&port->lock);
  if (port->tx.packets > 0 || port->rtcp.sent > 0) oh_port_report(port, oh_now_ns(), TRUE);
  port->closed = TRUE;
  port->sink = NULL;
  port->src = NULL;
  close(port->fd[0]);
  close(port->fd[1]);
  oh_counters_release(port->slot);
  port->slot = NULL;
  g_mutex_unlock(&port->lock);
  oh_port_unref(port);
}

void oh_port_close_all(void) {
  GPtrArray *all = oh_port_all();
  for (guint i = 0; i < all->len; i++) oh_port_close(g_ptr_array_index(all, i));
  g_ptr_array_unref(all);
}

void oh_port_attach_sink(OhPort *port, GstElement *sink) {
  g_mutex_lock(&port->lock);
  port->sink = sink;
  port->tx.rebase = TRUE;
  g_mutex_unlock(&port->lock);
}

void oh_port_attach_src(OhPort *port, GstElement *src) {
  g_mutex_lock(&port->lock);
  port->src = src;
  g_mutex_unlock(&port->lock);
}

void oh_port_detach(OhPort *port, GstElement *element) {
  g_mutex_lock(&port->lock);
  if (port->sink == element) port->sink = NULL;
  if (port->src == element) port->src = NULL;
  g_mutex_unlock(&port->lock);
}
