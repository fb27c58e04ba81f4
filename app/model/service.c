/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service-private.h"

#include <arpa/inet.h>
#include <edgeway-config.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#include "full-name.h"
#include "node-private.h"
#include "text.h"

#define NAME_MAX_CHARS 63
#define FULL_NAME_MAX_CHARS 253
#define LABEL_MAX_CHARS 120 /* a node, an IPv6 address and a port */
#define ADDRESSES_MAX 8
#define PORTS_MAX 16
#define TARGETS_MAX 8
#define ANSWER_MAX 65536 /* bytes */

struct _EwService
{
  GObject parent;
  gchar *id, *name, *full_name;
  gchar **addresses;
  GArray *ports;   /* EwServicePortInfo */
  GArray *targets; /* EwServiceTarget */
  gboolean outside, spread;
  gchar *words; /* all of the above: whether anything has changed */
  gint64 as_of, clock_us;
  guint revision;
};

G_DEFINE_FINAL_TYPE (EwService, ew_service, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_ID,
  PROP_NAME,
  PROP_REVISION,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static void
clear_port (gpointer data)
{
  g_free (((EwServicePortInfo *)data)->text);
}

static void
clear_target (gpointer data)
{
  EwServiceTarget *target = data;

  g_free (target->node);
  g_free (target->node_id);
  g_free (target->host);
  g_free (target->label);
}

static void
ew_service_finalize (GObject *object)
{
  EwService *self = EW_SERVICE (object);

  g_free (self->id);
  g_free (self->name);
  g_free (self->full_name);
  g_free (self->words);
  g_strfreev (self->addresses);
  g_array_unref (self->ports);
  g_array_unref (self->targets);
  G_OBJECT_CLASS (ew_service_parent_class)->finalize (object);
}

static void
ew_service_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  EwService *self = EW_SERVICE (object);

  if (id == PROP_ID)
    g_value_set_string (value, self->id);
  else if (id == PROP_NAME)
    g_value_set_string (value, self->name);
  else if (id == PROP_REVISION)
    g_value_set_uint (value, self->revision);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
ew_service_class_init (EwServiceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = ew_service_finalize;
  object_class->get_property = ew_service_get_property;
  properties[PROP_ID] = g_param_spec_string ("id", NULL, NULL, NULL, flags);
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  properties[PROP_REVISION] = g_param_spec_uint ("revision", NULL, NULL, 0, G_MAXUINT, 0, flags);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ew_service_init (EwService *self)
{
  self->ports = g_array_new (FALSE, TRUE, sizeof (EwServicePortInfo));
  g_array_set_clear_func (self->ports, clear_port);
  self->targets = g_array_new (FALSE, TRUE, sizeof (EwServiceTarget));
  g_array_set_clear_func (self->targets, clear_target);
  self->addresses = g_new0 (gchar *, 1);
  self->full_name = g_strdup ("");
}

EwService *
ew_service_new (const gchar *id)
{
  EwService *self = g_object_new (EW_TYPE_SERVICE, NULL);

  self->id = g_strdup (id);
  self->name = g_strdup (id);
  return self;
}

/* Reading. */

static JsonObject *
object_at (JsonArray *array, guint position)
{
  JsonNode *element = json_array_get_element (array, position);

  return JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
}

static guint16
read_port (JsonObject *object, const gchar *member)
{
  gdouble value;

  return ew_text_number (object, member, &value) && value <= G_MAXUINT16 ? (guint16)value : 0;
}

static void
read_ports (EwService *self, JsonArray *array)
{
  g_array_set_size (self->ports, 0);
  for (guint i = 0; array != NULL && i < json_array_get_length (array) && self->ports->len < PORTS_MAX; i++)
    {
      JsonObject *object = object_at (array, i);
      EwServicePortInfo port = { 0 };

      if (object == NULL)
        continue;
      port.text = ew_text_clean (ew_text_member (object, "text"), LABEL_MAX_CHARS);
      port.udp = g_strcmp0 (ew_text_member (object, "protocol"), "udp") == 0;
      port.from = read_port (object, "from");
      port.to = read_port (object, "to");
      port.target = read_port (object, "target");
      g_array_append_val (self->ports, port);
    }
}

static EwTargetState
read_target_state (const gchar *word)
{
  static const gchar *const words[]
    = { [EW_TARGET_UNKNOWN] = "unknown", [EW_TARGET_ANSWERS] = "answers",       [EW_TARGET_REACHABLE] = "reachable",
        [EW_TARGET_REFUSES] = "refuses", [EW_TARGET_SILENT] = "silent",         [EW_TARGET_UNREACHABLE] = "unreachable",
        [EW_TARGET_OFFLINE] = "offline", [EW_TARGET_NOT_JOINED] = "not-joined", [EW_TARGET_NO_ROUTE] = "no-route" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_strcmp0 (word, words[i]) == 0)
      return (EwTargetState)i;
  return EW_TARGET_UNKNOWN;
}

static void
read_targets (EwService *self, JsonArray *array)
{
  g_array_set_size (self->targets, 0);
  for (guint i = 0; array != NULL && i < json_array_get_length (array) && self->targets->len < TARGETS_MAX; i++)
    {
      JsonObject *object = object_at (array, i);
      EwServiceTarget target = { 0 };
      gint64 since;

      if (object == NULL)
        continue;
      since = ew_text_time (object, "since");
      target.node = ew_text_clean (ew_text_member (object, "node"), NAME_MAX_CHARS);
      target.node_id = g_strdup (ew_text_member (object, "node_id"));
      if (ew_text_member (object, "host") != NULL)
        target.host = ew_text_clean (ew_text_member (object, "host"), LABEL_MAX_CHARS);
      target.label = ew_text_clean (ew_text_member (object, "label"), LABEL_MAX_CHARS);
      target.port = read_port (object, "port");
      target.state = read_target_state (ew_text_member (object, "state"));
      target.since = since > 0 ? MAX (since + self->clock_us, 1) : 0;
      target.offered = ew_text_bool (object, "offered", FALSE);
      g_array_append_val (self->targets, target);
    }
}

/* Nothing but addresses: they go into commands and URLs. */
static void
read_addresses (EwService *self, JsonArray *array)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; array != NULL && i < MIN (json_array_get_length (array), ADDRESSES_MAX); i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      const gchar *text = JSON_NODE_HOLDS_VALUE (element) && json_node_get_value_type (element) == G_TYPE_STRING
                            ? json_node_get_string (element)
                            : NULL;
      struct in6_addr address;

      if (text != NULL && inet_pton (strchr (text, ':') != NULL ? AF_INET6 : AF_INET, text, &address) == 1)
        g_strv_builder_add (builder, text);
    }
  g_strfreev (self->addresses);
  self->addresses = g_strv_builder_end (builder);
}

