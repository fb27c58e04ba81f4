/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/service.h"

#include "common/error.h"
#include "edgeway-config.h"
#include "service/edgeway-daemon1-info.h"
#include "service/methods.h"

typedef struct
{
  GDBusConnection *connection;
  guint registration;
} Export;

struct _EwService
{
  EwTunnel *tunnel;
  GArray *exports;     /* Export */
  GPtrArray *calls;    /* EwCall, which own themselves */
  GHashTable *changed; /* names of properties to announce */
  guint announce;      /* idle source */
  EwCallOwner call_owner;
};

/* Properties. The XML's names are the tunnel's in another spelling: GuardUntil is guard-until. */

static gchar *
property_spell (const gchar *dbus_name)
{
  GString *name = g_string_new (NULL);

  for (const gchar *c = dbus_name; *c != '\0'; c++)
    {
      if (g_ascii_isupper (*c) && c != dbus_name)
        g_string_append_c (name, '-');
      g_string_append_c (name, g_ascii_tolower (*c));
    }
  return g_string_free (name, FALSE);
}

static GVariant *
to_variant (const GValue *value)
{
  if (G_VALUE_HOLDS_STRING (value))
    return g_variant_new_string (g_value_get_string (value) != NULL ? g_value_get_string (value) : "");
  if (G_VALUE_HOLDS_INT64 (value))
    return g_variant_new_int64 (g_value_get_int64 (value));
  if (G_VALUE_HOLDS_BOOLEAN (value))
    return g_variant_new_boolean (g_value_get_boolean (value));
  if (G_VALUE_HOLDS (value, G_TYPE_STRV))
    return g_value_get_boxed (value) != NULL ? g_variant_new_strv (g_value_get_boxed (value), -1)
                                             : g_variant_new_strv (NULL, 0);
  return NULL;
}

GVariant *
ew_service_get_property (EwService *self, const gchar *name)
{
  g_autofree gchar *spelled = property_spell (name);
  g_auto (GValue) value = G_VALUE_INIT;

  if (g_str_equal (name, "Version"))
    return g_variant_new_string (EW_VERSION);
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (self->tunnel), spelled) == NULL)
    return NULL;
  g_object_get_property (G_OBJECT (self->tunnel), spelled, &value);
  return to_variant (&value);
}

static GVariant *
on_get_property (GDBusConnection *connection, const gchar *sender, const gchar *object_path,
                 const gchar *interface_name, const gchar *property_name, GError **error, gpointer user_data)
{
  GVariant *value = ew_service_get_property (user_data, property_name);

  if (value == NULL)
    g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_PROPERTY, "There is no property %s.", property_name);
  return value;
}

static GVariant *
take_changes (EwService *self)
{
  GVariantBuilder changes;
  GHashTableIter iter;
  gpointer name;

  g_variant_builder_init (&changes, G_VARIANT_TYPE_VARDICT);
  g_hash_table_iter_init (&iter, self->changed);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      GVariant *value = ew_service_get_property (self, name);
      if (value != NULL)
        g_variant_builder_add (&changes, "{sv}", name, value);
    }
  g_hash_table_remove_all (self->changed);
  return g_variant_new ("(sa{sv}as)", EW_SERVICE_NAME, &changes, NULL);
}

/* Also called before an answer leaves: a caller that hears "done" has already heard what changed. */
static void
announce_now (gpointer user_data)
{
  EwService *self = user_data;
  g_autoptr (GVariant) parameters = NULL;

  g_clear_handle_id (&self->announce, g_source_remove);
  if (g_hash_table_size (self->changed) == 0)
    return;
  parameters = g_variant_ref_sink (take_changes (self));
  for (guint i = 0; i < self->exports->len; i++)
    g_dbus_connection_emit_signal (g_array_index (self->exports, Export, i).connection, NULL, EW_SERVICE_PATH,
                                   "org.freedesktop.DBus.Properties", "PropertiesChanged", parameters, NULL);
}

static gboolean
on_announce (gpointer user_data)
{
  ((EwService *)user_data)->announce = 0;
  announce_now (user_data);
  return G_SOURCE_REMOVE;
}

static void
on_notify (GObject *tunnel, GParamSpec *property, gpointer user_data)
{
  EwService *self = user_data;
  GDBusPropertyInfo **infos = ew_daemon1_interface.properties;

  for (guint i = 0; infos[i] != NULL; i++)
    {
      g_autofree gchar *spelled = property_spell (infos[i]->name);
      if (g_str_equal (spelled, property->name))
        g_hash_table_add (self->changed, infos[i]->name);
    }
  if (self->announce == 0 && g_hash_table_size (self->changed) > 0)
    self->announce = g_idle_add (on_announce, self);
}

/* Methods. */

static void
on_call_done (EwCall *call, gpointer user_data)
{
  EwService *self = user_data;

  g_ptr_array_remove_fast (self->calls, call);
}

