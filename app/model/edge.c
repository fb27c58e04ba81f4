/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node-private.h"
#include "text.h"

#define NAME_MAX_CHARS 63
#define ENDPOINT_MAX_CHARS 260 /* a host name and a port */
#define VERSION_MAX_CHARS 80
#define ADDRESSES_MAX 16

struct _EwEdge
{
  GObject parent;
  gchar *id, *name, *endpoint, *version;
  gchar **addresses;
  gboolean online; /* as it was said last */
  gint64 as_of;
  EwExit exit;
};

G_DEFINE_FINAL_TYPE (EwEdge, ew_edge, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_ID,
  PROP_NAME,
  PROP_ENDPOINT,
  PROP_ONLINE,
  PROP_ADDRESSES,
  PROP_VERSION,
  PROP_EXIT,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static void
ew_edge_finalize (GObject *object)
{
  EwEdge *self = EW_EDGE (object);

  g_free (self->id);
  g_free (self->name);
  g_free (self->endpoint);
  g_free (self->version);
  g_strfreev (self->addresses);
  G_OBJECT_CLASS (ew_edge_parent_class)->finalize (object);
}

static void
ew_edge_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  EwEdge *self = EW_EDGE (object);

  switch (id)
    {
    case PROP_ID:
      g_value_set_string (value, self->id);
      break;
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_ENDPOINT:
      g_value_set_string (value, self->endpoint);
      break;
    case PROP_ONLINE:
      g_value_set_boolean (value, ew_edge_get_online (self));
      break;
    case PROP_ADDRESSES:
      g_value_set_boxed (value, self->addresses);
      break;
    case PROP_VERSION:
      g_value_set_string (value, self->version);
      break;
    case PROP_EXIT:
      g_value_set_int (value, (gint)self->exit);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
    }
}

static void
ew_edge_class_init (EwEdgeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = ew_edge_finalize;
  object_class->get_property = ew_edge_get_property;
  properties[PROP_ID] = g_param_spec_string ("id", NULL, NULL, NULL, flags);
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  properties[PROP_ENDPOINT] = g_param_spec_string ("endpoint", NULL, NULL, NULL, flags);
  properties[PROP_ONLINE] = g_param_spec_boolean ("online", NULL, NULL, FALSE, flags);
  properties[PROP_ADDRESSES] = g_param_spec_boxed ("addresses", NULL, NULL, G_TYPE_STRV, flags);
  properties[PROP_VERSION] = g_param_spec_string ("version", NULL, NULL, NULL, flags);
  properties[PROP_EXIT] = g_param_spec_int ("exit", NULL, NULL, EW_EXIT_UNKNOWN, EW_EXIT_YES, EW_EXIT_UNKNOWN, flags);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ew_edge_init (EwEdge *self)
{
}

EwEdge *
ew_edge_new (const gchar *id)
{
  EwEdge *self = g_object_new (EW_TYPE_EDGE, NULL);

  self->id = g_strdup (id);
  self->name = g_strdup (id);
  self->endpoint = g_strdup ("");
  self->addresses = g_new0 (gchar *, 1);
  return self;
}

static void
set_string (EwEdge *self, gchar **field, const gchar *value, guint property)
{
  if (g_strcmp0 (*field, value) == 0)
    return;
  g_free (*field);
  *field = g_strdup (value);
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

static void
set_addresses (EwEdge *self, JsonArray *array)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) value = NULL;

  for (guint i = 0; array != NULL && i < MIN (json_array_get_length (array), ADDRESSES_MAX); i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      const gchar *text = JSON_NODE_HOLDS_VALUE (element) && json_node_get_value_type (element) == G_TYPE_STRING
                            ? json_node_get_string (element)
                            : NULL;
      g_autoptr (GInetAddress) address
        = text != NULL && strchr (text, '%') == NULL ? g_inet_address_new_from_string (text) : NULL;
      if (address != NULL)
        g_strv_builder_add (builder, text);
    }
  value = g_strv_builder_end (builder);
  if (g_strv_equal ((const gchar *const *)self->addresses, (const gchar *const *)value))
    return;
  g_strfreev (self->addresses);
  self->addresses = g_steal_pointer (&value);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ADDRESSES]);
}

static EwExit
read_exit (JsonObject *object)
{
  if (!json_object_has_member (object, "exit"))
    return EW_EXIT_UNKNOWN;
  return ew_text_bool (object, "exit", FALSE) ? EW_EXIT_YES : EW_EXIT_NO;
}

void
ew_edge_update (EwEdge *self, JsonObject *object)
{
  g_autofree gchar *name = ew_text_clean (ew_text_member (object, "name"), NAME_MAX_CHARS);
  g_autofree gchar *endpoint = ew_text_clean (ew_text_member (object, "endpoint"), ENDPOINT_MAX_CHARS);
  g_autofree gchar *version = ew_text_clean (ew_text_member (object, "version"), VERSION_MAX_CHARS);
  gboolean online = ew_text_bool (object, "online", FALSE);
  EwExit exit = read_exit (object);

  g_object_freeze_notify (G_OBJECT (self));
  set_string (self, &self->name, *name != '\0' ? name : self->id, PROP_NAME);
  set_string (self, &self->endpoint, endpoint, PROP_ENDPOINT);
  if (self->online != online)
    {
      self->online = online;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ONLINE]);
    }
  set_addresses (self, ew_text_array (object, "addresses"));
  set_string (self, &self->version, version != NULL && *version != '\0' ? version : NULL, PROP_VERSION);
  if (self->exit != exit)
    {
      self->exit = exit;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_EXIT]);
    }
  g_object_thaw_notify (G_OBJECT (self));
}

const gchar *
ew_edge_get_id (EwEdge *self)
{
  return self->id;
}

const gchar *
ew_edge_get_name (EwEdge *self)
{
  return self->name;
}

const gchar *
ew_edge_get_endpoint (EwEdge *self)
{
  return self->endpoint;
}

gboolean
ew_edge_get_online (EwEdge *self)
{
  return self->online && self->as_of == 0;
}

gint64
ew_edge_get_as_of (EwEdge *self)
{
  return self->as_of;
}

void
ew_edge_set_as_of (EwEdge *self, gint64 realtime_us)
{
  if (self->as_of == realtime_us)
    return;
  self->as_of = realtime_us;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ONLINE]);
}

const gchar *const *
ew_edge_get_addresses (EwEdge *self)
{
  return (const gchar *const *)self->addresses;
}

const gchar *
ew_edge_get_address (EwEdge *self)
{
  return self->addresses[0];
}

const gchar *
ew_edge_get_version (EwEdge *self)
{
  return self->version;
}

EwExit
ew_edge_get_exit (EwEdge *self)
{
  return self->exit;
}
