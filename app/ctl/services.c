/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "services.h"

#include <string.h>

#include "common/util.h"
#include "console/format.h"

/* The elements of an array that are objects, one after another; NULL: it isn't one. */
static JsonObject *
element_at (JsonArray *array, guint i)
{
  JsonNode *element = json_array_get_element (array, i);

  return JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
}

static guint
length_of (JsonArray *array)
{
  return array != NULL ? json_array_get_length (array) : 0;
}

/* Targets. */

static gchar *
offline_text (const gchar *node, JsonObject *target)
{
  gint64 since = ew_time_parse (ew_json_string (target, "since"));
  g_autofree gchar *time = since > 0 ? ew_format_local_time (since) : NULL;

  return time != NULL ? g_strdup_printf ("%s is offline since %s", node, time)
                      : g_strdup_printf ("%s is offline", node);
}

gchar *
ew_services_describe_target (const EwTerminal *terminal, JsonObject *target)
{
  g_autofree gchar *label = ew_format_get_text (terminal, target, "label", "?");
  g_autofree gchar *node = ew_format_get_text (terminal, target, "node", "?");
  g_autofree gchar *host = ew_format_get_text (terminal, target, "host", "");
  g_autofree gchar *state = ew_format_get_text (terminal, target, "state", "unknown");

  if (g_str_equal (state, "answers"))
    return g_strdup_printf ("%s answers", label);
  if (g_str_equal (state, "reachable"))
    return g_strdup_printf ("%s can be reached", label);
  if (g_str_equal (state, "refuses"))
    return g_strdup_printf ("Nothing listens on %s", label);
  if (g_str_equal (state, "silent"))
    return g_strdup_printf ("%s doesn't answer: it's off, or a firewall drops packets from the mesh", label);
  if (g_str_equal (state, "unreachable"))
    return *host != '\0' ? g_strdup_printf ("%s can't reach %s", node, host)
                         : g_strdup_printf ("%s can't be reached", node);
  if (g_str_equal (state, "offline"))
    return offline_text (node, target);
  if (g_str_equal (state, "not-joined"))
    return g_strdup_printf ("%s hasn't joined the mesh yet", node);
  if (g_str_equal (state, "no-route"))
    return g_strdup_printf ("%s no longer shares a network with %s", node, host);
  return g_strdup_printf ("%s gives no sign", label);
}

static EwStyle
style_of (JsonObject *target)
{
  const gchar *state = ew_json_string (target, "state");

  if (g_strcmp0 (state, "answers") == 0 || g_strcmp0 (state, "reachable") == 0)
    return EW_STYLE_GOOD;
  return g_strcmp0 (state, "unknown") == 0 ? EW_STYLE_PLAIN : EW_STYLE_BAD;
}

/* Ports. */

