/* Socket addresses, compared and printed in one way whatever their family. */
#pragma once
#include <glib.h>
#include <netinet/in.h>
#include <sys/socket.h>

typedef struct {
  union {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
  };
  socklen_t len; /* 0: no address */
} OhAddress;

/* Numeric addresses only; FALSE when `host` is none. */
gboolean oh_address_parse(OhAddress *out, const char *host, guint port);
gboolean oh_address_equal(const OhAddress *a, const OhAddress *b);
gboolean oh_address_same_host(const OhAddress *a, const OhAddress *b);
guint oh_address_port(const OhAddress *a);
void oh_address_set_port(OhAddress *a, guint port);
/* Something can be sent there: not the hold of RFC 2543, 0.0.0.0 or port 0 (RFC 3264 §8.4). */
gboolean oh_address_sendable(const OhAddress *a);
/* Makes an IPv4 address usable on a dual-stack IPv6 socket. */
void oh_address_for_family(OhAddress *a, int family);
/* The numeric host, IPv4-mapped IPv6 as plain IPv4. */
char *oh_address_host(const OhAddress *a);
