/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/plain.h"
#include "common/util.h"
#include "complete.h"
#include "version/version.h"

static const EwVerb verbs[] = {
  { "enroll", "[--name NAME] [--key-file FILE|-] [--accept]", "Join a mesh; asks for the enrollment key",
    ew_verb_enroll },
  { "leave", "", "Leave the mesh: the edge forgets this computer and its keys are erased", ew_verb_leave },
  { "connect", "[--no-wait]", "Bring the tunnel up", ew_verb_connect },
  { "disconnect", "[--no-wait]", "Take the tunnel down", ew_verb_disconnect },
  { "mode", "[vpn|connector] [--confirm-within SECONDS] [--lan-names yes|no] | --confirm | --undo",
    "Show or choose what goes through the edge", ew_verb_mode },
  { "lockdown", "[on|off] [--confirm-within SECONDS] | --confirm | --undo",
    "Show or choose whether nothing leaves this computer except through the edge", ew_verb_lockdown },
  { "split list", "[--json]", "List what stays outside the tunnel in VPN mode, or what alone goes through it",
    ew_verb_split_list },
  { "split exclude", "CIDR", "Leave a network outside the tunnel in VPN mode", ew_verb_split_exclude },
  { "split include", "CIDR", "Let a network, and nothing but those included, go through the tunnel in VPN mode",
    ew_verb_split_include },
  { "split remove", "CIDR", "Take a network off these lists", ew_verb_split_remove },
  { "lan", "[allow|block]", "Show or choose whether the local network can be reached in VPN mode and lockdown",
    ew_verb_lan },
  { "portal", "[open|close] [--for 10m]",
    "Show the login page of a network that lets nothing else through, or let your browser reach it", ew_verb_portal },
  { "proxy", "[show | set URL|- | off | auto | password [HOST:PORT]] [--user NAME] [--password-file FILE|-] [--json]",
    "Show or choose the HTTP proxy that leads to the edge", ew_verb_proxy },
  { "status", "[--json] [--watch | --check]", "Show this computer's connection", ew_verb_status },
  { "diagnose", "[--fix | --revert] [--json]", "Show what works, what doesn't, and how to fix it", ew_verb_diagnose },
  { "map", "[--json]", "Draw the whole mesh", ew_verb_map },
  { "ping", "NAME|IP [-c N]", "Measure round trips through the edge, leg by leg", ew_verb_ping },
  { "node add", "NAME [--device] [--renew] [--valid 1h]",
    "Make a key for a computer to join with or, with --renew, to replace the node NAME", ew_verb_node_add },
  { "node list", "[--json]", "List the mesh's nodes", ew_verb_node_list },
  { "node show", "NAME [--json]", "Show everything that the mesh knows about a node", ew_verb_node_show },
  { "node rename", "NAME NEW", "Rename a node", ew_verb_node_rename },
  { "node mtu", "NAME BYTES|default",
    "Limit the size of the packets sent to a node (" G_STRINGIFY (EW_CTL_MTU_MIN) " to " G_STRINGIFY (
      EW_CTL_MTU_MAX) ", and no more than the mesh's MTU)",
    ew_verb_node_mtu },
  { "node remove", "NAME", "Remove a node from the mesh", ew_verb_node_remove },
  { "node config", "NAME [--vpn] [--names] [--qr|--show] [--renew] [--valid 1d]",
    "Make a WireGuard configuration for a phone or computer without Edgeway", ew_verb_node_config },
  { "key list", "[--json]", "List the enrollment keys that can still be used", ew_verb_key_list },
  { "key revoke", "ID", "Revoke an enrollment key", ew_verb_key_revoke },
  { "names", "[--json]", "Show what each name in the mesh leads to, and whether this computer finds them",
    ew_verb_names },
  { "name add", "NAME [NODE] [--resolver ADDRESS]",
    "Give a node an additional name or, with --resolver, offer a domain that a name server behind it knows",
    ew_verb_name_add },
  { "name remove", "NAME", "Remove an additional name or a domain", ew_verb_name_remove },
  { "name list", "[--json]", "List the additional names and the domains, and what this computer does with them",
    ew_verb_name_list },
  { "name accept", "DOMAIN", "Look up the names in a domain through the mesh", ew_verb_name_accept },
  { "name refuse", "DOMAIN", "Stop looking up the names in a domain through the mesh", ew_verb_name_refuse },
  { "route add", "CIDR [NODE]", "Offer a network behind a node to the mesh", ew_verb_route_add },
  { "route remove", "CIDR [NODE]", "Stop offering a network to the mesh", ew_verb_route_remove },
  { "route list", "[--json]", "List the mesh's routes and what this computer does with them", ew_verb_route_list },
  { "route accept", "CIDR", "Reach a network through the mesh or, on its gateway, forward to it",
    ew_verb_route_accept },
  { "route refuse", "CIDR", "Stop reaching a network, or forwarding to it", ew_verb_route_refuse },
  { "service add",
    "NAME TARGET... [--port P[:Q]]... [--udp] [--address ADDRESS] [--spread] [--source caller|edge] [--check "
    "auto|always]",
    "Give a port of a node, or of a host behind a gateway, a name and an address of its own; TARGET is NODE:PORT or "
    "NODE/HOST:PORT",
    ew_verb_service_add },
  { "service list", "[--json]", "List the mesh's services", ew_verb_service_list },
  { "service show", "NAME [--json]", "Show a service, and whether its targets answer", ew_verb_service_show },
  { "service edit",
    "NAME [TARGET...] [--port P[:Q]]... [--udp] [--address ADDRESS] [--spread|--first] [--source caller|edge] [--check "
    "auto|always] [--name NEW]",
    "Change a service", ew_verb_service_edit },
  { "service remove", "NAME", "Remove a service", ew_verb_service_remove },
  { "publish", "NAME --host HOST [--access public|closed] [--certificate FILE --key FILE] [--json]",
    "Let the internet reach a service under a host name, or change how it does", ew_verb_publish },
  { "publish list", "[--json]", "List the names under which the internet reaches services", ew_verb_publish_list },
  { "publish remove", "HOST", "Stop publishing a name", ew_verb_publish_remove },
};

