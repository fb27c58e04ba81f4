/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/resolved.h"
#include "common/phrase.h"

#include <string.h>
#include <sys/socket.h>

#define BUS_NAME "org.freedesktop.resolve1"
#define BUS_PATH "/org/freedesktop/resolve1"
#define MANAGER "org.freedesktop.resolve1.Manager"
#define NO_SUCH_LINK "org.freedesktop.resolve1.NoSuchLink"
#define RETRY_MAX_S 60

guint ew_resolved_call_ms = 5000;

struct EwResolved
{
  gchar *address;
  GCancellable *life;  /* of the object */
  GCancellable *calls; /* those about the link as it is now */
  GDBusConnection *bus;
  guint watch, retry, retry_s;
  gulong closed;
  gboolean owned;
  EwResolvedState state;
  gchar *error;

  /* The link that is wanted; 0: none. */
  guint link;
  GVariant *settings; /* (servers, domains, default route), to be compared */
  gchar *suffix;
  guint pending; /* answers to come */
  gboolean sent, set;
  GVariant *domains; /* a(isb) of all links: number, domain, for routing only; NULL: not known */
  GArray *reverts;   /* guint: links to be reverted once there is a bus */

  void (*changed) (gpointer user_data);
  gpointer user_data;
};

static void connect_bus (EwResolved *self);
static void look_at_link (EwResolved *self);
static void send_settings (EwResolved *self);

static void
set_state (EwResolved *self, EwResolvedState state)
{
  static const gchar *const names[] = { "unknown", "absent", "answers", "hung" };

  /* One answer may come after another call of the same moment has had none: what is still to be set is tried again. */
  if (state == EW_RESOLVED_ABSENT || (state == EW_RESOLVED_ANSWERS && (self->link == 0 || self->set)))
    g_clear_handle_id (&self->retry, g_source_remove);
  /* A missing bus usually stays missing: don't try it every second. */
  if (state == EW_RESOLVED_ANSWERS || (state == EW_RESOLVED_ABSENT && self->state != EW_RESOLVED_ABSENT))
    self->retry_s = 0;
  if (state == self->state)
    return;
  g_debug ("systemd-resolved: %s → %s", names[self->state], names[state]);
  self->state = state;
  self->changed (self->user_data);
}

/* ---- again, later and later */

static gboolean
on_retry (gpointer user_data)
{
  EwResolved *self = user_data;

  self->retry = 0;
  if (self->bus == NULL)
    connect_bus (self);
  else
    ew_resolved_look (self);
  return G_SOURCE_REMOVE;
}

static void
retry_later (EwResolved *self)
{
  if (self->retry != 0)
    return;
  self->retry_s = CLAMP (self->retry_s * 2, 1, RETRY_MAX_S);
  self->retry = g_timeout_add_seconds (self->retry_s, on_retry, self);
}

/* ---- calls */

/* No program answers, or the one that did has stopped. */
static gboolean
is_absence (const GError *error)
{
  return g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY)
         || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN)
         || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER);
}

/* What an answer, or none, says of resolved itself. FALSE: cancelled, and self may be freed. */
static gboolean
note_answer (EwResolved *self, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return FALSE;
  if (error == NULL || (g_dbus_error_is_remote_error (error) && !is_absence (error)))
    set_state (self, EW_RESOLVED_ANSWERS);
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) && self->owned)
    {
      set_state (self, EW_RESOLVED_HUNG);
      retry_later (self);
    }
  return TRUE;
}

typedef struct
{
  EwResolved *self;
  const gchar *method; /* a literal */
  gboolean needed;     /* an older resolved may not have it, and does without */
} Call;

static void
note_failure (EwResolved *self, const Call *call, const GError *error)
{
  g_autofree gchar *name = g_dbus_error_is_remote_error (error) ? g_dbus_error_get_remote_error (error) : NULL;

  if (g_strcmp0 (name, NO_SUCH_LINK) == 0)
    return; /* it went: its maker will send that soon */
  if (!call->needed && g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD))
    return;
  g_autoptr (GError) plain = g_error_copy (error);
  g_dbus_error_strip_remote_error (plain);
  g_warning ("systemd-resolved refuses %s: %s", call->method, plain->message);
  if (call->needed && self->error == NULL)
    self->error = g_strdup (plain->message);
}

static void
on_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Call *call = user_data;
  EwResolved *self = call->self;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (!note_answer (self, error))
    return;
  if (answer == NULL && g_dbus_error_is_remote_error (error) && !is_absence (error))
    note_failure (self, call, error);
  else if (answer == NULL)
    self->sent = FALSE; /* it may not have got there */
  if (--self->pending > 0)
    return;
  self->set = self->sent && self->error == NULL;
  self->changed (self->user_data);
}

