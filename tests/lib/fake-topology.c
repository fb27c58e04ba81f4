/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/fake-topology.h"

#include "model/topology-private.h"

typedef struct
{
  const gchar *name, *kind, *os, *state, *route;
  gint rtt_ms; /* 0: none */
  gint megabits;
} Sample;

static const Sample samples[] = {
  { "thinkpad", "device", "Debian 12", "online", NULL, 5, 80 },
  { "macbook", "device", "macOS", "online", NULL, 24, 3 },
  { "iphone", "device", "iOS", "online", NULL, 41, 0 },
  { "pixel-8", "device", "Android", "offline", NULL, 0, 0 },
  { "nas", "server", "Debian 12", "online", NULL, 7, 84 },
  { "homeassistant", "server", "Debian 12", "online", NULL, 8, 1 },
  { "build-01", "server", NULL, "not-joined", NULL, 0, 0 },
  { "web", "server", "Debian 12", "online", NULL, 3, 4 },
  { "office-gw", "server", "Debian 12", "online", "192.168.1.0/24", 14, 6 },
};

static const gchar *const names[]
  = { "backup", "ipad", "db", "mail", "cabin-gw", "desktop", "git", "cache", "tv", "logs", "metrics", "anna-mac" };

static guint name_letters;
static gboolean long_addresses;

void
ew_fake_lengthen (guint letters, gboolean addresses)
{
  name_letters = letters;
  long_addresses = addresses;
}

gchar *
ew_fake_name (const gchar *name)
{
  GString *text = g_string_new (name);

  if (name_letters == 0)
    return g_string_free (text, FALSE);
  while (text->len < name_letters)
    g_string_append (text, "-of-the-second-floor");
  g_string_truncate (text, name_letters);
  return g_string_free (text, FALSE);
}

static Sample
sample_of (guint i, gchar **name)
{
  Sample sample = samples[i < G_N_ELEMENTS (samples) ? i : 0];
  guint k = i - G_N_ELEMENTS (samples);

  if (i < G_N_ELEMENTS (samples))
    {
      *name = g_strdup (sample.name);
      return sample;
    }
  *name = k < G_N_ELEMENTS (names) ? g_strdup (names[k]) : g_strdup_printf ("node-%u", i);
  sample = (Sample){ *name,
                     k % 12 == 1 || k % 12 == 5 || k % 12 > 7 ? "device" : "server",
                     "Debian 12",
                     "online",
                     NULL,
                     3 + (gint)(i * 7 % 39),
                     (gint)(i * 5 % 23) };
  if (k % 12 == 4)
    sample.route = "10.20.0.0/16";
  if (i % 19 == 17)
    sample.state = "offline";
  if (i % 31 == 29)
    sample.state = "not-joined";
  if (*sample.state != 'o' || sample.state[1] != 'n')
    sample.rtt_ms = 0;
  return sample;
}

static JsonObject *
node_object (guint i, guint second)
{
  JsonObject *node = json_object_new ();
  g_autofree gchar *name = NULL, *id = g_strdup_printf ("node%020u", i);
  Sample sample = sample_of (i, &name);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GDateTime) seen = g_date_time_add_hours (now, -50);
  g_autofree gchar *last_seen = g_date_time_format (sample.rtt_ms > 0 ? now : seen, "%Y-%m-%dT%H:%M:%SZ");
  gint64 bytes = (gint64)sample.megabits * 125000 * second;

  json_object_set_string_member (node, "id", id);
  json_object_set_int_member (node, "rx_bytes", bytes);
  json_object_set_int_member (node, "tx_bytes", bytes / 4);
  if (sample.rtt_ms > 0)
    json_object_set_double_member (node, "rtt_ms", sample.rtt_ms);
  json_object_set_string_member (node, "last_seen", last_seen);
  return node;
}

