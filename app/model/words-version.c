/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "words.h"

#include <edgeway-config.h>
#include <glib/gi18n-lib.h>

/* The interface grows with the second number; what follows it (0.2.1, 0.2.0+git…) doesn't change the interface.
   FALSE: no version. */
static gboolean
parse_version (const gchar *text, guint64 *number)
{
  gchar *end;
  guint64 major = g_ascii_strtoull (text, &end, 10), minor;

  if (!g_ascii_isdigit (*text) || *end != '.' || !g_ascii_isdigit (end[1]))
    return FALSE;
  minor = g_ascii_strtoull (end + 1, NULL, 10);
  *number = MIN (major, G_MAXUINT32) << 32 | MIN (minor, G_MAXUINT32);
  return TRUE;
}

/* < 0: the service is older than this program, 0: they fit, or that is unknown. */
static gint
compare_with_service (const gchar *service)
{
  guint64 theirs, ours;

  if (!parse_version (service, &theirs) || !parse_version (EW_VERSION, &ours))
    return 0;
  return theirs < ours ? -1 : theirs > ours;
}

gchar *
ew_words_version_gap (const gchar *service)
{
  const gint order = compare_with_service (service);

  if (order == 0)
    return NULL;
  if (order < 0)
    /* Translators: versions, first the service's, then the app's */
    return g_strdup_printf (_ ("The Edgeway service (%s) is older than this app (%s), so some of this may not work. "
                               "Update the package edgewayd."),
                            service, EW_VERSION);
  /* Translators: versions, first the app's, then the service's */
  return g_strdup_printf (_ ("This app (%s) is older than the Edgeway service (%s), so some of this may not work. "
                             "Update the app, then close it and open it again."),
                          EW_VERSION, service);
}

gchar *
ew_words_version_refusal (const gchar *service)
{
  const gint order = compare_with_service (service);

  if (order < 0)
    return g_strdup_printf (_ ("The Edgeway service on this computer (%s) is older than this app and can't do this. "
                               "Update the package edgewayd, then try again."),
                            service);
  if (order > 0)
    return g_strdup_printf (_ ("The Edgeway service on this computer (%s) is newer than this app and does this in "
                               "another way. Update the app, then close it and open it again."),
                            service);
  return g_strdup (
    _ ("The Edgeway service on this computer has another version and can't do this. Update it, then restart it."));
}
