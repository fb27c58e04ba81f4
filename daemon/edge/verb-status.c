/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/verbs.h"

#include <stdio.h>
#include "common/install-lines.h"
#include "common/util.h"
#include "edge/warnings.h"

/* " (source 3, ttl 1)": why packets were dropped; "" where none was. (transfer full) */
static gchar *
describe_drops (JsonObject *drops)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GList) reasons = drops ? json_object_get_members (drops) : NULL;
  for (GList *reason = reasons; reason; reason = reason->next)
    {
      gint64 packets = ew_json_int (drops, reason->data, 0);
      g_autofree gchar *words = g_strdelimit (g_strdup (reason->data), "_", ' ');
      if (packets > 0)
        g_string_append_printf (text, "%s%s %" G_GINT64_FORMAT, text->len ? ", " : " (", words, packets);
    }
  if (text->len > 0)
    g_string_append_c (text, ')');
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
print_names (JsonObject *status)
{
  JsonObject *dns = ew_json_object (status, "dns");
  g_auto (GStrv) service = ew_json_strv (status, "service", 2);
  g_autofree gchar *addresses = service ? g_strjoinv (" and ", service) : NULL;
  if (dns && ew_json_bool (dns, "answers", FALSE))
    printf ("names      below %s, answered at %s%s\n", ew_json_string (status, "suffix"), addresses ? addresses : "?",
            ew_json_bool (dns, "forward", FALSE) ? "; other names are forwarded" : "");
  else
    printf ("names      not answered\n");
}

static void
print_install (JsonObject *status)
{
  JsonObject *install = ew_json_object (status, "install");
  JsonArray *systems = install ? ew_json_array (install, "systems") : NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; systems && i < json_array_get_length (systems); i++)
    {
      JsonNode *element = json_array_get_element (systems, i);
      JsonObject *system = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      g_auto (GStrv) architectures = system ? ew_json_strv (system, "architectures", 16) : NULL;
      g_autofree gchar *joined = architectures ? g_strjoinv (", ", architectures) : NULL;
      if (joined)
        g_string_append_printf (text, "%s%s %s (%s)", text->len ? "; " : "", ew_json_string (system, "system"),
                                ew_json_string (system, "version"), joined);
    }
  if (text->len > 0)
    printf ("packages   %s\n", text->str);
  else
    printf ("packages   none: new computers are set up from a clone of Edgeway\n");
}

static void
print_warnings (JsonObject *status)
{
  JsonArray *warnings = ew_json_array (status, "warnings");
  for (guint i = 0; warnings && i < json_array_get_length (warnings); i++)
    printf ("warning    %s\n", json_array_get_string_element (warnings, i));
}

/* Those of a key that was made before are another script's if the edge was upgraded, or moved, since then. */
static void
print_lines (JsonObject *status)
{
  JsonObject *install = ew_json_object (status, "install");
  const gchar *lines = install ? ew_json_string (install, "lines") : NULL;
  if (lines)
    printf ("\nOn a new computer, these two lines install Edgeway and ask for an enrollment key:\n%s\n", lines);
}

static void
print_status (JsonObject *status)
{
  JsonObject *nodes = ew_json_object (status, "nodes");
  const gchar *limits = ew_json_string (status, "limits"), *build = ew_json_string (status, "build");
  g_auto (GStrv) ranges = ew_json_strv (status, "ranges", 2);
  g_autofree gchar *drops = describe_drops (ew_json_object (status, "drops"));
  g_autofree gchar *joined = ranges ? g_strjoinv (", ", ranges) : NULL;
  printf ("mesh       %s (%s)%s\n", ew_json_string (status, "mesh"), ew_json_string (status, "suffix"),
          ew_json_bool (status, "trial", FALSE) ? ", a trial" : "");
  printf ("edge       %s, reached at %s, listening on %s\n", ew_json_string (status, "edge"),
          ew_json_string (status, "public"), ew_json_string (status, "listen"));
  printf ("addresses  %s\n", joined ? joined : "?");
  if (nodes)
    printf ("nodes      %d, %d online, %d not joined yet\n", (gint)ew_json_int (nodes, "total", 0),
            (gint)ew_json_int (nodes, "online", 0), (gint)ew_json_int (nodes, "not_joined", 0));
  printf ("routes     %d\n", (gint)ew_json_int (status, "routes", 0));
  printf ("traffic    %" G_GINT64_FORMAT " packets, %" G_GINT64_FORMAT " bytes between nodes; %" G_GINT64_FORMAT
          " to the internet; %" G_GINT64_FORMAT " dropped%s\n",
          ew_json_int (status, "forwarded_packets", 0), ew_json_int (status, "forwarded_bytes", 0),
          ew_json_int (status, "exit_packets", 0), ew_json_int (status, "dropped", 0), drops);
  printf ("exit       %s\n",
          ew_json_bool (status, "exit", FALSE) ? "yes: nodes may use VPN mode" : "no: VPN mode is off");
  print_names (status);
  print_install (status);
  printf ("since      %s, version %s\n", ew_json_string (status, "since"),
          build ? build : ew_json_string (status, "version"));
  if (limits)
    printf ("limits     %s\n", limits);
  print_warnings (status);
  print_lines (status);
}

/* What is found out here, and not by the edge. */
static void
complete_status (JsonObject *status)
{
  JsonObject *install = ew_json_object (status, "install");
  g_autofree gchar *lines = ew_install_lines (install);
  if (lines)
    json_object_set_string_member (install, "lines", lines);
  ew_edge_add_warnings (status);
}

gint
ew_control_status (const EwControl *control)
{
  gint exit_code;
  g_autoptr (JsonObject) status = ew_control_call (control, "GET", "/v1/status", NULL, &exit_code);
  if (status == NULL)
    return exit_code;
  complete_status (status);
  if (control->json)
    ew_control_print_json (status);
  else
    print_status (status);
  return EW_EXIT_DONE;
}
