#include <gst/gst.h>

#include "events.h"
#include "json.h"
#include "verbs.h"

static GstDeviceMonitor *monitor;

/* What a device is for a pipeline: the element that opens it, and its `device` property. */
static JsonObject *describe(GstDevice *device) {
  JsonObject *out = json_object_new();
  GstElement *element = gst_device_create_element(device, NULL);
  char *name = gst_device_get_display_name(device);
  char *class = gst_device_get_device_class(device);
  json_object_set_string_member(out, "name", name == NULL ? "" : name);
  json_object_set_string_member(out, "class", class == NULL ? "" : class);
  if (element != NULL) {
    GstElementFactory *factory = gst_element_get_factory(element);
    char *path = NULL;
    if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), "device"))
      g_object_get(element, "device", &path, NULL);
    json_object_set_string_member(out, "factory", factory == NULL ? "" : GST_OBJECT_NAME(factory));
    json_object_set_string_member(out, "device", path == NULL ? "" : path);
    g_free(path);
    gst_object_unref(gst_object_ref_sink(element));
  }
  g_free(name);
  g_free(class);
  return out;
}

static gboolean on_change(GstBus *bus, GstMessage *message, gpointer data) {
  GstMessageType type = GST_MESSAGE_TYPE(message);
  if (type == GST_MESSAGE_DEVICE_ADDED || type == GST_MESSAGE_DEVICE_REMOVED ||
      type == GST_MESSAGE_DEVICE_CHANGED)
    oh_event("devices", NULL);
  return G_SOURCE_CONTINUE;
}

typedef struct {
  OhRequest *request;
  gboolean fresh; /* ask anew, as after the sound server has been restarted */
  JsonArray *devices;
} Listing;

static gboolean answer(gpointer data) {
  Listing *listing = data;
  JsonObject *out = json_object_new();
  json_object_set_array_member(out, "devices", listing->devices);
  oh_request_ok(listing->request, out);
  g_free(listing);
  return G_SOURCE_REMOVE;
}

static void look(gpointer data, gpointer unused) {
  Listing *listing = data;
  if (monitor != NULL && listing->fresh) {
    GstBus *bus = gst_device_monitor_get_bus(monitor);
    gst_bus_remove_watch(bus);
    gst_object_unref(bus);
    gst_device_monitor_stop(monitor);
    g_clear_object(&monitor);
  }
  if (monitor == NULL) {
    monitor = gst_device_monitor_new();
    gst_device_monitor_add_filter(monitor, "Audio/Source", NULL);
    gst_device_monitor_add_filter(monitor, "Audio/Sink", NULL);
    GstBus *bus = gst_device_monitor_get_bus(monitor);
    gst_bus_add_watch(bus, on_change, NULL);
    gst_object_unref(bus);
    gst_device_monitor_start(monitor);
  }
  listing->devices = json_array_new();
  GList *found = gst_device_monitor_get_devices(monitor);
  for (GList *at = found; at != NULL; at = at->next)
    json_array_add_object_element(listing->devices, describe(at->data));
  g_list_free_full(found, gst_object_unref);
  g_main_context_invoke(NULL, answer, listing);
}

/* Looking asks the sound server, so it is done on a thread, one at a time. */
void oh_verb_devices(OhRequest *request, JsonObject *params) {
  static GThreadPool *looker;
  if (looker == NULL) looker = g_thread_pool_new(look, NULL, 1, FALSE, NULL);
  Listing *listing = g_new0(Listing, 1);
  listing->request = request;
  oh_json_bool(params, "fresh", &listing->fresh);
  g_thread_pool_push(looker, listing, NULL);
}
