/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "daemon-private.h"

#include "call-error.h"
#include "daemon-bus.h"
#include "full-name.h"
#include "edgeway-daemon1.h"
#include "text.h"
#include "translate.h"
#include "words.h"

#define TEXT_MAX_CHARS 600

enum
{
  PROP_0,
  PROP_STATE,
  PROP_REASON,
  PROP_MESSAGE,
  PROP_MODE,
  PROP_GUARD_UNTIL,
  PROP_LOCKDOWN,
  PROP_LOCKDOWN_UNTIL,
  PROP_ADMINISTRATOR,
  PROP_MESH,
  PROP_SUFFIX,
  PROP_NAMES,
  PROP_NAMES_MESSAGE,
  PROP_PROXY_ASKS,
  PROP_PROXY_WANTED,
  PROP_NODE_NAME,
  PROP_KIND,
  PROP_ADDRESSES,
  PROP_EDGE_NAME,
  PROP_EDGE_ENDPOINT,
  PROP_TRANSPORT,
  PROP_VERSION,
  PROP_SINCE,
  PROP_TRIAL,
  PROP_PROBLEMS,
  N_VALUES, /* those before come from D-Bus properties */
  PROP_AVAILABILITY = N_VALUES,
  PROP_UNAVAILABLE_MESSAGE,
  PROP_ENROLLED,
  PROP_BUS_ADDRESS,
  N_PROPERTIES
};

static const gchar *const dbus_names[N_VALUES] = {
  [PROP_STATE] = "State",
  [PROP_REASON] = "Reason",
  [PROP_MESSAGE] = "Message",
  [PROP_MODE] = "Mode",
  [PROP_GUARD_UNTIL] = "GuardUntil",
  [PROP_LOCKDOWN] = "Lockdown",
  [PROP_LOCKDOWN_UNTIL] = "LockdownUntil",
  [PROP_ADMINISTRATOR] = "Role",
  [PROP_MESH] = "Mesh",
  [PROP_NODE_NAME] = "NodeName",
  [PROP_KIND] = "Kind",
  [PROP_ADDRESSES] = "Addresses",
  [PROP_EDGE_NAME] = "EdgeName",
  [PROP_EDGE_ENDPOINT] = "EdgeEndpoint",
  [PROP_TRANSPORT] = "Transport",
  [PROP_VERSION] = "Version",
  [PROP_SINCE] = "Since",
  [PROP_TRIAL] = "Trial",
  [PROP_PROBLEMS] = "Problems",
  [PROP_SUFFIX] = "Suffix",
  [PROP_NAMES] = "Names",
  [PROP_NAMES_MESSAGE] = "NamesMessage",
  [PROP_PROXY_ASKS] = "ProxyAsks",
  [PROP_PROXY_WANTED] = "ProxyWanted",
};

struct _EwDaemon
{
  GObject parent;
  EwDaemonBus *bus;
  EwAvailability availability; /* as announced */
  GVariant *values[N_VALUES];  /* texts are cleaned; NULL: unknown */
  GVariant *phrases[3];        /* of the message, the problems and the names (translate.h); NULL: none */
  gchar **addresses;
};

G_DEFINE_FINAL_TYPE (EwDaemon, ew_daemon, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPERTIES];

/* Values. */

static const gchar *
text_of (EwDaemon *self, guint value)
{
  return self->values[value] != NULL ? g_variant_get_string (self->values[value], NULL) : "";
}

static gint64
number_of (EwDaemon *self, guint value)
{
  return self->values[value] != NULL ? MAX (g_variant_get_int64 (self->values[value]), 0) : 0;
}

