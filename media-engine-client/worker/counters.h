/*
 * What each port has sent and received, in a file that is mapped: it keeps its content when this
 * process is killed in the middle of anything, so its successor can go on beyond it exactly. Every
 * figure is stored before the packet that it counts leaves, by one aligned store.
 *
 * The layout is read by src/gstreamer/counters.ts; all integers are in the machine's byte order.
 */
#pragma once
#include <glib.h>

#define OH_COUNTERS_MAGIC "OFFHKCT1"
#define OH_COUNTER_SLOTS 512
#define OH_COUNTER_ID 48

typedef struct {
  char id[OH_COUNTER_ID];  /*   0: port, empty: slot is free */
  guint32 tx_ssrc;         /*  48 */
  guint32 tx_timestamp;    /*  52 */
  guint64 tx_index;        /*  56: roll-over counter << 16 | sequence of the last packet; ~0 none */
  gint64 tx_mono_ns;       /*  64: CLOCK_MONOTONIC of it */
  guint32 tx_rtcp_index;   /*  72 */
  guint32 tx_epoch;        /*  76: which key its indices belong to; chosen by the client */
  guint64 rx_index;        /*  80: ~0 none */
  guint32 rx_ssrc;         /*  88 */
  guint32 rx_epoch;        /*  92: as tx_epoch */
} OhCounterSlot;

G_STATIC_ASSERT(sizeof(OhCounterSlot) == 96);

#define OH_COUNTER_NONE G_MAXUINT64

/* Makes a fresh file in place of an older one. FALSE when that cannot be done. */
gboolean oh_counters_open(const char *path, GError **error);
/* NULL when all slots are in use. */
OhCounterSlot *oh_counters_take(const char *id);
void oh_counters_release(OhCounterSlot *slot);