static void
send_call (EwResolved *self, const gchar *method, gboolean needed, GVariant *parameters)
{
  Call *call = g_new (Call, 1);

  *call = (Call){ .self = self, .method = method, .needed = needed };
  self->pending++;
  g_dbus_connection_call (self->bus, BUS_NAME, BUS_PATH, MANAGER, method, parameters, NULL,
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, (gint)ew_resolved_call_ms, self->calls, on_set, call);
}

/* The calls of a link go out together, and resolved takes them in this order: never, not for a moment, is the link asked
   for names that aren't its own. */
static void
send_settings (EwResolved *self)
{
  gint link = (gint)self->link;
  const gchar *anchors[] = { self->suffix, NULL };
  g_autoptr (GVariant) servers = g_variant_get_child_value (self->settings, 0);
  g_autoptr (GVariant) domains = g_variant_get_child_value (self->settings, 1);
  gboolean default_route;

  g_variant_get_child (self->settings, 2, "b", &default_route);
  g_cancellable_cancel (self->calls);
  g_object_unref (self->calls);
  self->calls = g_cancellable_new ();
  self->pending = 0;
  self->sent = TRUE;
  self->set = FALSE;
  g_clear_pointer (&self->error, g_free);
  send_call (self, "SetLinkDefaultRoute", FALSE, g_variant_new ("(ib)", link, default_route));
  send_call (self, "SetLinkLLMNR", FALSE, g_variant_new ("(is)", link, "no"));
  send_call (self, "SetLinkMulticastDNS", FALSE, g_variant_new ("(is)", link, "no"));
  send_call (self, "SetLinkDNSOverTLS", FALSE, g_variant_new ("(is)", link, "no"));
  send_call (self, "SetLinkDNSSECNegativeTrustAnchors", FALSE,
             g_variant_new ("(i@as)", link, g_variant_new_strv (anchors, -1)));
  send_call (self, "SetLinkDomains", TRUE, g_variant_new ("(i@a(sb))", link, domains));
  send_call (self, "SetLinkDNS", TRUE, g_variant_new ("(i@a(iay))", link, servers));
}

static void
on_reverted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (answer == NULL)
    g_debug ("RevertLink: %s", error->message);
}

static void
send_reverts (EwResolved *self)
{
  for (guint i = 0; self->bus != NULL && i < self->reverts->len; i++)
    g_dbus_connection_call (self->bus, BUS_NAME, BUS_PATH, MANAGER, "RevertLink",
                            g_variant_new ("(i)", (gint)g_array_index (self->reverts, guint, i)), NULL,
                            G_DBUS_CALL_FLAGS_NO_AUTO_START, (gint)ew_resolved_call_ms, NULL, on_reverted, NULL);
  if (self->bus != NULL)
    g_array_set_size (self->reverts, 0);
}

/* ---- does it answer, and does it still know the link? */

static void
on_link_dns (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwResolved *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autoptr (GVariant) value = NULL;

  if (!note_answer (self, error) || answer == NULL)
    return;
  g_variant_get (answer, "(v)", &value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE ("a(iay)")) && g_variant_n_children (value) == 0)
    send_settings (self);
  else if (!self->set && self->pending == 0 && self->error == NULL)
    {
      self->set = TRUE;
      self->changed (self->user_data);
    }
}

static void
on_link_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwResolved *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  const gchar *path;

  if (!note_answer (self, error) || answer == NULL)
    return;
  g_variant_get (answer, "(&o)", &path);
  g_dbus_connection_call (G_DBUS_CONNECTION (source), BUS_NAME, path, "org.freedesktop.DBus.Properties", "Get",
                          g_variant_new ("(ss)", BUS_NAME ".Link", "DNS"), G_VARIANT_TYPE ("(v)"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, (gint)ew_resolved_call_ms, self->calls, on_link_dns, self);
}

static void
on_pinged (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwResolved *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  (void)note_answer (self, error);
}

/* What the networks of this computer have; it is asked for whenever resolved is looked at. */
static void
on_domains (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwResolved *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autoptr (GVariant) value = NULL;

  if (!note_answer (self, error) || answer == NULL)
    return;
  g_variant_get (answer, "(v)", &value);
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE ("a(isb)"))
      || (self->domains != NULL && g_variant_equal (value, self->domains)))
    return;
  g_clear_pointer (&self->domains, g_variant_unref);
  self->domains = g_steal_pointer (&value);
  self->changed (self->user_data);
}