/* Takes value, NULL: unknown. */
static void
set_value (EwDaemon *self, guint id, GVariant *value)
{
  g_autoptr (GVariant) taken = value;
  gboolean was_enrolled = ew_daemon_get_enrolled (self);

  if (taken == self->values[id]
      || (taken != NULL && self->values[id] != NULL && g_variant_equal (taken, self->values[id])))
    return;
  g_clear_pointer (&self->values[id], g_variant_unref);
  self->values[id] = g_steal_pointer (&taken);
  if (id == PROP_ADDRESSES)
    {
      g_strfreev (self->addresses);
      self->addresses = self->values[id] != NULL ? g_variant_dup_strv (self->values[id], NULL) : g_new0 (gchar *, 1);
    }
  g_object_notify_by_pspec (G_OBJECT (self), properties[id]);
  if (id == PROP_NAMES || id == PROP_NAMES_MESSAGE || id == PROP_VERSION)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROBLEMS]);
  if (was_enrolled != ew_daemon_get_enrolled (self))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ENROLLED]);
}

enum
{
  PHRASE_MESSAGE,
  PHRASE_PROBLEMS,
  PHRASE_NAMES
};

/* They come with what they belong to, in any order, so they are taken first. */
static void
take_phrases (EwDaemon *self, GVariant *dictionary)
{
  static const gchar *const names[] = { "MessagePhrase", "ProblemPhrases", "NamesPhrase" };
  static const gchar *const types[] = { "s", "as", "s" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      GVariant *value = g_variant_lookup_value (dictionary, names[i], G_VARIANT_TYPE (types[i]));
      if (value == NULL)
        continue;
      g_clear_pointer (&self->phrases[i], g_variant_unref);
      self->phrases[i] = value;
    }
}

static GVariant *
translate_message (EwDaemon *self, const gchar *text, guint which)
{
  GVariant *phrase = self->phrases[which];
  g_autofree gchar *translated
    = ew_translate_sentence (text, phrase != NULL ? g_variant_get_string (phrase, NULL) : NULL);

  return g_variant_new_take_string (ew_text_sentence (translated, TEXT_MAX_CHARS));
}

static GVariant *
translate_problems (EwDaemon *self, GVariant *problems)
{
  g_autofree const gchar **lines = g_variant_get_strv (problems, NULL);
  g_autofree const gchar **phrases
    = self->phrases[PHRASE_PROBLEMS] != NULL ? g_variant_get_strv (self->phrases[PHRASE_PROBLEMS], NULL) : NULL;
  const guint n_phrases = phrases != NULL ? g_strv_length ((gchar **)phrases) : 0;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autofree gchar *translated = ew_translate_sentence (lines[i], i < n_phrases ? phrases[i] : NULL);
      g_variant_builder_add_value (&builder, g_variant_new_take_string (ew_text_sentence (translated, TEXT_MAX_CHARS)));
    }
  return g_variant_builder_end (&builder);
}

static void
take_property (EwDaemon *self, const gchar *name, GVariant *value)
{
  GDBusPropertyInfo *info = g_dbus_interface_info_lookup_property (ew_daemon1_interface_info (), name);
  g_autofree gchar *clean = NULL;

  if (info == NULL || !g_variant_is_of_type (value, G_VARIANT_TYPE (info->signature)))
    return;
  for (guint id = PROP_0 + 1; id < N_VALUES; id++)
    if (g_str_equal (dbus_names[id], name))
      {
        if (id == PROP_MESSAGE || id == PROP_NAMES_MESSAGE)
          value = translate_message (self, g_variant_get_string (value, NULL),
                                     id == PROP_MESSAGE ? PHRASE_MESSAGE : PHRASE_NAMES);
        else if (id == PROP_PROBLEMS)
          value = translate_problems (self, value);
        else if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
          {
            clean = ew_text_clean (g_variant_get_string (value, NULL), TEXT_MAX_CHARS);
            value = g_variant_new_string (clean);
          }
        set_value (self, id, g_variant_ref_sink (value));
        return;
      }
}

static void
take_properties (EwDaemon *self, GVariant *dictionary)
{
  GVariantIter iter;
  const gchar *name;
  GVariant *value;

  g_object_freeze_notify (G_OBJECT (self));
  take_phrases (self, dictionary);
  g_variant_iter_init (&iter, dictionary);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
    take_property (self, name, value);
  g_object_thaw_notify (G_OBJECT (self));
}