/* Output. */

void
ew_ctl_print (const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  vfprintf (stdout, format, arguments);
  va_end (arguments);
}

/* Names and reasons in a hint are an edge's words: lines and what is printable. */
static void
cover_controls (gchar *text)
{
  for (gchar *c = text; *c != '\0'; c = g_utf8_next_char (c))
    if (*c != '\n' && !g_unichar_isprint (g_utf8_get_char (c)))
      memset (c, '?', (gsize)(g_utf8_next_char (c) - c));
}

void
ew_ctl_hint (const gchar *format, ...)
{
  g_autofree gchar *text = NULL, *fit = NULL, *valid = NULL;
  va_list arguments;

  fflush (stdout);
  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  valid = g_utf8_make_valid (text, -1);
  cover_controls (valid);
  fit = ew_plain_fit (valid);
  fputs (fit, stderr);
}

void
ew_ctl_print_json (JsonObject *object)
{
  g_autofree gchar *text = ew_json_to_string (object, TRUE);

  ew_ctl_print ("%s\n", text);
}

static EwExit
exit_code_for (const GError *error)
{
  if (error->domain == EW_LINK_ERROR)
    return EW_EXIT_UNREACHABLE;
  if (error->domain != EW_ERROR)
    return EW_EXIT_FAILED;
  switch (error->code)
    {
    case EW_ERROR_NOT_AUTHORIZED:
    case EW_ERROR_NOT_ADMINISTRATOR:
    case EW_ERROR_CANCELLED:
      return EW_EXIT_NOT_AUTHORIZED;
    case EW_ERROR_TIMED_OUT:
      return EW_EXIT_TIMED_OUT;
    default:
      return EW_EXIT_FAILED;
    }
}

gint
ew_ctl_fail (EwCtl *ctl, const GError *error)
{
  g_autofree gchar *message = ew_terminal_clean (&ctl->terminal, error->message);

  if (!g_error_matches (error, EW_ERROR, EW_ERROR_CANCELLED))
    ew_ctl_hint ("edgewayctl: %s\n", message);
  return exit_code_for (error);
}

gint
ew_ctl_usage (EwCtl *ctl, const gchar *format, ...)
{
  g_autofree gchar *message = NULL;
  va_list arguments;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_autofree gchar *clean = ew_terminal_clean (&ctl->terminal, message);
  g_autofree gchar *sentence = ew_text_end_sentence (clean);
  ew_ctl_hint ("edgewayctl: %s See `edgewayctl %s%s--help`.\n", sentence, ctl->verb != NULL ? ctl->verb : "",
               ctl->verb != NULL ? " " : "");
  return EW_EXIT_USAGE;
}

