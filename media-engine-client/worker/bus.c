#include "bus.h"

#include <string.h>

struct OhBus {
  guint refs; /* under `lock` below */
  char *name;
  GMutex mutex;
  gint64 end; /* position after the newest sample */
  gint lag_ms;
  gboolean has_lag;
  gint32 samples[OH_BUS_LENGTH];
};

G_LOCK_DEFINE_STATIC(lock);
static GHashTable *buses;

OhBus *oh_bus_get(const char *name) {
  G_LOCK(lock);
  if (buses == NULL) buses = g_hash_table_new(g_str_hash, g_str_equal);
  OhBus *bus = g_hash_table_lookup(buses, name);
  if (bus == NULL) {
    bus = g_new0(OhBus, 1);
    bus->name = g_strdup(name);
    bus->end = G_MININT64;
    g_mutex_init(&bus->mutex);
    g_hash_table_insert(buses, bus->name, bus);
  }
  bus->refs++;
  G_UNLOCK(lock);
  return bus;
}

void oh_bus_unref(OhBus *bus) {
  G_LOCK(lock);
  gboolean last = --bus->refs == 0;
  if (last) g_hash_table_remove(buses, bus->name);
  G_UNLOCK(lock);
  if (!last) return;
  g_mutex_clear(&bus->mutex);
  g_free(bus->name);
  g_free(bus);
}

static gint32 *at(OhBus *bus, gint64 position) {
  return &bus->samples[position & (OH_BUS_LENGTH - 1)];
}

void oh_bus_add(OhBus *bus, gint64 position, const gint16 *samples, gsize count) {
  if (count > OH_BUS_LENGTH) return;
  g_mutex_lock(&bus->mutex);
  gint64 after = position + (gint64)count;
  if (bus->end == G_MININT64 || position - bus->end > OH_BUS_LENGTH) {
    memset(bus->samples, 0, sizeof bus->samples);
    bus->end = position;
  }
  for (; bus->end < after; bus->end++) *at(bus, bus->end) = 0;
  for (gsize i = 0; i < count; i++)
    if (position + (gint64)i >= bus->end - OH_BUS_LENGTH) *at(bus, position + (gint64)i) += samples[i];
  g_mutex_unlock(&bus->mutex);
}

void oh_bus_read(OhBus *bus, gint64 position, gint16 *samples, gsize count) {
  g_mutex_lock(&bus->mutex);
  for (gsize i = 0; i < count; i++) {
    gint64 from = position + (gint64)i;
    gboolean held =
        bus->end != G_MININT64 && from < bus->end && from >= bus->end - OH_BUS_LENGTH;
    samples[i] = held ? (gint16)CLAMP(*at(bus, from), G_MININT16, G_MAXINT16) : 0;
  }
  g_mutex_unlock(&bus->mutex);
}

gboolean oh_bus_lag(OhBus *bus, gint *lag_ms) {
  g_mutex_lock(&bus->mutex);
  gboolean known = bus->has_lag;
  if (known) *lag_ms = bus->lag_ms;
  g_mutex_unlock(&bus->mutex);
  return known;
}

void oh_bus_set_lag(OhBus *bus, gint lag_ms) {
  g_mutex_lock(&bus->mutex);
  bus->lag_ms = lag_ms;
  bus->has_lag = TRUE;
  g_mutex_unlock(&bus->mutex);
}
