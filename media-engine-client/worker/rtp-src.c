#include "port-elements.h"

typedef struct {
  GstElement parent;
  GstPad *src;
  char *port_id;
  GstCaps *caps;
  OhPort *port;
  gboolean begun; /* stream-start, caps and segment went out; network thread only */
} OhRtpSrc;

typedef struct {
  GstElementClass parent;
} OhRtpSrcClass;

G_DEFINE_TYPE(OhRtpSrc, oh_rtp_src, GST_TYPE_ELEMENT)

enum { PROP_PORT = 1, PROP_CAPS };

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("application/x-rtp"));

/* Nothing is upstream of the network. */
static gboolean take_event(GstPad *pad, GstObject *parent, GstEvent *event) {
  gst_event_unref(event);
  return TRUE;
}

static gboolean src_query(GstPad *pad, GstObject *parent, GstQuery *query) {
  OhRtpSrc *self = (OhRtpSrc *)parent;
  switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_LATENCY:
      gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
      return TRUE;
    case GST_QUERY_CAPS:
      if (self->caps != NULL) {
        gst_query_set_caps_result(query, self->caps);
        return TRUE;
      }
      break;
    default:
      break;
  }
  return gst_pad_query_default(pad, parent, query);
}

static void begin(OhRtpSrc *self) {
  char *id = gst_pad_create_stream_id(self->src, GST_ELEMENT(self), NULL);
  GstSegment segment;
  gst_pad_push_event(self->src, gst_event_new_stream_start(id));
  g_free(id);
  if (self->caps != NULL) gst_pad_push_event(self->src, gst_event_new_caps(self->caps));
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(self->src, gst_event_new_segment(&segment));
  self->begun = TRUE;
}

void oh_rtp_src_push(GstElement *element, GstBuffer *buffer) {
  OhRtpSrc *self = (OhRtpSrc *)element;
  GstClockTime now = gst_element_get_current_running_time(GST_ELEMENT(self));
  if (!GST_CLOCK_TIME_IS_VALID(now)) { /* not playing yet */
    gst_buffer_unref(buffer);
    return;
  }
  if (!self->begun) begin(self);
  GST_BUFFER_PTS(buffer) = now;
  GST_BUFFER_DTS(buffer) = now;
  gst_pad_push(self->src, buffer);
}

static GstStateChangeReturn change_state(GstElement *element, GstStateChange transition) {
  OhRtpSrc *self = (OhRtpSrc *)element;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    self->port = oh_port_find(self->port_id);
    if (self->port == NULL) {
      GST_ELEMENT_ERROR(element, RESOURCE, NOT_FOUND, ("No port %s", self->port_id), (NULL));
      return GST_STATE_CHANGE_FAILURE;
    }
    self->begun = FALSE;
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING) oh_port_attach_src(self->port, element);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) oh_port_detach(self->port, element);
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS(oh_rtp_src_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY && self->port != NULL) {
    oh_port_unref(self->port);
    self->port = NULL;
  }
  /* A live source has nothing to show before it plays. */
  if (result == GST_STATE_CHANGE_SUCCESS && (transition == GST_STATE_CHANGE_READY_TO_PAUSED ||
                                             transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED))
    return GST_STATE_CHANGE_NO_PREROLL;
  return result;
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec) {
  OhRtpSrc *self = (OhRtpSrc *)object;
  if (id == PROP_PORT) {
    g_free(self->port_id);
    self->port_id = g_value_dup_string(value);
  } else if (id == PROP_CAPS) {
    gst_caps_replace(&self->caps, (GstCaps *)gst_value_get_caps(value));
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec) {
  OhRtpSrc *self = (OhRtpSrc *)object;
  if (id == PROP_PORT)
    g_value_set_string(value, self->port_id);
  else if (id == PROP_CAPS)
    gst_value_set_caps(value, self->caps);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void finalize(GObject *object) {
  OhRtpSrc *self = (OhRtpSrc *)object;
  if (self->port != NULL) oh_port_unref(self->port);
  g_free(self->port_id);
  gst_caps_replace(&self->caps, NULL);
  G_OBJECT_CLASS(oh_rtp_src_parent_class)->finalize(object);
}

static void oh_rtp_src_class_init(OhRtpSrcClass *class) {
  GObjectClass *object_class = G_OBJECT_CLASS(class);
  GstElementClass *element_class = GST_ELEMENT_CLASS(class);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  element_class->change_state = change_state;
  g_object_class_install_property(
      object_class, PROP_PORT,
      g_param_spec_string("port", "Port", "Id of the port", NULL,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property(
      object_class, PROP_CAPS,
      g_param_spec_boxed("caps", "Caps", "Caps of what is received", GST_TYPE_CAPS,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "RTP of a port", "Source/Network",
                                        "Receives RTP on a port of the worker", "Offhook");
}

static void oh_rtp_src_init(OhRtpSrc *self) {
  self->src = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_query_function(self->src, src_query);
  gst_pad_set_event_function(self->src, take_event);
  gst_element_add_pad(GST_ELEMENT(self), self->src);
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
}