static gchar *
all_words (EwService *self)
{
  g_autofree gchar *addresses = g_strjoinv (" ", self->addresses);
  GString *words = g_string_new (NULL);

  g_string_append_printf (words, "%s\n%s\n%s\n%d %d\n", self->name, self->full_name, addresses, self->outside,
                          self->spread);
  for (guint i = 0; i < self->ports->len; i++)
    {
      const EwServicePortInfo *port = ew_service_get_port (self, i);

      g_string_append_printf (words, "%s %d %u %u %u\n", port->text, port->udp, port->from, port->to, port->target);
    }
  for (guint i = 0; i < self->targets->len; i++)
    {
      const EwServiceTarget *target = ew_service_get_target (self, i);

      g_string_append_printf (words, "%s %s %u %" G_GINT64_FORMAT " %d\n", target->label,
                              target->node_id != NULL ? target->node_id : "", target->state, target->since,
                              target->offered);
    }
  return g_string_free (words, FALSE);
}

static void
say_changed (EwService *self)
{
  self->revision++;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_REVISION]);
}

void
ew_service_update (EwService *self, JsonObject *object)
{
  g_autofree gchar *name = ew_text_clean (ew_text_member (object, "name"), NAME_MAX_CHARS), *before = NULL;
  gboolean renamed;

  if (*name == '\0')
    {
      g_free (name);
      name = g_strdup (self->id);
    }
  renamed = !g_str_equal (name, self->name);
  before = g_steal_pointer (&self->words);
  g_free (self->name);
  self->name = g_steal_pointer (&name);
  g_free (self->full_name);
  self->full_name = ew_text_clean (ew_text_member (object, "fqdn"), FULL_NAME_MAX_CHARS);
  self->outside = ew_text_bool (object, "outside", FALSE);
  self->spread = g_strcmp0 (ew_text_member (object, "spread"), "spread") == 0;
  read_addresses (self, ew_text_array (object, "addresses"));
  read_ports (self, ew_text_array (object, "ports"));
  read_targets (self, ew_text_array (object, "targets"));
  self->words = all_words (self);
  g_object_freeze_notify (G_OBJECT (self));
  if (renamed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_NAME]);
  if (g_strcmp0 (before, self->words) != 0)
    say_changed (self);
  g_object_thaw_notify (G_OBJECT (self));
}

