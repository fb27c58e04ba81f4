/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/verbs.h"

#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include "common/util.h"
#include "console/complete.h"
#include "edge/mesh/mesh.h"
#include "edge/options.h"
#include "edgeway-config.h"

const EwControlVerb ew_control_verbs[] = {
  { "admin-key", NULL, "Print a new enrollment key for an administrator", FALSE, TRUE, FALSE, ew_control_admin_key },
  { "status", NULL, "Show the running edge's status", TRUE, FALSE, FALSE, ew_control_status },
  { "node list", NULL, "List the mesh's nodes", TRUE, FALSE, FALSE, ew_control_node_list },
  { "node show", "NAME", "Show everything that the mesh knows about a node", TRUE, FALSE, FALSE, ew_control_node_show },
  { "node remove", "NAME", "Remove a node and the enrollment keys that it made", FALSE, FALSE, FALSE,
    ew_control_node_remove },
  { "key list", NULL, "List the enrollment keys that can still be used", TRUE, FALSE, FALSE, ew_control_key_list },
  { "key revoke", "ID", "Revoke an enrollment key", FALSE, FALSE, FALSE, ew_control_key_revoke },
  { "revert", NULL, "Undo what a killed edge has left on its host", FALSE, FALSE, TRUE, ew_control_revert },
  { NULL, NULL, NULL, FALSE, FALSE, FALSE, NULL },
};

const EwControlVerb *
ew_control_verb_find (gint argc, gchar **argv, gint *words)
{
  g_autofree gchar *two = argc > 2 ? g_strconcat (argv[1], " ", argv[2], NULL) : NULL;
  for (const EwControlVerb *verb = ew_control_verbs; argc > 1 && verb->name; verb++)
    {
      *words = g_strcmp0 (verb->name, two) == 0 ? 2 : 1;
      if (*words == 2 || g_str_equal (verb->name, argv[1]))
        return verb;
    }
  return NULL;
}

static gint G_GNUC_PRINTF (2, 3) explain_usage (const EwControlVerb *verb, const gchar *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree gchar *message = g_strdup_vprintf (format, args);
  va_end (args);
  g_printerr ("edgeway-edge: %s See `edgeway-edge %s --help`.\n", message, verb->name);
  return EW_EXIT_USAGE;
}

static void
print_help (const EwControlVerb *verb, GOptionContext *context)
{
  g_autofree gchar *program = g_strconcat ("edgeway-edge ", verb->name, NULL);
  g_autofree gchar *summary = g_strconcat (verb->summary, ".", NULL);
  g_set_prgname (program);
  g_option_context_set_summary (context, summary);
  g_autofree gchar *text = g_option_context_get_help (context, TRUE, NULL);
  g_print ("%s", text);
}

/* The folder that the line names so far, the last one where it names several. Borrowed. */
static const gchar *
find_state_dir (gint argc, gchar **argv)
{
  static const gchar option[] = "--state-dir";
  const gchar *found = EW_EDGE_STATE_DIR;
  for (gint i = 0; i < argc - 1 && !g_str_equal (argv[i], "--"); i++)
    if (g_str_equal (argv[i], option) && i + 1 < argc - 1)
      found = argv[++i];
    else if (g_str_has_prefix (argv[i], option) && argv[i][strlen (option)] == '=')
      found = argv[i] + strlen (option) + 1;
  return found;
}

/* What the edge itself knows, if this user may ask it. argv: the words of the line, the one being typed last. */
static void
offer_known (const gchar *path, const gchar *array, const gchar *member, const gchar *about, gint argc, gchar **argv)
{
  const gchar *typed = argv[argc - 1];
  g_autofree gchar *state_dir = g_strdup (find_state_dir (argc, argv));
  const EwControl control = { .state_dir = state_dir };
  gint exit_code;
  fflush (stdout);
  g_autoptr (JsonObject) answer = ew_control_call (&control, "GET", path, NULL, &exit_code);
  JsonArray *items = answer ? ew_json_array (answer, array) : NULL;
  for (guint i = 0; items && i < json_array_get_length (items); i++)
    {
      JsonNode *item = json_array_get_element (items, i);
      JsonObject *object = JSON_NODE_HOLDS_OBJECT (item) ? json_node_get_object (item) : NULL;
      if (object && ew_json_string (object, member))
        ew_complete_offer (typed, ew_json_string (object, member), ew_json_string (object, about));
    }
}

static void
complete_verb (const EwControlVerb *verb, const GOptionEntry *const *tables, gint argc, gchar **argv)
{
  guint position;
  if (!ew_complete_options (tables, argc, argv, &position))
    return;
  if (verb->argument == NULL || position > 0)
    ew_complete_offer_options (tables, argc, argv);
  else if (g_str_equal (verb->argument, "ID"))
    offer_known ("/v1/keys", "keys", "id", "label", argc, argv);
  else
    offer_known ("/v1/nodes", "nodes", "name", "state", argc, argv);
}

