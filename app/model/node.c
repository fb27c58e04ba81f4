/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node-private.h"

#include <arpa/inet.h>
#include <string.h>

#include "full-name.h"
#include "rate.h"
#include "text.h"

#define NOTICED_US (5 * 60 * G_USEC_PER_SEC) /* within this an edge has noticed that a node is silent */
#define ID_MAX 64                            /* bytes */
#define NAME_MAX_CHARS 63                    /* a DNS label's */
#define WORD_MAX_CHARS 80                    /* an operating system's name */
#define ADDRESSES_MAX 16
#define ROUTES_MAX 256
#define NAMES_MAX 64
#define RTT_MAX_MS 3600000.0
#define BYTES_MAX 9e18 /* of a gint64 */

struct _EwNode
{
  GObject parent;
  gchar *id, *name, *os, *version, *problem, *edge_id;
  EwKind kind;
  EwNodeState state; /* as the edge said it last */
  gint64 as_of;      /* when that was known, µs since the epoch; 0: now */
  gchar **addresses, **routes, **names;
  gboolean plain, self, administrator, https;

  gdouble rtt_ms; /* below 0: unknown */
  gint64 created, last_seen, last_handshake, rx_bytes, tx_bytes;
  gint64 clock_us; /* of the edge's times */
  EwRate rx, tx;
  gdouble rx_rate, tx_rate;
};

G_DEFINE_FINAL_TYPE (EwNode, ew_node, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_ID,
  PROP_NAME,
  PROP_KIND,
  PROP_STATE,
  PROP_ADDRESSES,
  PROP_ROUTES,
  PROP_NAMES,
  PROP_OS,
  PROP_VERSION,
  PROP_PROBLEM,
  PROP_PLAIN,
  PROP_SELF,
  PROP_EDGE_ID,
  PROP_ADMINISTRATOR,
  PROP_HTTPS,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];
static guint counters_signal;

static void
ew_node_finalize (GObject *object)
{
  EwNode *self = EW_NODE (object);

  g_free (self->id);
  g_free (self->name);
  g_free (self->os);
  g_free (self->version);
  g_free (self->problem);
  g_free (self->edge_id);
  g_strfreev (self->addresses);
  g_strfreev (self->routes);
  g_strfreev (self->names);
  G_OBJECT_CLASS (ew_node_parent_class)->finalize (object);
}

