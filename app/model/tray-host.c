/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tray-host.h"

#define WATCHER_NAME "org.kde.StatusNotifierWatcher"
#define WATCHER_PATH "/StatusNotifierWatcher"

struct _EwTrayHost
{
  GObject parent_instance;
  GCancellable *cancellable;
  GDBusConnection *bus; /* NULL: not yet, or none */
  guint name_watch;
  guint signal_watch;
  gboolean known;
  gboolean there;
};

G_DEFINE_TYPE (EwTrayHost, ew_tray_host, G_TYPE_OBJECT)

enum
{
  PROP_KNOWN = 1,
  PROP_THERE,
  N_PROPS
};
static GParamSpec *properties[N_PROPS];

static void
become (EwTrayHost *self, gboolean there)
{
  gboolean was_known = self->known, was_there = self->there;

  self->known = TRUE;
  self->there = there;
  if (was_there != there)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_THERE]);
  if (!was_known)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_KNOWN]);
}

static void
on_registered (GObject *bus, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (bus), result, &error);
  g_autoptr (GVariant) value = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* self may have been freed */
  if (answer != NULL)
    g_variant_get (answer, "(v)", &value);
  become (user_data,
          value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN) && g_variant_get_boolean (value));
}

static void
ask (EwTrayHost *self)
{
  g_dbus_connection_call (self->bus, WATCHER_NAME, WATCHER_PATH, "org.freedesktop.DBus.Properties", "Get",
                          g_variant_new ("(ss)", WATCHER_NAME, "IsStatusNotifierHostRegistered"),
                          G_VARIANT_TYPE ("(v)"), G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, self->cancellable, on_registered,
                          self);
}

static void
on_signal (GDBusConnection *bus, const gchar *sender, const gchar *path, const gchar *interface, const gchar *signal,
           GVariant *parameters, gpointer user_data)
{
  if (g_str_has_prefix (signal, "StatusNotifierHost"))
    ask (user_data);
}

static void
on_watcher_appeared (GDBusConnection *bus, const gchar *name, const gchar *owner, gpointer user_data)
{
  EwTrayHost *self = EW_TRAY_HOST (user_data);

  g_set_object (&self->bus, bus);
  if (self->signal_watch == 0)
    self->signal_watch = g_dbus_connection_signal_subscribe (bus, WATCHER_NAME, WATCHER_NAME, NULL, WATCHER_PATH, NULL,
                                                             G_DBUS_SIGNAL_FLAGS_NONE, on_signal, self, NULL);
  ask (self);
}

static void
on_watcher_vanished (GDBusConnection *bus, const gchar *name, gpointer user_data)
{
  become (user_data, FALSE);
}

static void
ew_tray_host_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EwTrayHost *self = EW_TRAY_HOST (object);

  switch (id)
    {
    case PROP_KNOWN:
      g_value_set_boolean (value, self->known);
      break;
    case PROP_THERE:
      g_value_set_boolean (value, self->there);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
ew_tray_host_dispose (GObject *object)
{
  EwTrayHost *self = EW_TRAY_HOST (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_handle_id (&self->name_watch, g_bus_unwatch_name);
  if (self->signal_watch != 0)
    g_dbus_connection_signal_unsubscribe (self->bus, self->signal_watch);
  self->signal_watch = 0;
  g_clear_object (&self->bus);
  g_clear_object (&self->cancellable);
  G_OBJECT_CLASS (ew_tray_host_parent_class)->dispose (object);
}

static void
ew_tray_host_class_init (EwTrayHostClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = ew_tray_host_get_property;
  object_class->dispose = ew_tray_host_dispose;
  properties[PROP_KNOWN] = g_param_spec_boolean ("known", NULL, NULL, FALSE, flags);
  properties[PROP_THERE] = g_param_spec_boolean ("there", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
ew_tray_host_init (EwTrayHost *self)
{
  self->cancellable = g_cancellable_new ();
  self->name_watch = g_bus_watch_name (G_BUS_TYPE_SESSION, WATCHER_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                       on_watcher_appeared, on_watcher_vanished, self, NULL);
}

EwTrayHost *
ew_tray_host_new (void)
{
  return g_object_new (EW_TYPE_TRAY_HOST, NULL);
}

gboolean
ew_tray_host_get_known (EwTrayHost *self)
{
  return self->known;
}

gboolean
ew_tray_host_get_there (EwTrayHost *self)
{
  return self->there;
}