/* Options. */

static const EwVerb *
find_verb (const gchar *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (verbs[i].name, name))
      return &verbs[i];
  return NULL;
}

/* What the verb takes besides its options: its argument text up to the first option. */
static gchar *
parameter_string (const EwVerb *verb)
{
  g_auto (GStrv) parts = g_strsplit (verb->arguments, " [--", 2);

  return g_str_has_prefix (verb->arguments, "[--") ? g_strdup ("") : g_strdup (parts[0] != NULL ? parts[0] : "");
}

/* "-c1", a common spelling that GOption does not know, becomes "--count=1". */
static void
part_short_options (const GOptionEntry *entries, gint argc, gchar **argv)
{
  for (gint i = 1; i < argc && !g_str_equal (argv[i], "--"); i++)
    for (const GOptionEntry *entry = entries; entry->long_name != NULL; entry++)
      if (argv[i][0] == '-' && entry->short_name != 0 && argv[i][1] == entry->short_name
          && entry->arg == G_OPTION_ARG_INT && g_ascii_isdigit (argv[i][2]))
        {
          g_autofree gchar *parted = g_strdup_printf ("--%s=%s", entry->long_name, argv[i] + 2);
          argv[i] = (gchar *)g_intern_string (parted);
          break;
        }
}

/* GOption leaves a "--" in its place where what follows looks like an option. */
static void
drop_separator (gint *argc, gchar **argv)
{
  for (gint i = 1; i < *argc; i++)
    if (g_str_equal (argv[i], "--"))
      {
        memmove (&argv[i], &argv[i + 1], (gsize)(*argc - i) * sizeof *argv); /* the NULL at the end, too */
        (*argc)--;
        return;
      }
}

gboolean
ew_ctl_parse (EwCtl *ctl, const GOptionEntry *entries, gint *argc, gchar ***argv, gint min, gint max, gint *exit_code)
{
  const EwVerb *verb = find_verb (ctl->verb);
  g_autofree gchar *parameters = parameter_string (verb);
  g_autofree gchar *summary = g_strconcat (verb->summary, ".", NULL);
  g_autoptr (GOptionContext) context = g_option_context_new (parameters);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *program = g_strconcat ("edgewayctl ", ctl->verb, NULL);
  const GOptionEntry bus[] = {
    { "bus", 0, 0, G_OPTION_ARG_STRING, &ctl->bus, "The bus that edgewayd is on (default: the system bus)", "ADDRESS" },
    { NULL },
  };

  const GOptionEntry help[]
    = { { "help", 'h', 0, G_OPTION_ARG_NONE, NULL, "Show this command's options", NULL }, { NULL } };
  const GOptionEntry *const tables[] = { entries, bus, help, NULL };

  *exit_code = EW_EXIT_DONE;
  if (ctl->completing)
    return ew_ctl_complete_verb (ctl, tables, *argc, *argv, max), FALSE;
  g_set_prgname (program);
  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_main_entries (context, bus, NULL);
  part_short_options (entries, *argc, *argv);
  gboolean parsed = g_option_context_parse (context, argc, argv, &error);
  if (parsed)
    drop_separator (argc, *argv);
  if (!parsed)
    *exit_code = ew_ctl_usage (ctl, "%s", error->message);
  else if (*argc - 1 < min)
    *exit_code = ew_ctl_usage (ctl, "`%s` needs %s.", ctl->verb, parameters);
  else if (*argc - 1 > max)
    *exit_code = ew_ctl_usage (ctl, "Unexpected argument \"%s\".", (*argv)[max + 1]);
  else
    return TRUE;
  return FALSE;
}

/* The daemon. */

EwLink *
ew_ctl_open (EwCtl *ctl, GError **error)
{
  if (ctl->link == NULL)
    ctl->link = ew_link_open (ctl->bus, error);
  return ctl->link;
}

gint
ew_ctl_do (EwCtl *ctl, const gchar *method, GVariant *parameters, const gchar *done)
{
  g_autoptr (GVariant) owned = parameters != NULL ? g_variant_ref_sink (parameters) : NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer
    = ew_ctl_open (ctl, &error) != NULL ? ew_link_call (ctl->link, method, owned, &error) : NULL;

  if (answer == NULL)
    return ew_ctl_fail (ctl, error);
  if (done != NULL)
    ew_ctl_print ("%s\n", done);
  return EW_EXIT_DONE;
}