void
ew_service_set_clock (EwService *self, gint64 ahead_us)
{
  self->clock_us = ahead_us;
}

void
ew_service_set_as_of (EwService *self, gint64 realtime_us)
{
  if (self->as_of == realtime_us)
    return;
  self->as_of = realtime_us;
  say_changed (self);
}

/* Probing. */

static JsonObject *
parse_answer (GVariant *answer)
{
  const gchar *text;
  g_autoptr (JsonNode) root = NULL;

  if (answer == NULL || !g_variant_is_of_type (answer, G_VARIANT_TYPE ("(s)")))
    return NULL;
  g_variant_get (answer, "(&s)", &text);
  root = strlen (text) <= ANSWER_MAX ? json_from_string (text, NULL) : NULL;
  return root != NULL && JSON_NODE_HOLDS_OBJECT (root) ? json_object_ref (json_node_get_object (root)) : NULL;
}

EwService *
ew_service_new_from_answer (GVariant *answer)
{
  g_autoptr (JsonObject) object = parse_answer (answer);
  const gchar *id = object != NULL ? ew_node_id_of (object) : NULL;
  EwService *self;

  if (id == NULL)
    return NULL;
  self = ew_service_new (id);
  ew_service_update (self, object);
  return self;
}

static void
on_probed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  EwService *self = g_task_get_source_object (task);
  GError *error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);
  g_autoptr (JsonObject) object = parse_answer (answer);

  if (error != NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  if (object != NULL && g_strcmp0 (ew_node_id_of (object), self->id) == 0)
    ew_service_update (self, object);
  g_task_return_boolean (task, TRUE);
}

void
ew_service_probe_async (EwService *self, EwDaemon *daemon, GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  ew_daemon_call_quietly_async (daemon, "ShowService", g_variant_new ("(s)", self->name), cancellable, on_probed, task);
}

