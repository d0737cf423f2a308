/* The sound devices of this machine, and word of those that come and go. */
#include <gio/gio.h>
#include <gst/gst.h>

#include "events.h"
#include "json.h"
#include "verbs.h"

/*
 * Providers are run one by one, not by a GstDeviceMonitor: that gives up on all of them when one
 * cannot start (no sound server), and asks that one anew with each listing, at the price of some
 * memory in libpulse that nobody gives back.
 */
typedef struct {
  const char *factory;
  gboolean probes; /* can list without having been started */
  GstDeviceProvider *provider;
  gboolean started;
} Provider;

static Provider providers[] = {
    {.factory = "pulsedeviceprovider"},
    {.factory = "alsadeviceprovider", .probes = TRUE},
};

static gboolean on_change(GstBus *bus, GstMessage *message, gpointer data) {
  GstMessageType type = GST_MESSAGE_TYPE(message);
  if (type == GST_MESSAGE_DEVICE_ADDED || type == GST_MESSAGE_DEVICE_REMOVED ||
      type == GST_MESSAGE_DEVICE_CHANGED)
    oh_event("devices", NULL);
  return G_SOURCE_CONTINUE;
}

static void on_sound_card(GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event,
                          gpointer data) {
  if (event == G_FILE_MONITOR_EVENT_CREATED || event == G_FILE_MONITOR_EVENT_DELETED)
    oh_event("devices", NULL);
}

/* ALSA tells nobody; its device nodes come and go with the cards. */
static void watch_sound_cards(void) {
  GFile *directory = g_file_new_for_path("/dev/snd");
  GFileMonitor *monitor = g_file_monitor_directory(directory, G_FILE_MONITOR_NONE, NULL, NULL);
  /* It lives as long as the process. */
  if (monitor != NULL) g_signal_connect(monitor, "changed", G_CALLBACK(on_sound_card), NULL);
  g_object_unref(directory);
}

static void start_provider(Provider *p) {
  p->provider = gst_device_provider_factory_get_by_name(p->factory);
  if (p->provider == NULL) return;
  GstBus *bus = gst_device_provider_get_bus(p->provider);
  gst_bus_add_watch(bus, on_change, NULL);
  gst_object_unref(bus);
  p->started = gst_device_provider_can_monitor(p->provider) &&
               gst_device_provider_start(p->provider);
}

static void stop_provider(Provider *p) {
  if (p->provider == NULL) return;
  GstBus *bus = gst_device_provider_get_bus(p->provider);
  gst_bus_remove_watch(bus);
  gst_object_unref(bus);
  if (p->started) gst_device_provider_stop(p->provider);
  p->started = FALSE;
  g_clear_object(&p->provider);
}

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
  GstStructure *properties = gst_device_get_properties(device);
  if (properties != NULL) {
    const char *form = gst_structure_get_string(properties, "device.form_factor");
    gboolean standard = FALSE;
    gst_structure_get_boolean(properties, "is-default", &standard);
    json_object_set_string_member(out, "formFactor", form == NULL ? "" : form);
    json_object_set_boolean_member(out, "standard", standard);
    gst_structure_free(properties);
  }
  g_free(name);
  g_free(class);
  return out;
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

static void list(Provider *p, JsonArray *out) {
  if (p->provider == NULL || (!p->started && !p->probes)) return;
  GList *found = gst_device_provider_get_devices(p->provider);
  for (GList *at = found; at != NULL; at = at->next)
    if (gst_device_has_classes(at->data, "Audio/Source") ||
        gst_device_has_classes(at->data, "Audio/Sink"))
      json_array_add_object_element(out, describe(at->data));
  g_list_free_full(found, gst_object_unref);
}

static void look(gpointer data, gpointer unused) {
  Listing *listing = data;
  listing->devices = json_array_new();
  for (gsize i = 0; i < G_N_ELEMENTS(providers); i++) {
    Provider *p = &providers[i];
    if (listing->fresh && p->provider != NULL) stop_provider(p);
    if (p->provider == NULL) start_provider(p);
    list(p, listing->devices);
  }
  g_main_context_invoke(NULL, answer, listing);
}

/* Looking asks the sound server, so it is done on a thread, one at a time. */
void oh_verb_devices(OhRequest *request, JsonObject *params) {
  static GThreadPool *looker;
  if (looker == NULL) {
    looker = g_thread_pool_new(look, NULL, 1, FALSE, NULL);
    watch_sound_cards();
  }
  Listing *listing = g_new0(Listing, 1);
  listing->request = request;
  oh_json_bool(params, "fresh", &listing->fresh);
  g_thread_pool_push(looker, listing, NULL);
}
