/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include <glib/gi18n.h>
#include <locale.h>
#include <string.h>

#include "desktop/application.h"

/* Everyone on this computer sees a program's arguments for as long as it runs: a key or a link is taken out of them. */
static gchar **
take_arguments (int argc, char **argv)
{
  gchar **taken = g_new0 (gchar *, (gsize)argc + 1);
  for (int i = 0; i < argc; i++)
    {
      taken[i] = g_strdup (argv[i]);
      if (i > 0 && (g_str_has_prefix (argv[i], "edgeway:") || g_str_has_prefix (argv[i], "ew1_")))
        memset (argv[i], '*', strlen (argv[i]));
    }
  return taken;
}

int
main (int argc, char **argv)
{
  g_auto (GStrv) arguments = take_arguments (argc, argv);
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, EW_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  g_autoptr (EwApplication) application = ew_application_new ();
  return g_application_run (G_APPLICATION (application), argc, arguments);
}