gchar *
ew_services_format_ports (const EwTerminal *terminal, JsonObject *service)
{
  JsonArray *ports = ew_json_array (service, "ports");
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < length_of (ports); i++)
    {
      g_autofree gchar *port = ew_format_get_text (terminal, element_at (ports, i), "text", "?");
      g_string_append_printf (text, "%s%s", i > 0 ? " " : "", port);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Lists. */

/* The first target that callers may be led to says how the service is doing; its others are counted. */
static gchar *
state_text (const EwTerminal *terminal, JsonObject *service)
{
  JsonArray *targets = ew_json_array (service, "targets");
  JsonObject *chosen = NULL;
  guint n = length_of (targets), offered = 0;

  for (guint i = 0; i < n; i++)
    {
      JsonObject *target = element_at (targets, i);
      if (target == NULL || !ew_json_bool (target, "offered", FALSE))
        continue;
      chosen = chosen != NULL ? chosen : target;
      offered++;
    }
  if (chosen == NULL && n > 0)
    chosen = element_at (targets, 0);
  g_autofree gchar *text = chosen != NULL ? ew_services_describe_target (terminal, chosen) : g_strdup ("?");
  return n > 1 ? g_strdup_printf ("%s (%u of %u targets offered)", text, offered, n) : g_steal_pointer (&text);
}

static gchar *
targets_text (const EwTerminal *terminal, JsonObject *service)
{
  JsonArray *targets = ew_json_array (service, "targets");
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < length_of (targets); i++)
    {
      g_autofree gchar *label = ew_format_get_text (terminal, element_at (targets, i), "label", "?");
      g_string_append_printf (text, "%s%s", i > 0 ? " " : "", label);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gchar *
first_address (const EwTerminal *terminal, JsonObject *service)
{
  g_autofree gchar *all = ew_format_get_list (terminal, service, "addresses", " ");

  return g_strndup (all, strcspn (all, " "));
}

gchar *
ew_services_format_list (const EwTerminal *terminal, JsonObject *answer)
{
  static const gchar *const headings[] = { "NAME", "ADDRESS", "PORTS", "TARGETS", "STATE", NULL };
  g_autoptr (EwTable) table = ew_table_new (headings);
  JsonArray *services = ew_json_array (answer, "services");

  for (guint i = 0; i < length_of (services); i++)
    {
      JsonObject *service = element_at (services, i);
      if (service == NULL)
        continue;
      g_autofree gchar *name = ew_format_get_text (terminal, service, "name", "?");
      g_autofree gchar *address = first_address (terminal, service);
      g_autofree gchar *ports = ew_services_format_ports (terminal, service);
      g_autofree gchar *targets = targets_text (terminal, service);
      g_autofree gchar *state = state_text (terminal, service);
      const gchar *cells[] = { name, address, ports, targets, state };
      ew_table_add (table, cells);
    }
  return length_of (services) > 0 ? ew_table_to_string (table, terminal) : NULL;
}

/* One. */

static void
add_row (GString *text, const gchar *label, const gchar *value)
{
  g_string_append_printf (text, "  %-10s %s\n", label, value);
}

static void
add_targets (GString *text, const EwTerminal *terminal, JsonObject *service)
{
  JsonArray *targets = ew_json_array (service, "targets");

  for (guint i = 0; i < length_of (targets); i++)
    {
      JsonObject *target = element_at (targets, i);
      if (target == NULL)
        continue;
      g_autofree gchar *sentence = ew_services_describe_target (terminal, target);
      g_autofree gchar *styled = ew_terminal_styled (terminal, style_of (target), sentence);
      add_row (text, i == 0 ? "target" : "", styled);
    }
}

gchar *
ew_services_format (const EwTerminal *terminal, JsonObject *service)
{
  GString *text = g_string_new (NULL);
  g_autofree gchar *fqdn = ew_format_get_text (terminal, service, "fqdn", "?");
  g_autofree gchar *addresses = ew_format_get_list (terminal, service, "addresses", ", ");
  g_autofree gchar *ports = ew_services_format_ports (terminal, service);
  guint n = length_of (ew_json_array (service, "targets"));
  gboolean spread = g_strcmp0 (ew_json_string (service, "spread"), "spread") == 0;

  g_string_append_printf (text, "%s\n", fqdn);
  add_row (text, "address", addresses);
  add_row (text, "ports", ports);
  add_targets (text, terminal, service);
  if (n > 1)
    add_row (text, "choice", spread ? "spread over all targets that work" : "the first target that works");
  if (g_strcmp0 (ew_json_string (service, "source"), "edge") == 0)
    add_row (text, "source", "targets see the edge's address instead of the caller's");
  if (n > 1 || g_strcmp0 (ew_json_string (service, "check"), "always") == 0)
    add_row (text, "checked", "all the time");
  return g_string_free (text, FALSE);
}

/* Without a node. */

static void
add_name (GString *names, const EwTerminal *terminal, JsonObject *service)
{
  g_autofree gchar *name = ew_format_get_text (terminal, service, "name", "?");

  g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", name);
}

gchar *
ew_services_describe_removal (const EwTerminal *terminal, JsonObject *answer, const gchar *node_id)
{
  JsonArray *services = ew_json_array (answer, "services");
  g_autoptr (GString) ended = g_string_new (NULL), changed = g_string_new (NULL);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < length_of (services); i++)
    {
      JsonObject *service = element_at (services, i);
      JsonArray *targets = service != NULL ? ew_json_array (service, "targets") : NULL;
      guint n = 0;
      for (guint j = 0; j < length_of (targets); j++)
        n += element_at (targets, j) != NULL
             && g_strcmp0 (ew_json_string (element_at (targets, j), "node_id"), node_id) == 0;
      if (n > 0)
        add_name (n == length_of (targets) ? ended : changed, terminal, service);
    }
  if (ended->len > 0)
    g_string_append_printf (text, "Services that led only there have been removed with it: %s.\n", ended->str);
  if (changed->len > 0)
    g_string_append_printf (text, "Services that go on with their other targets: %s.\n", changed->str);
  return g_string_free (text, text->len == 0);
}
