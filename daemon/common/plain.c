/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/plain.h"

#include <stdio.h>
#include <string.h>

gchar *
ew_plain_spell (const gchar *text)
{
  static const struct
  {
    const gchar *sign, *ascii;
  } signs[] = {
    { "…", "..." }, { "→", "->" }, { "–", "-" }, { "“", "\"" }, { "”", "\"" }, { "’", "'" }, { "\u00a0", " " },
  };
  GString *spelled = g_string_new (text);
  for (guint i = 0; i < G_N_ELEMENTS (signs); i++)
    g_string_replace (spelled, signs[i].sign, signs[i].ascii, 0);
  return g_string_free (spelled, FALSE);
}

gchar *
ew_plain_fit (const gchar *text)
{
  return g_get_charset (NULL) ? g_strdup (text) : ew_plain_spell (text);
}

/* As GLib's own does. A character that has no spelling becomes '?'. */
static void
print_plainly (FILE *file, const gchar *text)
{
  const gchar *charset = NULL;
  g_get_charset (&charset);
  g_autofree gchar *spelled = ew_plain_spell (text);
  g_autofree gchar *fit = g_convert_with_fallback (spelled, -1, charset, "UTF-8", "?", NULL, NULL, NULL);
  fputs (fit ? fit : spelled, file);
  fflush (file);
}

static void
print_out (const gchar *text)
{
  print_plainly (stdout, text);
}

static void
print_error (const gchar *text)
{
  print_plainly (stderr, text);
}

void
ew_plain_init (void)
{
  if (g_get_charset (NULL))
    return;
  g_set_print_handler (print_out);
  g_set_printerr_handler (print_error);
}
