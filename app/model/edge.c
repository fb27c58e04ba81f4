/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node-private.h"
#include "text.h"

#define NAME_MAX_CHARS 63
#define ENDPOINT_MAX_CHARS 260 /* a host name and a port */

struct _EwEdge
{
  GObject parent;
  gchar *id, *name, *endpoint;
  gboolean online; /* as it was said last */
  gint64 as_of;
};

G_DEFINE_FINAL_TYPE (EwEdge, ew_edge, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_ID,
  PROP_NAME,
  PROP_ENDPOINT,
  PROP_ONLINE,
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

void
ew_edge_update (EwEdge *self, JsonObject *object)
{
  g_autofree gchar *name = ew_text_clean (ew_text_member (object, "name"), NAME_MAX_CHARS);
  g_autofree gchar *endpoint = ew_text_clean (ew_text_member (object, "endpoint"), ENDPOINT_MAX_CHARS);
  gboolean online = ew_text_bool (object, "online", FALSE);

  g_object_freeze_notify (G_OBJECT (self));
  set_string (self, &self->name, *name != '\0' ? name : self->id, PROP_NAME);
  set_string (self, &self->endpoint, endpoint, PROP_ENDPOINT);
  if (self->online != online)
    {
      self->online = online;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ONLINE]);
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
