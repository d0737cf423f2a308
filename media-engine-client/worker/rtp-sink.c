#include "port-elements.h"

typedef struct {
  GstElement parent;
  GstPad *sink;
  char *port_id;
  OhPort *port;
} OhRtpSink;

typedef struct {
  GstElementClass parent;
} OhRtpSinkClass;

G_DEFINE_TYPE(OhRtpSink, oh_rtp_sink, GST_TYPE_ELEMENT)

enum { PROP_PORT = 1 };

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("application/x-rtp"));

static GstFlowReturn chain(GstPad *pad, GstObject *parent, GstBuffer *buffer) {
  OhRtpSink *self = (OhRtpSink *)parent;
  if (self->port != NULL) oh_port_send(self->port, GST_ELEMENT(self), buffer);
  gst_buffer_unref(buffer);
  return GST_FLOW_OK;
}

static gboolean take_event(GstPad *pad, GstObject *parent, GstEvent *event) {
  gst_event_unref(event);
  return TRUE;
}

/* Packets leave as they come: nothing here waits for a clock. */
static gboolean query(GstElement *element, GstQuery *query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return GST_ELEMENT_CLASS(oh_rtp_sink_parent_class)->query(element, query);
  gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

static GstStateChangeReturn change_state(GstElement *element, GstStateChange transition) {
  OhRtpSink *self = (OhRtpSink *)element;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    self->port = oh_port_find(self->port_id);
    if (self->port == NULL) {
      GST_ELEMENT_ERROR(element, RESOURCE, NOT_FOUND, ("No port %s", self->port_id), (NULL));
      return GST_STATE_CHANGE_FAILURE;
    }
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING) oh_port_attach_sink(self->port, element);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) oh_port_detach(self->port, element);
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS(oh_rtp_sink_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) g_clear_pointer(&self->port, oh_port_unref);
  return result;
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec) {
  OhRtpSink *self = (OhRtpSink *)object;
  g_free(self->port_id);
  self->port_id = g_value_dup_string(value);
}

static void finalize(GObject *object) {
  OhRtpSink *self = (OhRtpSink *)object;
  g_clear_pointer(&self->port, oh_port_unref);
  g_free(self->port_id);
  G_OBJECT_CLASS(oh_rtp_sink_parent_class)->finalize(object);
}

static void oh_rtp_sink_class_init(OhRtpSinkClass *class) {
  GObjectClass *object_class = G_OBJECT_CLASS(class);
  GstElementClass *element_class = GST_ELEMENT_CLASS(class);
  object_class->set_property = set_property;
  object_class->finalize = finalize;
  element_class->change_state = change_state;
  element_class->query = query;
  g_object_class_install_property(
      object_class, PROP_PORT,
      g_param_spec_string("port", "Port", "Id of the port", NULL,
                          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_set_static_metadata(element_class, "RTP to a port", "Sink/Network",
                                        "Sends RTP on a port of the worker", "Offhook");
}

static void oh_rtp_sink_init(OhRtpSink *self) {
  self->sink = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sink, chain);
  gst_pad_set_event_function(self->sink, take_event);
  gst_element_add_pad(GST_ELEMENT(self), self->sink);
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SINK);
}
