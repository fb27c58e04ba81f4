/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <locale.h>

#include "common/util.h"
#include "edge/run.h"
#include "edge/verbs.h"
#include "edgeway-config.h"

static const gchar help_text[] = "Usage: edgeway-edge VERB [OPTION…]\n"
                                 "\n"
                                 "The edge: the server in the centre of an Edgeway mesh.\n"
                                 "\n"
                                 "  run          run the edge; in an empty state directory, make a mesh\n"
                                 "  admin-key    an enrollment key whose bearer becomes an administrator\n"
                                 "  status       what the running edge is and sees\n"
                                 "\n"
                                 "  --help       show this help; `edgeway-edge VERB --help` shows a verb's options\n"
                                 "  --version    show the version\n";

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
  setlocale (LC_ALL, "");
  ew_log_init ("edgeway-edge");
  if (g_str_equal (verb, "run"))
    return run (argc - 1, argv + 1);
  if (g_str_equal (verb, "admin-key"))
    return ew_edge_verb_admin_key (argc - 1, argv + 1);
  if (g_str_equal (verb, "status"))
    return ew_edge_verb_status (argc - 1, argv + 1);
  if (g_str_equal (verb, "--help") || g_str_equal (verb, "-h"))
    g_print ("%s", help_text);
  else if (g_str_equal (verb, "--version"))
    g_print ("edgeway-edge " EW_VERSION "\n");
  else
    {
      g_printerr (*verb ? "edgeway-edge: there is no verb \"%.32s\"; see `edgeway-edge --help`.\n"
                        : "edgeway-edge: a verb is missing; see `edgeway-edge --help`.\n%.0s",
                  verb);
      return EW_EXIT_USAGE;
    }
  return EW_EXIT_DONE;
}