static guint
count_for_uid (guint32 uid, gpointer user_data)
{
  EwService *self = user_data;
  guint count = 0;

  for (guint i = 0; i < self->calls->len; i++)
    {
      guint32 its_uid;
      count += ew_call_get_uid (g_ptr_array_index (self->calls, i), &its_uid) && its_uid == uid;
    }
  return count;
}

/* A cancelled call may end, and leave the list, before g_cancellable_cancel returns. */
static void
cancel_prompts (GDBusConnection *connection, const gchar *sender, const gchar *method, gpointer user_data)
{
  EwService *self = user_data;
  g_autoptr (GPtrArray) cancellables = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < self->calls->len; i++)
    {
      EwCall *call = g_ptr_array_index (self->calls, i);
      if (ew_call_get_connection (call) == connection && ew_call_is_prompting (call, sender, method))
        g_ptr_array_add (cancellables, g_object_ref (ew_call_get_cancellable (call)));
    }
  for (guint i = 0; i < cancellables->len; i++)
    g_cancellable_cancel (g_ptr_array_index (cancellables, i));
}

static void
on_method_call (GDBusConnection *connection, const gchar *sender, const gchar *object_path, const gchar *interface_name,
                const gchar *method_name, GVariant *parameters, GDBusMethodInvocation *invocation, gpointer user_data)
{
  EwService *self = user_data;
  const EwMethod *method = ew_methods_find (method_name);
  EwCall *call;

  if (method == NULL)
    g_dbus_method_invocation_return_error (invocation, EW_ERROR, EW_ERROR_NOT_AUTHORIZED,
                                           "No authorization rule covers %s, so it is refused.", method_name);
  else
    {
      call = ew_call_new (invocation, method, self->tunnel, &self->call_owner);
      g_ptr_array_add (self->calls, call);
      ew_call_start (call);
    }
}

/* connection NULL: everybody's. A cancelled call may end, and leave the list, before g_cancellable_cancel returns. */
static void
cancel_calls (EwService *self, GDBusConnection *connection)
{
  g_autoptr (GPtrArray) cancellables = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < self->calls->len; i++)
    {
      EwCall *call = g_ptr_array_index (self->calls, i);
      if (connection == NULL || ew_call_get_connection (call) == connection)
        g_ptr_array_add (cancellables, g_object_ref (ew_call_get_cancellable (call)));
    }
  for (guint i = 0; i < cancellables->len; i++)
    g_cancellable_cancel (g_ptr_array_index (cancellables, i));
}

/* Life. */

static void
export_clear (gpointer data)
{
  Export *export = data;

  g_dbus_connection_unregister_object (export->connection, export->registration);
  g_object_unref (export->connection);
}

EwService *
ew_service_new (EwTunnel *tunnel)
{
  EwService *self = g_new0 (EwService, 1);

  ew_error_register_dbus ();
  self->tunnel = g_object_ref (tunnel);
  self->exports = g_array_new (FALSE, FALSE, sizeof (Export));
  g_array_set_clear_func (self->exports, export_clear);
  self->calls = g_ptr_array_new ();
  self->changed = g_hash_table_new (g_str_hash, g_str_equal);
  self->call_owner = (EwCallOwner){
    .before_reply = announce_now,
    .done = on_call_done,
    .count_for_uid = count_for_uid,
    .cancel_prompts = cancel_prompts,
    .told = ew_told_new (),
    .user_data = self,
  };
  g_signal_connect (tunnel, "notify", G_CALLBACK (on_notify), self);
  return self;
}

void
ew_service_free (EwService *self)
{
  g_signal_handlers_disconnect_by_data (self->tunnel, self);
  cancel_calls (self, NULL);
  g_clear_handle_id (&self->announce, g_source_remove);
  g_array_unref (self->exports);
  g_ptr_array_unref (self->calls);
  g_hash_table_unref (self->changed);
  g_object_unref (self->tunnel);
  ew_told_free (self->call_owner.told);
  g_free (self);
}

gboolean
ew_service_export (EwService *self, GDBusConnection *connection, GError **error)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_method_call, .get_property = on_get_property };
  Export export = { .connection = connection };

  export.registration = g_dbus_connection_register_object (
    connection, EW_SERVICE_PATH, (GDBusInterfaceInfo *)&ew_daemon1_interface, &vtable, self, NULL, error);
  if (export.registration == 0)
    return FALSE;
  g_object_ref (connection);
  g_array_append_val (self->exports, export);
  return TRUE;
}

void
ew_service_unexport (EwService *self, GDBusConnection *connection)
{
  cancel_calls (self, connection);
  for (guint i = self->exports->len; i > 0; i--)
    if (g_array_index (self->exports, Export, i - 1).connection == connection)
      g_array_remove_index (self->exports, i - 1);
}
