/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include <glib/gi18n.h>
#include <locale.h>

#include "desktop/application.h"

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, EW_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  g_autoptr (EwApplication) application = ew_application_new ();
  return g_application_run (G_APPLICATION (application), argc, argv);
}
