/*
 * Says who has the other end of the Unix socket at file descriptor 3: the credentials that the kernel
 * noted when it connected (SO_PEERCRED and SO_PEERGROUPS, unix(7)), and the program of that process.
 *
 * Prints fields that end with NUL: pid, uid, name of the user, program, then gid and name of each
 * group. A name or program that cannot be told is empty.
 */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

#define SOCKET_FD 3
#define MAX_GROUPS 65536

static void field(const char *text) {
  fputs(text, stdout);
  putchar('\0');
}

static void number(unsigned long value) {
  printf("%lu", value);
  putchar('\0');
}

static void group(gid_t gid) {
  const struct group *entry = getgrgid(gid);
  number(gid);
  field(entry == NULL ? "" : entry->gr_name);
}

static void program(pid_t pid) {
  char link[64];
  char path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/%ld/exe", (long)pid);
  ssize_t length = readlink(link, path, sizeof path - 1);
  /* A path that was cut off is none. */
  if (length < 0 || length == (ssize_t)sizeof path - 1) length = 0;
  path[length] = '\0';
  field(path);
}

int main(void) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(SOCKET_FD, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
    fprintf(stderr, "offhook-peer: %s\n", strerror(errno));
    return EXIT_FAILURE;
  }
  static gid_t groups[MAX_GROUPS];
  length = sizeof groups;
  if (getsockopt(SOCKET_FD, SOL_SOCKET, SO_PEERGROUPS, groups, &length) != 0) length = 0;
  const struct passwd *user = getpwuid(peer.uid);
  number((unsigned long)peer.pid);
  number(peer.uid);
  field(user == NULL ? "" : user->pw_name);
  program(peer.pid);
  group(peer.gid);
  for (size_t i = 0; i < length / sizeof *groups; i++) group(groups[i]);
  return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