static void
ask_domains (EwResolved *self)
{
  g_dbus_connection_call (self->bus, BUS_NAME, BUS_PATH, "org.freedesktop.DBus.Properties", "Get",
                          g_variant_new ("(ss)", MANAGER, "Domains"), G_VARIANT_TYPE ("(v)"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, (gint)ew_resolved_call_ms, self->life, on_domains, self);
}

static void
look_at_link (EwResolved *self)
{
  if (!self->sent)
    send_settings (self);
  else if (self->pending == 0)
    g_dbus_connection_call (self->bus, BUS_NAME, BUS_PATH, MANAGER, "GetLink", g_variant_new ("(i)", (gint)self->link),
                            G_VARIANT_TYPE ("(o)"), G_DBUS_CALL_FLAGS_NO_AUTO_START, (gint)ew_resolved_call_ms,
                            self->calls, on_link_found, self);
}

void
ew_resolved_look (EwResolved *self)
{
  if (self->bus == NULL || !self->owned)
    return;
  ask_domains (self);
  if (self->link != 0)
    look_at_link (self);
  else
    g_dbus_connection_call (self->bus, BUS_NAME, BUS_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL, NULL,
                            G_DBUS_CALL_FLAGS_NO_AUTO_START, (gint)ew_resolved_call_ms, self->life, on_pinged, self);
}

/* ---- the bus */

static void
on_appeared (GDBusConnection *bus, const gchar *name, const gchar *owner, gpointer user_data)
{
  EwResolved *self = user_data;

  self->owned = TRUE;
  ew_resolved_look (self);
}

static void
on_vanished (GDBusConnection *bus, const gchar *name, gpointer user_data)
{
  EwResolved *self = user_data;

  g_clear_pointer (&self->domains, g_variant_unref);
  self->owned = self->set = FALSE; /* until the next one has been asked */
  set_state (self, EW_RESOLVED_ABSENT);
}

static void
drop_bus (EwResolved *self)
{
  g_clear_handle_id (&self->watch, g_bus_unwatch_name);
  if (self->bus != NULL && self->closed != 0)
    g_signal_handler_disconnect (self->bus, self->closed);
  self->closed = 0;
  g_clear_object (&self->bus);
  self->owned = FALSE;
}

static void
on_closed (GDBusConnection *bus, gboolean peer_vanished, GError *error, gpointer user_data)
{
  EwResolved *self = user_data;

  drop_bus (self);
  set_state (self, EW_RESOLVED_ABSENT);
  retry_later (self);
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) bus = g_dbus_connection_new_for_address_finish (result, &error);
  EwResolved *self = user_data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (bus == NULL)
    {
      set_state (self, EW_RESOLVED_ABSENT);
      retry_later (self);
      return;
    }
  self->bus = g_steal_pointer (&bus);
  self->closed = g_signal_connect (self->bus, "closed", G_CALLBACK (on_closed), self);
  send_reverts (self);
  self->watch = g_bus_watch_name_on_connection (self->bus, BUS_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE, on_appeared,
                                                on_vanished, self, NULL);
}

/* A connection of its own: the process-wide one doesn't come back after the bus was restarted. */
static void
connect_bus (EwResolved *self)
{
  g_autofree gchar *address = self->address != NULL ? g_strdup (self->address)
                                                    : g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SYSTEM, NULL, NULL);

  if (address != NULL)
    g_dbus_connection_new_for_address (
      address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL,
      self->life, on_connected, self);
}

EwResolved *
ew_resolved_new (const gchar *address, void (*changed) (gpointer user_data), gpointer user_data)
{
  EwResolved *self = g_new0 (EwResolved, 1);

  self->address = g_strdup (address);
  self->life = g_cancellable_new ();
  self->calls = g_cancellable_new ();
  self->reverts = g_array_new (FALSE, FALSE, sizeof (guint));
  self->changed = changed;
  self->user_data = user_data;
  connect_bus (self);
  return self;
}

void
ew_resolved_free (EwResolved *self)
{
  if (self == NULL)
    return;
  g_cancellable_cancel (self->life);
  g_cancellable_cancel (self->calls);
  g_clear_handle_id (&self->retry, g_source_remove);
  drop_bus (self);
  g_object_unref (self->life);
  g_object_unref (self->calls);
  g_clear_pointer (&self->settings, g_variant_unref);
  g_clear_pointer (&self->domains, g_variant_unref);
  g_array_unref (self->reverts);
  g_free (self->suffix);
  g_free (self->error);
  g_free (self->address);
  g_free (self);
}

EwResolvedState
ew_resolved_get_state (EwResolved *self)
{
  return self->state;
}

gboolean
ew_resolved_is_set (EwResolved *self)
{
  return self->set;
}