JsonObject *
ew_ctl_look_up_node (EwCtl *ctl, const gchar *name)
{
  return ctl->link != NULL ? ew_link_look (ctl->link, "ShowNode", g_variant_new ("(s)", name)) : NULL;
}

gint
ew_ctl_fail_to_add (EwCtl *ctl, const gchar *name, const GError *error)
{
  const gboolean taken = g_error_matches (error, EW_ERROR, EW_ERROR_NAME_TAKEN);
  g_autoptr (JsonObject) node = taken ? ew_ctl_look_up_node (ctl, name) : NULL;
  g_autoptr (GError) longer = NULL;

  if (node == NULL || g_strcmp0 (ew_json_string (node, "name"), name) != 0) /* an additional name */
    return ew_ctl_fail (ctl, error);
  g_set_error (&longer, EW_ERROR, EW_ERROR_NAME_TAKEN,
               ew_json_bool (node, "plain", FALSE)
                 ? "%s To make a new configuration for that node: sudo edgewayctl node config %s --renew --qr"
                 : "%s To replace that node's computer: sudo edgewayctl node add %s --renew",
               error->message, name);
  return ew_ctl_fail (ctl, longer);
}

gint
ew_ctl_dump (EwCtl *ctl, const gchar *method, GVariant *parameters)
{
  g_autoptr (GVariant) owned = parameters != NULL ? g_variant_ref_sink (parameters) : NULL;
  g_autoptr (JsonObject) answer = NULL;
  g_autoptr (GError) error = NULL;

  if (ew_ctl_open (ctl, &error) == NULL || (answer = ew_link_call_json (ctl->link, method, owned, &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  ew_ctl_print_json (answer);
  return EW_EXIT_DONE;
}

gint
ew_ctl_list (EwCtl *ctl, gint argc, gchar **argv, const gchar *method, void (*show) (EwCtl *ctl, JsonObject *answer))
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON, for programs", NULL },
    { NULL },
  };
  g_autoptr (JsonObject) answer = NULL;
  g_autoptr (GError) error = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 0, 0, &exit_code))
    return exit_code;
  if (json)
    return ew_ctl_dump (ctl, method, NULL);
  if (ew_ctl_open (ctl, &error) == NULL || (answer = ew_link_call_json (ctl->link, method, NULL, &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  show (ctl, answer);
  return EW_EXIT_DONE;
}

/* The program. */

/* All verbs, or those of a group: "node", "key", "name", "route", "service", "split". */
static void
print_help (const gchar *group)
{
  g_print ("Usage: edgewayctl [--bus ADDRESS] VERB…\n\n");
  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (group == NULL || g_str_has_prefix (verbs[i].name, group))
      ew_ctl_print ("  %-*s%s%s\n                  %s\n", *verbs[i].arguments != '\0' ? 13 : 0, verbs[i].name,
                    *verbs[i].arguments != '\0' ? " " : "", verbs[i].arguments, verbs[i].summary);
  ew_ctl_print (
    "\nEvery command has --help. Commands that change anything need root or an administrator's password.\nWithout "
    "--bus, edgewayctl looks for edgewayd on the system bus, then on /run/edgeway/bus.\nExit codes: 0 done, 1 failed, "
    "2 wrong usage, 3 edgewayd can't be reached, 4 not authorized, 5 timed out.\n");
}

/* Options before the verb. FALSE: answered, *exit_code is set. */
static gboolean
parse_leading (EwCtl *ctl, gint *argc, gchar ***argv, gint *exit_code)
{
  for (; *argc > 1 && (*argv)[1][0] == '-'; (*argc)--, (*argv)++)
    {
      const gchar *option = (*argv)[1];
      *exit_code = EW_EXIT_DONE;
      if (g_str_equal (option, "--help") || g_str_equal (option, "-h"))
        return print_help (NULL), FALSE;
      if (g_str_equal (option, "--version"))
        return ew_ctl_print ("edgewayctl %s\n", ew_version_text ()), FALSE;
      if (g_str_has_prefix (option, "--bus="))
        ctl->bus = g_strdup (option + strlen ("--bus="));
      else if (g_str_equal (option, "--bus") && *argc > 2)
        {
          ctl->bus = g_strdup ((*argv)[2]);
          (*argc)--;
          (*argv)++;
        }
      else
        {
          *exit_code = ew_ctl_usage (ctl, "Unknown option %s", option);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
asks_for_help (const gchar *word)
{
  return g_str_equal (word, "--help") || g_str_equal (word, "-h") || g_str_equal (word, "help");
}

static gint run_verb (EwCtl *ctl, gint argc, gchar **argv);

/* "help node add" is "node add --help". */
static gint
run_help (EwCtl *ctl, gint argc, gchar **argv)
{
  static gchar help[] = "--help";
  g_autofree gchar **words = g_new0 (gchar *, (gsize)argc + 1);

  if (argc < 3)
    return print_help (NULL), EW_EXIT_DONE;
  words[0] = argv[0];
  for (gint i = 2; i < argc; i++)
    words[i - 1] = argv[i];
  words[argc - 1] = help;
  return run_verb (ctl, argc, words);
}

/* The verbs of a group as text; NULL: unknown group. */
static const gchar *
find_group (const gchar *name)
{
  static const gchar *const groups[][2] = { { "node", "add, list, show, rename, mtu, remove, config" },
                                            { "key", "list, revoke" },
                                            { "name", "add, remove, list, accept, refuse" },
                                            { "route", "add, remove, list, accept, refuse" },
                                            { "service", "add, list, show, edit, remove" },
                                            { "split", "list, exclude, include, remove" } };

  for (gsize i = 0; i < G_N_ELEMENTS (groups); i++)
    if (g_str_equal (name, groups[i][0]))
      return groups[i][1];
  return NULL;
}

static gint
run_verb (EwCtl *ctl, gint argc, gchar **argv)
{
  g_autofree gchar *two = argc > 2 ? g_strconcat (argv[1], " ", argv[2], NULL) : NULL;
  const EwVerb *verb = two != NULL ? find_verb (two) : NULL;
  const gchar *group = find_group (argv[1]);
  gint skip = verb != NULL ? 2 : 1;

  if (verb == NULL)
    verb = find_verb (argv[1]);
  if (verb == NULL && g_str_equal (argv[1], "help"))
    return run_help (ctl, argc, argv);
  if (group != NULL && argc > 2 && asks_for_help (argv[2]))
    return print_help (argv[1]), EW_EXIT_DONE;
  if (verb == NULL && group != NULL)
    return ew_ctl_usage (ctl, "`%s` needs one of %s.", argv[1], group);
  if (verb == NULL)
    return ew_ctl_usage (ctl, "Unknown command \"%s\".", argv[1]);
  ctl->verb = verb->name;
  return verb->run (ctl, argc - skip, argv + skip);
}

/* A full disk must not look like success; ferror() reports what an earlier flush lost. */
static gint
finish_output (gint exit_code)
{
  gboolean lost = ferror (stdout) != 0;

  if ((fflush (stdout) == 0 && !lost) || exit_code != EW_EXIT_DONE)
    return exit_code;
  ew_ctl_hint ("edgewayctl: Can't write the output: %s. Free some space, then try again.\n", g_strerror (errno));
  return EW_EXIT_FAILED;
}

gint
ew_ctl_main (gint argc, gchar **argv)
{
  EwCtl ctl = { 0 };
  gint exit_code = EW_EXIT_USAGE;

  setlocale (LC_ALL, "");
  setlocale (LC_NUMERIC, "C"); /* numbers look the same in every locale */
  g_set_prgname ("edgewayctl");
  ew_log_init ("edgewayctl");
  ew_plain_init ();
  ew_terminal_detect (&ctl.terminal);
  if (argc > 1 && g_str_equal (argv[1], "complete"))
    {
      ew_ctl_complete (&ctl, argc - 1, argv + 1, verbs, G_N_ELEMENTS (verbs), run_verb);
      exit_code = EW_EXIT_DONE;
    }
  else if (parse_leading (&ctl, &argc, &argv, &exit_code))
    {
      if (argc > 1)
        exit_code = run_verb (&ctl, argc, argv);
      else
        ew_ctl_usage (&ctl, "A command is missing, for example `status` or `map`.");
    }
  g_clear_pointer (&ctl.link, ew_link_free);
  g_free (ctl.bus);
  return finish_output (exit_code);
}
