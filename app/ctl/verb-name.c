/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * names; name add, remove, list, accept, refuse.
 */
#include "ctl.h"

#include <stdio.h>

#include "common/error.h"
#include "common/util.h"
#include "console/format.h"
#include "names.h"

static const GOptionEntry no_entries[] = { { NULL } };

gint
ew_verb_name_add (EwCtl *ctl, gint argc, gchar **argv)
{
  g_autofree gchar *resolver = NULL, *name = NULL, *node = NULL, *done = NULL;
  const GOptionEntry entries[] = {
    { "resolver", 0, 0, G_OPTION_ARG_STRING, &resolver,
      "NAME is a domain: ask this name server, inside a network of the node's, for the names in it", "ADDRESS" },
    { NULL },
  };
  GVariantBuilder options;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 1, 2, &exit_code))
    return exit_code;
  if (resolver != NULL && !g_hostname_is_ip_address (resolver))
    return ew_ctl_usage (ctl, "--resolver must be an IP address, for example 192.168.1.53.");
  name = ew_terminal_clean (&ctl->terminal, argv[1]);
  node = argc > 2 ? ew_terminal_clean (&ctl->terminal, argv[2]) : g_strdup ("this computer");
  done = resolver != NULL ? g_strdup_printf ("The domain %s is offered to the mesh, through %s.", name, node)
                          : g_strdup_printf ("%s is now a name of %s, too.", name, node);
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (resolver != NULL)
    g_variant_builder_add (&options, "{sv}", "resolver", g_variant_new_string (resolver));
  exit_code = ew_ctl_do (ctl, "AddName", g_variant_new ("(ssa{sv})", argv[1], argc > 2 ? argv[2] : "", &options), done);
  if (exit_code == EW_EXIT_DONE && resolver != NULL)
    ew_ctl_hint ("On each computer that is to use it: sudo edgewayctl name accept %s\n", name);
  return exit_code;
}

gint
ew_verb_name_remove (EwCtl *ctl, gint argc, gchar **argv)
{
  g_autofree gchar *name = NULL, *done = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, no_entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  name = ew_terminal_clean (&ctl->terminal, argv[1]);
  done = g_strdup_printf ("%s has been removed.", name);
  return ew_ctl_do (ctl, "RemoveName", g_variant_new ("(s)", argv[1]), done);
}

static void
show_additional (EwCtl *ctl, JsonObject *answer)
{
  g_autofree gchar *text = ew_names_format_additional (&ctl->terminal, answer);

  if (text != NULL)
    ew_ctl_print ("%s", text);
  else
    ew_ctl_hint ("The mesh has no additional names. Show all of its names with `edgewayctl names`.\n");
}

gint
ew_verb_name_list (EwCtl *ctl, gint argc, gchar **argv)
{
  return ew_ctl_list (ctl, argc, argv, "ListNames", show_additional);
}

/* What the daemon says about that domain now. NULL: no node offers it. */
static JsonObject *
find_domain (JsonObject *answer, const gchar *wanted)
{
  JsonArray *domains = ew_json_array (answer, "domains");

  for (guint i = 0; domains != NULL && i < json_array_get_length (domains); i++)
    {
      JsonNode *element = json_array_get_element (domains, i);
      JsonObject *domain = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      const gchar *offered = domain != NULL ? ew_json_string (domain, "domain") : NULL;
      if (offered != NULL && ew_json_string (domain, "node") != NULL && g_ascii_strcasecmp (offered, wanted) == 0)
        return domain;
    }
  return NULL;
}

gint
ew_verb_name_accept (EwCtl *ctl, gint argc, gchar **argv)
{
  g_autoptr (JsonObject) answer = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, no_entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  exit_code = ew_ctl_do (ctl, "AcceptDomain", g_variant_new ("(s)", argv[1]), "Accepted.");
  if (exit_code == EW_EXIT_DONE)
    answer = ew_link_call_json (ctl->link, "ListNames", NULL, NULL);
  const gchar *suffix = answer != NULL ? ew_json_string (answer, "suffix") : NULL;
  if (suffix != NULL && g_ascii_strcasecmp (suffix, argv[1]) == 0)
    return exit_code;
  if (answer != NULL && find_domain (answer, argv[1]) == NULL)
    ew_ctl_hint ("No node offers %s now, so nothing changes until one does. `sudo edgewayctl name refuse %s` undoes "
                 "this.\n",
                 argv[1], argv[1]);
  else if (answer != NULL)
    ew_ctl_hint ("Its computers are reached through a route, which is accepted separately: `edgewayctl route list`.\n");
  return exit_code;
}

