#include "address.h"

#include <arpa/inet.h>
#include <string.h>

gboolean oh_address_parse(OhAddress *out, const char *host, guint port) {
  memset(out, 0, sizeof *out);
  if (host == NULL || port > 65535) return FALSE;
  if (inet_pton(AF_INET, host, &out->in.sin_addr) == 1) {
    out->in.sin_family = AF_INET;
    out->in.sin_port = htons((guint16)port);
    out->len = sizeof out->in;
    return TRUE;
  }
  memset(out, 0, sizeof *out);
  if (inet_pton(AF_INET6, host, &out->in6.sin6_addr) == 1) {
    out->in6.sin6_family = AF_INET6;
    out->in6.sin6_port = htons((guint16)port);
    out->len = sizeof out->in6;
    return TRUE;
  }
  return FALSE;
}

gboolean oh_address_same_host(const OhAddress *a, const OhAddress *b) {
  if (a->len == 0 || b->len == 0 || a->sa.sa_family != b->sa.sa_family) return FALSE;
  if (a->sa.sa_family == AF_INET) return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
  return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof a->in6.sin6_addr) == 0;
}

gboolean oh_address_equal(const OhAddress *a, const OhAddress *b) {
  return oh_address_same_host(a, b) && oh_address_port(a) == oh_address_port(b);
}

guint oh_address_port(const OhAddress *a) {
  if (a->len == 0) return 0;
  return ntohs(a->sa.sa_family == AF_INET ? a->in.sin_port : a->in6.sin6_port);
}

void oh_address_set_port(OhAddress *a, guint port) {
  if (a->sa.sa_family == AF_INET)
    a->in.sin_port = htons((guint16)port);
  else
    a->in6.sin6_port = htons((guint16)port);
}

void oh_address_for_family(OhAddress *a, int family) {
  if (a->len == 0 || family != AF_INET6 || a->sa.sa_family != AF_INET) return;
  struct sockaddr_in v4 = a->in;
  memset(a, 0, sizeof *a);
  a->in6.sin6_family = AF_INET6;
  a->in6.sin6_port = v4.sin_port;
  a->in6.sin6_addr.s6_addr[10] = 0xff;
  a->in6.sin6_addr.s6_addr[11] = 0xff;
  memcpy(a->in6.sin6_addr.s6_addr + 12, &v4.sin_addr, 4);
  a->len = sizeof a->in6;
}

char *oh_address_host(const OhAddress *a) {
  char text[INET6_ADDRSTRLEN] = "";
  if (a->len == 0) return g_strdup("");
  if (a->sa.sa_family == AF_INET) {
    inet_ntop(AF_INET, &a->in.sin_addr, text, sizeof text);
  } else if (IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr)) {
    inet_ntop(AF_INET, a->in6.sin6_addr.s6_addr + 12, text, sizeof text);
  } else {
    inet_ntop(AF_INET6, &a->in6.sin6_addr, text, sizeof text);
  }
  return g_strdup(text);
}

gboolean oh_address_sendable(const OhAddress *a) {
  if (a->len == 0 || oh_address_port(a) == 0) return FALSE;
  if (a->sa.sa_family == AF_INET) return a->in.sin_addr.s_addr != htonl(INADDR_ANY);
  const struct in6_addr *v6 = &a->in6.sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(v6)) return v6->s6_addr32[3] != htonl(INADDR_ANY);
  return !IN6_IS_ADDR_UNSPECIFIED(v6);
}