static void
describe (JsonObject *node, guint i)
{
  g_autofree gchar *name = NULL, *full_name = NULL,
                   *address = g_strdup_printf (long_addresses ? "fd5e:7c1a:90b2:abcd:1234:5678:%x:%x" : "100.96.%u.%u",
                                               i / 250, i % 250 + 2);
  Sample sample = sample_of (i, &name);
  JsonArray *addresses = json_array_new (), *routes = json_array_new ();

  json_array_add_string_element (addresses, address);
  if (sample.route != NULL)
    json_array_add_string_element (routes, long_addresses ? "fd5e:7c1a:90b2:abcd::/64" : sample.route);
  full_name = ew_fake_name (name);
  json_object_set_string_member (node, "name", full_name);
  json_object_set_string_member (node, "kind", sample.kind);
  json_object_set_string_member (node, "state", sample.state);
  json_object_set_boolean_member (node, "online", g_str_equal (sample.state, "online"));
  json_object_set_boolean_member (node, "self", i == 0);
  json_object_set_array_member (node, "addresses", addresses);
  json_object_set_array_member (node, "routes", routes);
  if (sample.os != NULL)
    json_object_set_string_member (node, "os", sample.os);
  json_object_set_string_member (node, "edge", "edge-1");
}

static JsonObject *
edge_object (void)
{
  JsonObject *edge = json_object_new ();

  json_object_set_string_member (edge, "id", "edge-1");
  json_object_set_string_member (edge, "name", "Frankfurt");
  json_object_set_string_member (edge, "endpoint", "203.0.113.10:51820");
  json_object_set_boolean_member (edge, "online", TRUE);
  return edge;
}

void
ew_fake_fill (EwTopology *topology, guint n)
{
  g_autoptr (JsonObject) message = json_object_new ();
  JsonObject *map = json_object_new ();
  JsonArray *nodes = json_array_new (), *edges = json_array_new ();

  for (guint i = 0; i < n; i++)
    {
      JsonObject *node = node_object (i, 1);

      describe (node, i);
      json_array_add_object_element (nodes, node);
    }
  json_array_add_object_element (edges, edge_object ());
  json_object_set_string_member (map, "mesh", "Birchwood");
  json_object_set_array_member (map, "edges", edges);
  json_object_set_array_member (map, "nodes", nodes);
  json_object_set_string_member (message, "type", "snapshot");
  json_object_set_object_member (message, "map", map);
  json_object_set_boolean_member (message, "more", FALSE);
  ew_topology_take_message (topology, message);
}

void
ew_fake_count (EwTopology *topology, guint n, guint second)
{
  g_autoptr (JsonObject) message = json_object_new ();
  JsonArray *nodes = json_array_new ();

  for (guint i = 0; i < n; i++)
    json_array_add_object_element (nodes, node_object (i, second + 1));
  json_object_set_string_member (message, "type", "counters");
  json_object_set_array_member (message, "nodes", nodes);
  ew_topology_take_message (topology, message);
}

void
ew_fake_serve (EwTopology *topology, guint node, guint n, const gchar *state)
{
  static const gchar *const service_names[] = { "ha", "photos", "wiki" };
  static const guint ports[] = { 80, 443, 8080 };
  g_autofree gchar *node_name = NULL, *full_name = NULL;

  sample_of (node, &node_name);
  full_name = ew_fake_name (node_name);
  for (guint i = 0; i < n; i++)
    {
      g_autofree gchar *name
        = i < G_N_ELEMENTS (service_names) ? g_strdup (service_names[i]) : g_strdup_printf ("app-%u", i);
      guint port = i < G_N_ELEMENTS (ports) ? ports[i] : 9000 + i;
      g_autofree gchar *json = g_strdup_printf (
        "{'type':'service','service':{'id':'s%u-%u','name':'%s','fqdn':'%s.birchwood.internal','addresses':['100.111.0."
        "%u'],"
        "'ports':[{'protocol':'tcp','from':%u,'to':%u,'text':'%u'}],'targets':[{'node':'%s','node_id':'node%020u',"
        "'label':'%s:%u','state':'%s','offered':true}]}}",
        node, i, name, name, i + 1, port, port, port, full_name, node, full_name, 8000 + i, state);
      g_autoptr (JsonNode) root = json_from_string (json, NULL);

      ew_topology_take_message (topology, json_node_get_object (root));
    }
}