static void
on_bus_changed (EwAvailability availability, GVariant *changed, gpointer user_data)
{
  EwDaemon *self = user_data;

  g_object_freeze_notify (G_OBJECT (self));
  if (self->availability != availability)
    {
      self->availability = availability;
      for (guint id = PROP_0 + 1; id < N_VALUES && availability != EW_AVAILABILITY_READY; id++)
        set_value (self, id, NULL);
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_AVAILABILITY]);
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_UNAVAILABLE_MESSAGE]);
    }
  if (changed != NULL)
    take_properties (self, changed);
  g_object_thaw_notify (G_OBJECT (self));
}

void
ew_daemon_retry (EwDaemon *self)
{
  g_return_if_fail (EW_IS_DAEMON (self));
  if (self->availability == EW_AVAILABILITY_READY || self->availability == EW_AVAILABILITY_LOOKING)
    return;
  ew_daemon_bus_look (self->bus);
}

/* The object. */

static void
ew_daemon_constructed (GObject *object)
{
  G_OBJECT_CLASS (ew_daemon_parent_class)->constructed (object);
  ew_daemon_bus_look (EW_DAEMON (object)->bus);
}

static void
ew_daemon_finalize (GObject *object)
{
  EwDaemon *self = EW_DAEMON (object);

  ew_daemon_bus_free (self->bus);
  for (guint id = 0; id < N_VALUES; id++)
    g_clear_pointer (&self->values[id], g_variant_unref);
  for (gsize i = 0; i < G_N_ELEMENTS (self->phrases); i++)
    g_clear_pointer (&self->phrases[i], g_variant_unref);
  g_strfreev (self->addresses);
  G_OBJECT_CLASS (ew_daemon_parent_class)->finalize (object);
}

static void
ew_daemon_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  if (id == PROP_BUS_ADDRESS)
    EW_DAEMON (object)->bus = ew_daemon_bus_new (g_value_get_string (value), on_bus_changed, object);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
ew_daemon_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  EwDaemon *self = EW_DAEMON (object);

  switch (id)
    {
    case PROP_AVAILABILITY:
      g_value_set_enum (value, (gint)self->availability);
      break;
    case PROP_UNAVAILABLE_MESSAGE:
      g_value_set_string (value, ew_daemon_get_unavailable_message (self));
      break;
    case PROP_STATE:
      g_value_set_enum (value, (gint)ew_daemon_get_state (self));
      break;
    case PROP_MODE:
      g_value_set_enum (value, (gint)ew_daemon_get_mode (self));
      break;
    case PROP_KIND:
      g_value_set_enum (value, (gint)ew_daemon_get_kind (self));
      break;
    case PROP_GUARD_UNTIL:
    case PROP_LOCKDOWN_UNTIL:
    case PROP_SINCE:
      g_value_set_int64 (value, number_of (self, id));
      break;
    case PROP_ADMINISTRATOR:
      g_value_set_boolean (value, ew_daemon_get_administrator (self));
      break;
    case PROP_TRIAL:
      g_value_set_boolean (value, ew_daemon_get_trial (self));
      break;
    case PROP_ENROLLED:
      g_value_set_boolean (value, ew_daemon_get_enrolled (self));
      break;
    case PROP_ADDRESSES:
      g_value_set_boxed (value, self->addresses);
      break;
    case PROP_PROBLEMS:
      g_value_take_boxed (value, self->values[id] != NULL ? g_variant_dup_strv (self->values[id], NULL) : NULL);
      break;
    case PROP_BUS_ADDRESS:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
      break;
    default:
      g_value_set_string (value, text_of (self, id));
    }
}