static void
ew_node_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  EwNode *self = EW_NODE (object);

  switch (id)
    {
    case PROP_ID:
      g_value_set_string (value, self->id);
      break;
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_KIND:
      g_value_set_enum (value, (gint)self->kind);
      break;
    case PROP_STATE:
      g_value_set_enum (value, (gint)ew_node_get_state (self));
      break;
    case PROP_ADDRESSES:
      g_value_set_boxed (value, self->addresses);
      break;
    case PROP_ROUTES:
      g_value_set_boxed (value, self->routes);
      break;
    case PROP_NAMES:
      g_value_set_boxed (value, self->names);
      break;
    case PROP_OS:
      g_value_set_string (value, self->os);
      break;
    case PROP_VERSION:
      g_value_set_string (value, self->version);
      break;
    case PROP_PROBLEM:
      g_value_set_string (value, self->problem);
      break;
    case PROP_PLAIN:
      g_value_set_boolean (value, self->plain);
      break;
    case PROP_SELF:
      g_value_set_boolean (value, self->self);
      break;
    case PROP_EDGE_ID:
      g_value_set_string (value, self->edge_id);
      break;
    case PROP_ADMINISTRATOR:
      g_value_set_boolean (value, self->administrator);
      break;
    case PROP_HTTPS:
      g_value_set_boolean (value, ew_node_is_https (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
    }
}

static void
ew_node_class_init (EwNodeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = ew_node_finalize;
  object_class->get_property = ew_node_get_property;
  properties[PROP_ID] = g_param_spec_string ("id", NULL, NULL, NULL, flags);
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  properties[PROP_KIND] = g_param_spec_enum ("kind", NULL, NULL, EW_TYPE_KIND, EW_KIND_DEVICE, flags);
  properties[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, EW_TYPE_NODE_STATE, EW_NODE_NOT_JOINED, flags);
  properties[PROP_ADDRESSES] = g_param_spec_boxed ("addresses", NULL, NULL, G_TYPE_STRV, flags);
  properties[PROP_ROUTES] = g_param_spec_boxed ("routes", NULL, NULL, G_TYPE_STRV, flags);
  properties[PROP_NAMES] = g_param_spec_boxed ("names", NULL, NULL, G_TYPE_STRV, flags);
  properties[PROP_OS] = g_param_spec_string ("os", NULL, NULL, NULL, flags);
  properties[PROP_VERSION] = g_param_spec_string ("version", NULL, NULL, NULL, flags);
  properties[PROP_PROBLEM] = g_param_spec_string ("problem", NULL, NULL, NULL, flags);
  properties[PROP_PLAIN] = g_param_spec_boolean ("plain", NULL, NULL, FALSE, flags);
  properties[PROP_SELF] = g_param_spec_boolean ("self", NULL, NULL, FALSE, flags);
  properties[PROP_EDGE_ID] = g_param_spec_string ("edge-id", NULL, NULL, NULL, flags);
  properties[PROP_ADMINISTRATOR] = g_param_spec_boolean ("administrator", NULL, NULL, FALSE, flags);
  properties[PROP_HTTPS] = g_param_spec_boolean ("https", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  counters_signal = g_signal_new ("counters", EW_TYPE_NODE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ew_node_init (EwNode *self)
{
  self->addresses = g_new0 (gchar *, 1);
  self->routes = g_new0 (gchar *, 1);
  self->names = g_new0 (gchar *, 1);
  self->rtt_ms = -1;
  self->rx_bytes = self->tx_bytes = -1;
}

EwNode *
ew_node_new (const gchar *id)
{
  EwNode *self = g_object_new (EW_TYPE_NODE, NULL);

  self->id = g_strdup (id);
  self->name = g_strdup (id);
  return self;
}

const gchar *
ew_node_id_of (JsonObject *object)
{
  const gchar *id = ew_text_member (object, "id");

  if (id == NULL || *id == '\0' || strlen (id) > ID_MAX)
    return NULL;
  for (const gchar *at = id; *at != '\0'; at++)
    if (!g_ascii_isgraph (*at))
      return NULL;
  return id;
}

/* Reading. */

static void
set_string (EwNode *self, gchar **field, gchar *value, guint property)
{
  if (g_strcmp0 (*field, value) == 0)
    {
      g_free (value);
      return;
    }
  g_free (*field);
  *field = value;
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

/* NULL for what is not there or is empty once cleaned. */
static gchar *
read_word (JsonObject *object, const gchar *member, guint max_chars)
{
  g_autofree gchar *clean = ew_text_clean (ew_text_member (object, member), max_chars);

  return *clean != '\0' ? g_steal_pointer (&clean) : NULL;
}

static void
set_int (EwNode *self, gint *field, gint value, guint property)
{
  if (*field == value)
    return;
  *field = value;
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

/* Nothing but an address: it goes into commands. GLib's own check lets anything be the zone after a "%". */
static gboolean
is_address (const gchar *text)
{
  struct in6_addr address;

  return inet_pton (strchr (text, ':') != NULL ? AF_INET6 : AF_INET, text, &address) == 1;
}

static gboolean
is_cidr (const gchar *text)
{
  g_autoptr (GInetAddressMask) mask
    = strchr (text, '%') == NULL ? g_inet_address_mask_new_from_string (text, NULL) : NULL;

  return mask != NULL;
}

static void
set_list (EwNode *self, gchar ***field, JsonArray *array, gboolean (*is_valid) (const gchar *), guint max,
          guint property)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) value = NULL;
  guint n = 0;

  for (guint i = 0; array != NULL && i < json_array_get_length (array) && n < max; i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      const gchar *text = JSON_NODE_HOLDS_VALUE (element) && json_node_get_value_type (element) == G_TYPE_STRING
                            ? json_node_get_string (element)
                            : NULL;
      if (text == NULL || !is_valid (text))
        continue;
      g_strv_builder_add (builder, text);
      n++;
    }
  value = g_strv_builder_end (builder);
  if (g_strv_equal ((const gchar *const *)*field, (const gchar *const *)value))
    return;
  g_strfreev (*field);
  *field = g_steal_pointer (&value);
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

static EwNodeState
read_state (JsonObject *object)
{
  gboolean online = ew_text_bool (object, "online", FALSE);
  EwNodeState state = (EwNodeState)ew_text_enum (EW_TYPE_NODE_STATE, ew_text_member (object, "state"),
                                                 online ? EW_NODE_ONLINE : EW_NODE_OFFLINE);

  return state == EW_NODE_WAS_ONLINE ? EW_NODE_OFFLINE : state; /* this program itself says that one */
}

void
ew_node_update (EwNode *self, JsonObject *object, gint64 now_us)
{
  g_autofree gchar *name = ew_text_clean (ew_text_member (object, "name"), NAME_MAX_CHARS);
  gint kind = ew_text_enum (EW_TYPE_KIND, ew_text_member (object, "kind"), EW_KIND_SERVER);

  const gboolean was_online = self->state == EW_NODE_ONLINE;

  g_object_freeze_notify (G_OBJECT (self));
  set_string (self, &self->name, *name != '\0' ? g_steal_pointer (&name) : g_strdup (self->id), PROP_NAME);
  set_int (self, (gint *)&self->kind, kind, PROP_KIND);
  set_int (self, (gint *)&self->state, (gint)read_state (object), PROP_STATE);
  set_list (self, &self->addresses, ew_text_array (object, "addresses"), is_address, ADDRESSES_MAX, PROP_ADDRESSES);
  set_list (self, &self->routes, ew_text_array (object, "routes"), is_cidr, ROUTES_MAX, PROP_ROUTES);
  set_list (self, &self->names, ew_text_array (object, "names"), ew_is_label, NAMES_MAX, PROP_NAMES);
  set_string (self, &self->os, read_word (object, "os", WORD_MAX_CHARS), PROP_OS);
  set_string (self, &self->version, read_word (object, "version", WORD_MAX_CHARS), PROP_VERSION);
  set_string (self, &self->problem, read_word (object, "problem", WORD_MAX_CHARS), PROP_PROBLEM);
  set_string (self, &self->edge_id, g_strdup (ew_text_member (object, "edge")), PROP_EDGE_ID);
  set_int (self, &self->plain, ew_text_bool (object, "plain", FALSE), PROP_PLAIN);
  set_int (self, &self->self, ew_text_bool (object, "self", FALSE), PROP_SELF);
  set_int (self, &self->administrator, g_strcmp0 (ew_text_member (object, "role"), "admin") == 0, PROP_ADMINISTRATOR);
  set_int (self, &self->https, g_strcmp0 (ew_text_member (object, "transport"), "https") == 0, PROP_HTTPS);
  if (json_object_has_member (object, "created"))
    self->created = ew_text_time (object, "created");
  ew_node_update_counters (self, object, now_us);
  /* It went offline while the stream was open: not hours ago, whatever the clock of an edge says that doesn't send its
     time. */
  if (was_online && self->state == EW_NODE_OFFLINE && self->last_seen > 0)
    self->last_seen = MAX (self->last_seen, g_get_real_time () - NOTICED_US);
  g_object_thaw_notify (G_OBJECT (self));
}

/* Counters. */

static void
read_bytes (JsonObject *object, const gchar *member, gint64 *field, EwRate *rate, gint64 now_us)
{
  gdouble value;

  if (!json_object_has_member (object, member))
    return;
  *field = ew_text_number (object, member, &value) ? (gint64)MIN (value, BYTES_MAX) : -1;
  if (*field >= 0)
    ew_rate_add (rate, *field, now_us);
  else
    rate->n = 0;
}

/* By our clock; 0: none. */
static gint64
read_time (EwNode *self, JsonObject *object, const gchar *member)
{
  const gint64 time = ew_text_time (object, member);

  return time > 0 ? MAX (time + self->clock_us, 1) : 0;
}

void
ew_node_set_clock (EwNode *self, gint64 ahead_us)
{
  self->clock_us = ahead_us;
}

void
ew_node_update_counters (EwNode *self, JsonObject *object, gint64 now_us)
{
  gdouble value;

  if (json_object_has_member (object, "rtt_ms"))
    self->rtt_ms = ew_text_number (object, "rtt_ms", &value) && value <= RTT_MAX_MS ? value : -1;
  if (json_object_has_member (object, "last_seen"))
    self->last_seen = read_time (self, object, "last_seen");
  if (json_object_has_member (object, "last_handshake"))
    self->last_handshake = read_time (self, object, "last_handshake");
  read_bytes (object, "rx_bytes", &self->rx_bytes, &self->rx, now_us);
  read_bytes (object, "tx_bytes", &self->tx_bytes, &self->tx, now_us);
}

gboolean
ew_node_refresh_rates (EwNode *self, gint64 now_us)
{
  self->rx_rate = ew_rate_get (&self->rx, now_us);
  self->tx_rate = ew_rate_get (&self->tx, now_us);
  g_signal_emit (self, counters_signal, 0);
  return self->rx_rate > 0 || self->tx_rate > 0;
}

void
ew_node_forget_rates (EwNode *self)
{
  gboolean had_rate = self->rx_rate > 0 || self->tx_rate > 0;

  self->rx.n = self->tx.n = 0;
  self->rx_rate = self->tx_rate = 0;
  if (had_rate)
    g_signal_emit (self, counters_signal, 0);
}

/* Getters. */

const gchar *
ew_node_get_id (EwNode *self)
{
  return self->id;
}

const gchar *
ew_node_get_name (EwNode *self)
{
  return self->name;
}

EwKind
ew_node_get_kind (EwNode *self)
{
  return self->kind;
}

EwNodeState
ew_node_get_state (EwNode *self)
{
  return self->as_of != 0 && self->state == EW_NODE_ONLINE ? EW_NODE_WAS_ONLINE : self->state;
}

gint64
ew_node_get_as_of (EwNode *self)
{
  return self->as_of;
}

void
ew_node_set_as_of (EwNode *self, gint64 realtime_us)
{
  if (self->as_of == realtime_us)
    return;
  self->as_of = realtime_us;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
}

const gchar *const *
ew_node_get_addresses (EwNode *self)
{
  return (const gchar *const *)self->addresses;
}

const gchar *
ew_node_get_address (EwNode *self)
{
  return self->addresses[0];
}

const gchar *const *
ew_node_get_routes (EwNode *self)
{
  return (const gchar *const *)self->routes;
}

const gchar *const *
ew_node_get_names (EwNode *self)
{
  return (const gchar *const *)self->names;
}

gboolean
ew_node_is_gateway (EwNode *self)
{
  return self->routes[0] != NULL;
}

gboolean
ew_node_is_self (EwNode *self)
{
  return self->self;
}

gboolean
ew_node_is_plain (EwNode *self)
{
  return self->plain;
}

gboolean
ew_node_is_administrator (EwNode *self)
{
  return self->administrator;
}

gboolean
ew_node_is_https (EwNode *self)
{
  return self->https && ew_node_get_state (self) == EW_NODE_ONLINE;
}

const gchar *
ew_node_get_os (EwNode *self)
{
  return self->os;
}

const gchar *
ew_node_get_version (EwNode *self)
{
  return self->version;
}

const gchar *
ew_node_get_problem (EwNode *self)
{
  return self->problem;
}

gdouble
ew_node_get_rtt_ms (EwNode *self)
{
  return self->rtt_ms;
}

gint64
ew_node_get_created (EwNode *self)
{
  return self->created;
}

gint64
ew_node_get_last_seen (EwNode *self)
{
  return self->last_seen;
}

gint64
ew_node_get_last_handshake (EwNode *self)
{
  return self->last_handshake;
}

gint64
ew_node_get_rx_bytes (EwNode *self)
{
  return self->rx_bytes;
}

gint64
ew_node_get_tx_bytes (EwNode *self)
{
  return self->tx_bytes;
}

gdouble
ew_node_get_rx_rate (EwNode *self)
{
  return self->rx_rate;
}

gdouble
ew_node_get_tx_rate (EwNode *self)
{
  return self->tx_rate;
}
