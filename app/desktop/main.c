/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include <glib/gi18n.h>
#include <gtk/gtk.h>
#include <locale.h>
#include <string.h>

#include "common/plain.h"
#include "desktop/application.h"

/* Everyone on this computer sees a program's arguments for as long as it runs: remove a key or a link from them. */
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

/* GTK looks for GL whichever renderer it was told to use, and without a graphics card, loading software GL takes a good
   part of the start time. With cairo it isn't needed. */
static void
spare_gl (void)
{
  gboolean newer = gtk_get_major_version () > 4 || gtk_get_minor_version () >= 16;

  if (g_strcmp0 (g_getenv ("GSK_RENDERER"), "cairo") == 0)
    g_setenv (newer ? "GDK_DISABLE" : "GDK_DEBUG", newer ? "gl,vulkan" : "gl-disable", FALSE);
}

int
main (int argc, char **argv)
{
  g_auto (GStrv) arguments = take_arguments (argc, argv);
  setlocale (LC_ALL, "");
  ew_plain_init ();
  bindtextdomain (GETTEXT_PACKAGE, EW_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  spare_gl ();
  g_autoptr (EwApplication) application = ew_application_new ();
  return g_application_run (G_APPLICATION (application), argc, arguments);
}