static void
ew_daemon_class_init (EwDaemonClass *klass)
{
  static const struct
  {
    guint id;
    const gchar *name;
  } texts[] = {
    { PROP_UNAVAILABLE_MESSAGE, "unavailable-message" },
    { PROP_REASON, "reason" },
    { PROP_MESSAGE, "message" },
    { PROP_LOCKDOWN, "lockdown" },
    { PROP_MESH, "mesh" },
    { PROP_SUFFIX, "suffix" },
    { PROP_NAMES, "names" },
    { PROP_NAMES_MESSAGE, "names-message" },
    { PROP_PROXY_ASKS, "proxy-asks" },
    { PROP_PROXY_WANTED, "proxy-wanted" },
    { PROP_NODE_NAME, "node-name" },
    { PROP_EDGE_NAME, "edge-name" },
    { PROP_EDGE_ENDPOINT, "edge-endpoint" },
    { PROP_TRANSPORT, "transport" },
    { PROP_VERSION, "version" },
  };
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->constructed = ew_daemon_constructed;
  object_class->finalize = ew_daemon_finalize;
  object_class->set_property = ew_daemon_set_property;
  object_class->get_property = ew_daemon_get_property;
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    properties[texts[i].id] = g_param_spec_string (texts[i].name, NULL, NULL, NULL, flags);
  properties[PROP_AVAILABILITY]
    = g_param_spec_enum ("availability", NULL, NULL, EW_TYPE_AVAILABILITY, EW_AVAILABILITY_LOOKING, flags);
  properties[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, EW_TYPE_STATE, EW_STATE_UNKNOWN, flags);
  properties[PROP_MODE] = g_param_spec_enum ("mode", NULL, NULL, EW_TYPE_MODE, EW_MODE_CONNECTOR, flags);
  properties[PROP_KIND] = g_param_spec_enum ("kind", NULL, NULL, EW_TYPE_KIND, EW_KIND_DEVICE, flags);
  properties[PROP_GUARD_UNTIL] = g_param_spec_int64 ("guard-until", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_LOCKDOWN_UNTIL] = g_param_spec_int64 ("lockdown-until", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_SINCE] = g_param_spec_int64 ("since", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_ADMINISTRATOR] = g_param_spec_boolean ("administrator", NULL, NULL, FALSE, flags);
  properties[PROP_TRIAL] = g_param_spec_boolean ("trial", NULL, NULL, FALSE, flags);
  properties[PROP_ENROLLED] = g_param_spec_boolean ("enrolled", NULL, NULL, FALSE, flags);
  properties[PROP_PROBLEMS] = g_param_spec_boxed ("problems", NULL, NULL, G_TYPE_STRV, flags);
  properties[PROP_ADDRESSES] = g_param_spec_boxed ("addresses", NULL, NULL, G_TYPE_STRV, flags);
  properties[PROP_BUS_ADDRESS] = g_param_spec_string (
    "bus-address", NULL, NULL, NULL, G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ew_daemon_init (EwDaemon *self)
{
  self->addresses = g_new0 (gchar *, 1);
}

const gchar *
ew_daemon_get_bus_address (EwDaemon *self)
{
  return ew_daemon_bus_get_address (self->bus);
}

EwDaemon *
ew_daemon_new (const gchar *bus_address)
{
  return g_object_new (EW_TYPE_DAEMON, "bus-address", bus_address, NULL);
}

/* Getters. */

EwAvailability
ew_daemon_get_availability (EwDaemon *self)
{
  return self->availability;
}

const gchar *
ew_daemon_get_unavailable_message (EwDaemon *self)
{
  return ew_availability_get_message (self->availability);
}

EwState
ew_daemon_get_state (EwDaemon *self)
{
  return (EwState)ew_text_enum (EW_TYPE_STATE, text_of (self, PROP_STATE), EW_STATE_UNKNOWN);
}

const gchar *
ew_daemon_get_reason (EwDaemon *self)
{
  return text_of (self, PROP_REASON);
}

const gchar *
ew_daemon_get_message (EwDaemon *self)
{
  return text_of (self, PROP_MESSAGE);
}

EwMode
ew_daemon_get_mode (EwDaemon *self)
{
  return (EwMode)ew_text_enum (EW_TYPE_MODE, text_of (self, PROP_MODE), EW_MODE_CONNECTOR);
}

gint64
ew_daemon_get_guard_until (EwDaemon *self)
{
  return number_of (self, PROP_GUARD_UNTIL);
}

gboolean
ew_daemon_get_locked_down (EwDaemon *self)
{
  const gchar *lockdown = text_of (self, PROP_LOCKDOWN);

  return g_str_equal (lockdown, "on") || g_str_equal (lockdown, "trying");
}

gint64
ew_daemon_get_lockdown_until (EwDaemon *self)
{
  return number_of (self, PROP_LOCKDOWN_UNTIL);
}

gboolean
ew_daemon_get_administrator (EwDaemon *self)
{
  return g_str_equal (text_of (self, PROP_ADMINISTRATOR), "admin");
}

const gchar *
ew_daemon_get_mesh (EwDaemon *self)
{
  return text_of (self, PROP_MESH);
}

const gchar *
ew_daemon_get_suffix (EwDaemon *self)
{
  return text_of (self, PROP_SUFFIX);
}

const gchar *
ew_daemon_get_names (EwDaemon *self)
{
  return text_of (self, PROP_NAMES);
}

const gchar *
ew_daemon_get_names_message (EwDaemon *self)
{
  return text_of (self, PROP_NAMES_MESSAGE);
}

const gchar *
ew_daemon_get_node_name (EwDaemon *self)
{
  return text_of (self, PROP_NODE_NAME);
}

EwKind
ew_daemon_get_kind (EwDaemon *self)
{
  return (EwKind)ew_text_enum (EW_TYPE_KIND, text_of (self, PROP_KIND), EW_KIND_DEVICE);
}

const gchar *const *
ew_daemon_get_addresses (EwDaemon *self)
{
  return (const gchar *const *)self->addresses;
}

const gchar *
ew_daemon_get_edge_name (EwDaemon *self)
{
  return text_of (self, PROP_EDGE_NAME);
}

const gchar *
ew_daemon_get_edge_endpoint (EwDaemon *self)
{
  return text_of (self, PROP_EDGE_ENDPOINT);
}

const gchar *
ew_daemon_get_transport (EwDaemon *self)
{
  return text_of (self, PROP_TRANSPORT);
}

const gchar *
ew_daemon_get_proxy_asks (EwDaemon *self)
{
  return text_of (self, PROP_PROXY_ASKS);
}

const gchar *
ew_daemon_get_proxy_wanted (EwDaemon *self)
{
  return text_of (self, PROP_PROXY_WANTED);
}

const gchar *
ew_daemon_get_version (EwDaemon *self)
{
  return text_of (self, PROP_VERSION);
}

gint64
ew_daemon_get_since (EwDaemon *self)
{
  return number_of (self, PROP_SINCE);
}

gboolean
ew_daemon_get_trial (EwDaemon *self)
{
  return self->values[PROP_TRIAL] != NULL && g_variant_get_boolean (self->values[PROP_TRIAL]);
}

gchar *
ew_daemon_dup_problem (EwDaemon *self)
{
  const gchar *first = NULL;

  if (self->values[PROP_PROBLEMS] != NULL && g_variant_n_children (self->values[PROP_PROBLEMS]) > 0)
    g_variant_get_child (self->values[PROP_PROBLEMS], 0, "&s", &first);
  else if (ew_names_fail (self))
    first = ew_daemon_get_names_message (self);
  return first != NULL ? g_strdup (first) : ew_words_version_gap (ew_daemon_get_version (self));
}

gboolean
ew_daemon_get_enrolled (EwDaemon *self)
{
  EwState state = ew_daemon_get_state (self);

  return state != EW_STATE_UNKNOWN && state != EW_STATE_NOT_ENROLLED && state != EW_STATE_REMOVED;
}

GDBusConnection *
ew_daemon_get_connection (EwDaemon *self)
{
  return ew_daemon_bus_get_connection (self->bus);
}