GStrv
ew_resolved_get_domains (EwResolved *self, guint link)
{
  g_autoptr (GStrvBuilder) domains = g_strv_builder_new ();
  GVariantIter iter;
  const gchar *domain;
  gint number;

  if (self->domains == NULL)
    return g_strv_builder_end (domains);
  g_variant_iter_init (&iter, self->domains);
  while (g_variant_iter_next (&iter, "(i&sb)", &number, &domain, NULL))
    if (number != (gint)link)
      g_strv_builder_add (domains, domain);
  return g_strv_builder_end (domains);
}

const gchar *
ew_resolved_get_error (EwResolved *self)
{
  return self->error;
}

/* All are for routing only. A search domain would be tried for short names of others, too: a LAN's "nas" would become
   the mesh's, and the stub's resolv.conf would change. Edgeway's module answers short names, after all others. */
static GVariant *
make_settings (const EwResolvedLink *link)
{
  GVariantBuilder servers, domains;

  g_variant_builder_init (&servers, G_VARIANT_TYPE ("a(iay)"));
  for (gsize i = 0; i < link->n_servers; i++)
    {
      const EwIp *ip = &link->servers[i];
      g_variant_builder_add (&servers, "(i@ay)", ip->family == EW_FAMILY_V4 ? AF_INET : AF_INET6,
                             g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, ip->bytes, ew_ip_size (ip), 1));
    }
  g_variant_builder_init (&domains, G_VARIANT_TYPE ("a(sb)"));
  g_variant_builder_add (&domains, "(sb)", link->suffix, TRUE);
  for (guint i = 0; link->domains != NULL && link->domains[i] != NULL; i++)
    g_variant_builder_add (&domains, "(sb)", link->domains[i], TRUE);
  return g_variant_new ("(a(iay)a(sb)b)", &servers, &domains, link->default_route);
}

static void
forget_link (EwResolved *self)
{
  g_cancellable_cancel (self->calls);
  g_object_unref (self->calls);
  self->calls = g_cancellable_new ();
  self->link = 0;
  self->pending = 0;
  self->sent = self->set = FALSE;
  g_clear_pointer (&self->settings, g_variant_unref);
  g_clear_pointer (&self->error, g_free);
}

void
ew_resolved_set_link (EwResolved *self, const EwResolvedLink *link)
{
  g_autoptr (GVariant) settings = link != NULL ? g_variant_ref_sink (make_settings (link)) : NULL;
  guint before = self->sent ? self->link : 0;

  if (link != NULL && self->link == link->link && self->settings != NULL && g_variant_equal (settings, self->settings)
      && g_strcmp0 (link->suffix, self->suffix) == 0)
    return;
  forget_link (self);
  if (before != 0 && (link == NULL || before != link->link))
    ew_resolved_revert (self, before);
  if (link == NULL)
    return;
  self->link = link->link;
  self->settings = g_steal_pointer (&settings);
  g_free (self->suffix);
  self->suffix = g_strdup (link->suffix);
  if (self->bus != NULL && self->owned)
    send_settings (self);
}

void
ew_resolved_revert (EwResolved *self, guint link)
{
  g_array_append_val (self->reverts, link);
  send_reverts (self);
}

static void
on_flushed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (answer == NULL)
    g_debug ("FlushCaches: %s", error->message);
}

void
ew_resolved_forget_failures (EwResolved *self)
{
  if (self->bus != NULL && self->owned)
    g_dbus_connection_call (self->bus, BUS_NAME, BUS_PATH, MANAGER, "FlushCaches", NULL, NULL,
                            G_DBUS_CALL_FLAGS_NO_AUTO_START, (gint)ew_resolved_call_ms, NULL, on_flushed, NULL);
}

gboolean
ew_resolved_revert_now (const gchar *address, guint link, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree gchar *system
    = address != NULL ? g_strdup (address) : g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SYSTEM, NULL, NULL);
  g_autoptr (GDBusConnection) bus
    = system != NULL ? g_dbus_connection_new_for_address_sync (
        system, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL,
        NULL, NULL)
                     : NULL;
  g_autoptr (GVariant) answer = NULL;

  if (bus == NULL)
    return TRUE;
  answer
    = g_dbus_connection_call_sync (bus, BUS_NAME, BUS_PATH, MANAGER, "RevertLink", g_variant_new ("(i)", (gint)link),
                                   NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, (gint)ew_resolved_call_ms, NULL, &local);
  g_autofree gchar *name
    = local != NULL && g_dbus_error_is_remote_error (local) ? g_dbus_error_get_remote_error (local) : NULL;
  if (answer != NULL || local == NULL || g_strcmp0 (name, NO_SUCH_LINK) == 0 || is_absence (local))
    return TRUE;
  ew_set_error (error, local->domain, local->code,
                "systemd-resolved doesn't undo the tunnel's name servers (%s). Restart it with `systemctl restart "
                "systemd-resolved`.",
                ew_phrase_cause (local));
  return FALSE;
}