/* A suffix that is for private use is the edge's to choose: it can be refused only where the network has it, too. */
static void
hint_own_suffix (EwCtl *ctl, const gchar *refused)
{
  g_autoptr (JsonObject) status = ew_link_call_json (ctl->link, "GetStatus", NULL, NULL);
  const gchar *suffix = status != NULL ? ew_json_string (status, "suffix") : NULL;

  if (suffix != NULL && g_ascii_strcasecmp (suffix, refused) == 0
      && g_strcmp0 (ew_json_string (status, "names"), "suffix-refused") != 0)
    ew_ctl_hint ("%s is the mesh's own suffix, and for private use: its names go on working wherever the network has "
                 "no names there of its own.\n",
                 suffix);
}

gint
ew_verb_name_refuse (EwCtl *ctl, gint argc, gchar **argv)
{
  gint exit_code;

  if (!ew_ctl_parse (ctl, no_entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  exit_code = ew_ctl_do (ctl, "RefuseDomain", g_variant_new ("(s)", argv[1]), "Refused.");
  if (exit_code == EW_EXIT_DONE)
    hint_own_suffix (ctl, argv[1]);
  return exit_code;
}

/* What resolves to what. */

static JsonObject *
compose (EwCtl *ctl, GError **error)
{
  g_autoptr (JsonObject) names = NULL, nodes = NULL;
  EwDaemon1 *proxy;
  JsonObject *composed;

  if (ew_ctl_open (ctl, error) == NULL || (names = ew_link_call_json (ctl->link, "ListNames", NULL, error)) == NULL
      || (nodes = ew_link_call_json (ctl->link, "ListNodes", NULL, error)) == NULL)
    return NULL;
  composed = ew_names_compose (names, nodes);
  proxy = ew_link_get_proxy (ctl->link);
  if (ew_daemon1_get_names (proxy) != NULL) /* an older edgewayd says nothing about this computer */
    {
      json_object_set_string_member (composed, "here", ew_daemon1_get_names (proxy));
      json_object_set_string_member (composed, "message", ew_daemon1_get_names_message (proxy));
    }
  return composed;
}

/* Whether this computer finds them, before what they lead to: the edge, which knows the rest, may be unreachable. */
static void
print_here (EwCtl *ctl)
{
  g_autoptr (JsonObject) status = ew_link_call_json (ctl->link, "GetStatus", NULL, NULL);
  const gchar *here = status != NULL ? ew_json_string (status, "names") : NULL;
  g_autofree gchar *suffix = ew_format_get_text (&ctl->terminal, status, "suffix", "");
  g_autofree gchar *message = ew_format_get_text (&ctl->terminal, status, "names_message", "");

  if (here == NULL || *suffix == '\0')
    return; /* an older edgewayd, or no mesh */
  if (g_str_equal (here, "ok"))
    ew_ctl_print ("This computer finds names below %s.\n\n", suffix);
  else
    ew_ctl_print ("This computer doesn't find names below %s. %s\n\n", suffix, message);
  fflush (stdout); /* what follows is slow where the edge doesn't answer */
}

gint
ew_verb_names (EwCtl *ctl, gint argc, gchar **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON, for programs", NULL },
    { NULL },
  };
  g_autoptr (JsonObject) composed = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 0, 0, &exit_code))
    return exit_code;
  if (ew_ctl_open (ctl, &error) == NULL)
    return ew_ctl_fail (ctl, error);
  if (!json)
    print_here (ctl);
  if ((composed = compose (ctl, &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  if (json)
    {
      ew_ctl_print_json (composed);
      return EW_EXIT_DONE;
    }
  text = ew_names_format (&ctl->terminal, composed);
  ew_ctl_print ("%s", text);
  return EW_EXIT_DONE;
}
