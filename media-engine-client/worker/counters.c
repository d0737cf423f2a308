#include "counters.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"

typedef struct {
  char magic[8];
  guint32 slot_size;
  guint32 slots;
  OhCounterSlot slot[OH_COUNTER_SLOTS];
} File;

static File *file;
static GMutex lock;

gboolean oh_counters_open(const char *path, GError **error) {
  unlink(path);
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(File)) != 0) {
    oh_error_set(error, "failed", "cannot make %s: %s", path, g_strerror(errno));
    if (fd >= 0) close(fd);
    return FALSE;
  }
  void *at = mmap(NULL, sizeof(File), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (at == MAP_FAILED) {
    oh_error_set(error, "failed", "cannot map %s: %s", path, g_strerror(errno));
    return FALSE;
  }
  file = at;
  file->slot_size = sizeof(OhCounterSlot);
  file->slots = OH_COUNTER_SLOTS;
  memcpy(file->magic, OH_COUNTERS_MAGIC, sizeof file->magic);
  return TRUE;
}

OhCounterSlot *oh_counters_take(const char *id) {
  OhCounterSlot *found = NULL;
  if (file == NULL || strlen(id) >= OH_COUNTER_ID) return NULL;
  g_mutex_lock(&lock);
  for (guint i = 0; i < OH_COUNTER_SLOTS && found == NULL; i++)
    if (file->slot[i].id[0] == 0) found = &file->slot[i];
  if (found != NULL) {
    memset(found, 0, sizeof *found);
    found->tx_index = OH_COUNTER_NONE;
    found->rx_index = OH_COUNTER_NONE;
    memcpy(found->id, id, strlen(id));
  }
  g_mutex_unlock(&lock);
  return found;
}

void oh_counters_release(OhCounterSlot *slot) {
  if (slot == NULL) return;
  g_mutex_lock(&lock);
  memset(slot, 0, sizeof *slot);
  g_mutex_unlock(&lock);
}
