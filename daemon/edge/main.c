/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <locale.h>

#include "common/plain.h"
#include "common/util.h"
#include "edge/run.h"
#include "edge/verbs.h"
#include "version/version.h"

static void
print_help (void)
{
  g_print ("Usage: edgeway-edge VERB [OPTION…]\n"
           "\n"
           "The edge: the server in the center of an Edgeway mesh.\n"
           "\n"
           "  %-18s %s\n",
           "run", "Run the edge; in an empty state directory, make a new mesh first");
  for (const EwControlVerb *verb = ew_control_verbs; verb->name; verb++)
    {
      g_autofree gchar *usage = g_strconcat (verb->name, verb->argument ? " " : "", verb->argument, NULL);
      g_print ("  %-18s %s\n", usage, verb->summary);
    }
  g_print ("\n"
           "  %-18s %s\n"
           "  %-18s %s\n",
           "--help", "Show this help; `edgeway-edge VERB --help` shows that command's options", "--version",
           "Show the version");
}

static gint
run (gint argc, gchar **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *help = NULL;
  g_autoptr (EwEdgeOptions) options = ew_edge_options_parse (argc, argv, &help, &error);
  if (options == NULL)
    {
      g_printerr ("edgeway-edge: %s\n", error->message);
      return EW_EXIT_USAGE;
    }
  if (help == NULL)
    return ew_edge_run (options);
  g_print ("%s", help);
  return EW_EXIT_DONE;
}

int
main (int argc, char **argv)
{
  const gchar *verb = argc > 1 ? argv[1] : "";
  const gboolean is_group = g_str_equal (verb, "node") || g_str_equal (verb, "key");
  gint words = 0;
  setlocale (LC_ALL, "");
  ew_plain_init ();
  ew_log_init ("edgeway-edge");
  const EwControlVerb *control = ew_control_verb_find (argc, argv, &words);
  if (control)
    return ew_control_verb_run (control, argc - words, argv + words);
  if (g_str_equal (verb, "complete"))
    return ew_control_complete (argc - 1, argv + 1), EW_EXIT_DONE;
  if (g_str_equal (verb, "run"))
    return run (argc - 1, argv + 1);
  if (g_str_equal (verb, "--help") || g_str_equal (verb, "-h"))
    print_help ();
  else if (g_str_equal (verb, "--version"))
    g_print ("edgeway-edge %s\n", ew_version_text ());
  else
    {
      if (is_group && argc > 2 && (g_str_equal (argv[2], "--help") || g_str_equal (argv[2], "-h")))
        return print_help (), EW_EXIT_DONE;
      if (is_group)
        g_printerr ("edgeway-edge: `%s` needs one of %s. See `edgeway-edge --help`.\n", verb,
                    g_str_equal (verb, "node") ? "list, show, remove" : "list, revoke");
      else
        g_printerr (*verb ? "edgeway-edge: Unknown command \"%.32s\". See `edgeway-edge --help`.\n"
                          : "edgeway-edge: A command is missing. See `edgeway-edge --help`.\n%.0s",
                    verb);
      return EW_EXIT_USAGE;
    }
  return EW_EXIT_DONE;
}