gboolean
ew_service_probe_finish (EwService *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Getters. */

const gchar *
ew_service_get_id (EwService *self)
{
  return self->id;
}

const gchar *
ew_service_get_name (EwService *self)
{
  return self->name;
}

const gchar *
ew_service_get_full_name (EwService *self)
{
  return *self->full_name != '\0' ? self->full_name : self->name;
}

const gchar *const *
ew_service_get_addresses (EwService *self)
{
  return (const gchar *const *)self->addresses;
}

const gchar *
ew_service_get_address (EwService *self)
{
  return self->addresses[0];
}

gboolean
ew_service_is_outside (EwService *self)
{
  return self->outside;
}

gboolean
ew_service_is_spread (EwService *self)
{
  return self->spread;
}

guint
ew_service_get_n_ports (EwService *self)
{
  return self->ports->len;
}

const EwServicePortInfo *
ew_service_get_port (EwService *self, guint index)
{
  return &g_array_index (self->ports, EwServicePortInfo, index);
}

guint
ew_service_get_n_targets (EwService *self)
{
  return self->targets->len;
}

const EwServiceTarget *
ew_service_get_target (EwService *self, guint index)
{
  return &g_array_index (self->targets, EwServiceTarget, index);
}

gint64
ew_service_get_as_of (EwService *self)
{
  return self->as_of;
}

/* While the mesh is only as last seen, nothing is known of now. */
EwServiceState
ew_service_get_state (EwService *self)
{
  guint offline = 0, unknown = 0;

  for (guint i = 0; i < self->targets->len; i++)
    switch (ew_service_get_target (self, i)->state)
      {
      case EW_TARGET_ANSWERS:
      case EW_TARGET_REACHABLE:
        return self->as_of == 0 ? EW_SERVICE_WORKS : EW_SERVICE_UNKNOWN;
      case EW_TARGET_OFFLINE:
      case EW_TARGET_NOT_JOINED:
        offline++;
        break;
      case EW_TARGET_UNKNOWN:
        unknown++;
        break;
      case EW_TARGET_REFUSES:
      case EW_TARGET_SILENT:
      case EW_TARGET_UNREACHABLE:
      case EW_TARGET_NO_ROUTE:
        break;
      }
  if (unknown > 0 || self->as_of != 0 || self->targets->len == 0)
    return EW_SERVICE_UNKNOWN;
  return offline == self->targets->len ? EW_SERVICE_OFFLINE : EW_SERVICE_FAILS;
}

const gchar *
ew_service_get_node_id (EwService *self)
{
  for (guint i = 0; i < self->targets->len; i++)
    if (ew_service_get_target (self, i)->offered && ew_service_get_target (self, i)->node_id != NULL)
      return ew_service_get_target (self, i)->node_id;
  return self->targets->len > 0 ? ew_service_get_target (self, 0)->node_id : NULL;
}

gboolean
ew_service_leads_to (EwService *self, const gchar *node_id)
{
  for (guint i = 0; i < self->targets->len; i++)
    if (g_strcmp0 (ew_service_get_target (self, i)->node_id, node_id) == 0)
      return TRUE;
  return FALSE;
}

/* Where web pages are usually found: the callers' port says more than the target's. NULL: elsewhere. */
static const gchar *
scheme_of_port (guint16 port)
{
  static const guint16 plain[] = { 80, 3000, 5000, 5678, 7878, 8989, 9000, 9090, 19999, 32400 };

  if (port == 443 || port == 8443 || port == 9443)
    return "https";
  for (guint i = 0; i < G_N_ELEMENTS (plain); i++)
    if (port == plain[i])
      return "http";
  return port >= 8000 && port < 9000 ? "http" : NULL;
}

gchar *
ew_service_get_url (EwService *self, EwDaemon *daemon)
{
  g_autofree gchar *host = ew_reachable_name (daemon, self->name, self->addresses[0]), *bracketed = NULL;

  for (guint i = 0; host != NULL && i < self->ports->len; i++)
    {
      const EwServicePortInfo *port = ew_service_get_port (self, i);
      const gchar *scheme = port->udp || port->from != port->to ? NULL : scheme_of_port (port->from);

      if (scheme == NULL)
        continue;
      bracketed = strchr (host, ':') != NULL ? g_strdup_printf ("[%s]", host) : g_strdup (host);
      if (port->from == 80 || port->from == 443)
        return g_strdup_printf ("%s://%s/", scheme, bracketed);
      return g_strdup_printf ("%s://%s:%u/", scheme, bracketed, port->from);
    }
  return NULL;
}