/* FALSE: *exit_code says how it ends. */
static gboolean
parse_options (const EwControlVerb *verb, gint *argc, gchar ***argv, EwControl *control, gint *exit_code)
{
  gboolean help = FALSE;
  g_autofree gchar *valid = NULL;
  const GOptionEntry common[] = { { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &control->state_dir,
                                    "The running edge's state directory (default: " EW_EDGE_STATE_DIR ")", "DIR" },
                                  { "help", 'h', 0, G_OPTION_ARG_NONE, &help, "Show this help", NULL },
                                  G_OPTION_ENTRY_NULL };
  const GOptionEntry json[]
    = { { "json", 0, 0, G_OPTION_ARG_NONE, &control->json, "Print JSON, for programs", NULL }, G_OPTION_ENTRY_NULL };
  const GOptionEntry duration[] = { { "valid", 0, 0, G_OPTION_ARG_STRING, &valid,
                                      "How long the key can be used: 10m, 1h, 1d, at most 7d (default: 1h)", "TIME" },
                                    G_OPTION_ENTRY_NULL };
  g_autoptr (GOptionContext) context = g_option_context_new (verb->argument);
  g_autoptr (GError) error = NULL;
  const GOptionEntry *own = verb->is_local ? common + 1 : common;
  const GOptionEntry *const tables[] = { own, verb->has_json ? json : verb->has_valid ? duration : NULL, NULL };
  if (control->completing)
    return complete_verb (verb, tables, *argc, *argv), FALSE;
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_add_main_entries (context, own, NULL);
  if (verb->has_json)
    g_option_context_add_main_entries (context, json, NULL);
  if (verb->has_valid)
    g_option_context_add_main_entries (context, duration, NULL);
  *exit_code = EW_EXIT_DONE;
  if (!g_option_context_parse (context, argc, argv, &error))
    *exit_code = explain_usage (verb, "%s.", error->message);
  else if (help)
    print_help (verb, context);
  else if (valid
           && !ew_duration_parse (valid, EW_MESH_VALID_MIN, EW_MESH_OWNER_VALID_MAX, &control->valid_seconds, &error))
    *exit_code = explain_usage (verb, "--valid: %s", error->message);
  else
    return TRUE;
  return FALSE;
}

/* A full disk must not look like success. */
static gint
finish_output (gint exit_code)
{
  if ((fflush (stdout) == 0 && !ferror (stdout)) || exit_code != EW_EXIT_DONE)
    return exit_code;
  g_printerr ("edgeway-edge: Can't write the output. Free some space, then try again.\n");
  return EW_EXIT_FAILED;
}

gint
ew_control_verb_run (const EwControlVerb *verb, gint argc, gchar **argv)
{
  EwControl control = { .valid_seconds = EW_MESH_VALID_DEFAULT };
  gint exit_code, wanted = verb->argument ? 1 : 0;
  if (parse_options (verb, &argc, &argv, &control, &exit_code))
    {
      if (argc - 1 < wanted)
        exit_code = explain_usage (verb, "`%s` needs %s.", verb->name, verb->argument);
      else if (argc - 1 > wanted)
        exit_code = explain_usage (verb, "Unexpected argument \"%.64s\".", argv[wanted + 1]);
      else
        {
          control.argument = wanted ? argv[1] : NULL;
          if (control.state_dir == NULL)
            control.state_dir = g_strdup (EW_EDGE_STATE_DIR);
          ew_terminal_detect (&control.terminal);
          exit_code = verb->run (&control);
        }
    }
  g_free (control.state_dir);
  return finish_output (exit_code);
}

/* The words that can follow group ("": the first ones), each once: those of a group are adjacent. */
static void
offer_verbs (const gchar *group, const gchar *typed)
{
  g_autofree gchar *last = NULL, *start = *group ? g_strconcat (group, " ", NULL) : g_strdup ("");
  for (const EwControlVerb *verb = ew_control_verbs; verb->name; verb++)
    if (g_str_has_prefix (verb->name, start))
      {
        const gchar *rest = verb->name + strlen (start), *space = strchr (rest, ' ');
        g_autofree gchar *word = space ? g_strndup (rest, (gsize)(space - rest)) : g_strdup (rest);
        if (g_strcmp0 (word, last) != 0)
          ew_complete_offer (typed, word, space ? NULL : verb->summary);
        g_free (last);
        last = g_steal_pointer (&word);
      }
}

void
ew_control_complete (gint argc, gchar **argv)
{
  gint words = 0, exit_code;
  EwControl control = { .completing = TRUE };
  const EwControlVerb *verb = argc > 2 ? ew_control_verb_find (argc - 1, argv, &words) : NULL;
  const gchar *typed = argv[argc - 1];
  ew_complete_begin ();
  if (freopen ("/dev/null", "w", stderr) == NULL || argc < 2)
    return;
  if (verb)
    {
      argc -= words, argv += words;
      parse_options (verb, &argc, &argv, &control, &exit_code);
    }
  else if (argc > 2 && g_str_equal (argv[1], "run"))
    ew_edge_options_complete (argc - 1, argv + 1);
  else if (argc == 3)
    offer_verbs (argv[1], typed);
  else if (argc == 2)
    {
      ew_complete_offer (typed, "run", "Run the edge");
      offer_verbs ("", typed);
      if (*typed == '-')
        {
          ew_complete_offer (typed, "--help", "Show all commands");
          ew_complete_offer (typed, "--version", "Show the version");
        }
    }
}
