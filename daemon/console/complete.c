/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "console/complete.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* A key press is answered within 200 ms or not at all. */
#define PATIENCE_US 200000
#define DESCRIPTION_MAX_CHARS 100

static void
on_alarm (int number)
{
  _exit (0);
}

void
ew_complete_begin (void)
{
  const struct itimerval patience = { .it_value = { .tv_usec = PATIENCE_US } };
  struct sigaction action = { .sa_handler = on_alarm };

  sigaction (SIGALRM, &action, NULL);
  setitimer (ITIMER_REAL, &patience, NULL);
}

static gboolean
is_plain (const gchar *text)
{
  for (; *text != '\0'; text++)
    if (!g_ascii_isalnum (*text) && strchr ("._:/=-", *text) == NULL)
      return FALSE;
  return TRUE;
}

/* Others' text, which a shell puts on the terminal: no control characters, those beyond ASCII included, and none that
   turn the reading direction. (transfer full) */
static gchar *
one_line (const gchar *text)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, -1);
  gboolean is_long = g_utf8_strlen (valid, -1) > DESCRIPTION_MAX_CHARS;
  glong left = is_long ? DESCRIPTION_MAX_CHARS - 1 : DESCRIPTION_MAX_CHARS;
  GString *line = g_string_new (NULL);

  for (const gchar *c = valid; *c != '\0' && left > 0; c = g_utf8_next_char (c), left--)
    g_string_append_unichar (line, g_unichar_isprint (g_utf8_get_char (c)) ? g_utf8_get_char (c) : ' ');
  if (is_long)
    g_string_append (line, "…");
  return g_string_free (line, FALSE);
}

void
ew_complete_offer (const gchar *typed, const gchar *candidate, const gchar *description)
{
  g_autofree gchar *line = NULL;

  if (*candidate == '\0' || !g_str_has_prefix (candidate, typed) || !is_plain (candidate))
    return;
  if (description == NULL || *description == '\0')
    printf ("%s\n", candidate);
  else
    {
      line = one_line (description);
      printf ("%s\t%s\n", candidate, line);
    }
}

static const GOptionEntry *
find_option (const GOptionEntry *const *tables, const gchar *word)
{
  for (; *tables != NULL; tables++)
    for (const GOptionEntry *entry = *tables; entry->long_name != NULL; entry++)
      {
        gsize length = strlen (entry->long_name);
        if (g_str_has_prefix (word, "--") && strncmp (word + 2, entry->long_name, length) == 0
            && (word[2 + length] == '\0' || word[2 + length] == '='))
          return entry;
        if (entry->short_name != 0 && word[0] == '-' && word[1] == entry->short_name && word[2] == '\0')
          return entry;
      }
  return NULL;
}

static gboolean
takes_value (const GOptionEntry *entry)
{
  return entry != NULL && entry->arg != G_OPTION_ARG_NONE && entry->arg != G_OPTION_ARG_CALLBACK;
}

/* Completes by the word that the help shows for the value. written: "--valid=" where that is part of the same word, or
   "". */
static void
offer_values (const GOptionEntry *entry, const gchar *written, const gchar *typed)
{
  const gchar *kind = entry->arg_description != NULL ? entry->arg_description : "";
  const gchar *choices = strchr (kind, '|') != NULL ? kind : "";
  g_auto (GStrv) parts = NULL;

  if (g_str_equal (kind, "FILE") || g_str_equal (kind, "DIR"))
    printf (g_str_equal (kind, "DIR") ? ":folders\n" : ":files\n");
  if (g_str_equal (kind, "DURATION") || g_str_equal (kind, "TIME"))
    choices = "10m|1h|1d|7d";
  parts = g_strsplit (choices, "|", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_autofree gchar *whole = g_strconcat (written, parts[i], NULL);
      ew_complete_offer (typed, whole, NULL);
    }
}

void
ew_complete_offer_options (const GOptionEntry *const *tables, gint argc, gchar **argv)
{
  for (const GOptionEntry *const *table = tables; *table != NULL; table++)
    for (const GOptionEntry *entry = *table; entry->long_name != NULL; entry++)
      {
        g_autofree gchar *option = g_strconcat ("--", entry->long_name, NULL);
        gboolean given = (entry->flags & G_OPTION_FLAG_HIDDEN) != 0;
        for (gint i = 1; i < argc - 1; i++)
          given |= find_option (tables, argv[i]) == entry;
        if (!given)
          ew_complete_offer (argv[argc - 1], option, entry->description);
      }
}

gboolean
ew_complete_options (const GOptionEntry *const *tables, gint argc, gchar **argv, guint *position)
{
  const gchar *typed = argv[argc - 1], *equals = strchr (typed, '=');
  const GOptionEntry *waiting = NULL; /* for its value */
  gboolean ended = FALSE;             /* by "--" */

  *position = 0;
  for (gint i = 1; i < argc - 1; i++)
    {
      const GOptionEntry *entry = ended || waiting != NULL ? NULL : find_option (tables, argv[i]);
      if (waiting == NULL && !ended && g_str_equal (argv[i], "--"))
        ended = TRUE;
      else if (waiting == NULL && entry == NULL && (ended || argv[i][0] != '-'))
        ++*position;
      waiting = takes_value (entry) && strchr (argv[i], '=') == NULL ? entry : NULL;
    }
  if (waiting != NULL)
    return offer_values (waiting, "", typed), FALSE;
  if (ended || typed[0] != '-')
    return TRUE;
  if (equals != NULL && takes_value (find_option (tables, typed)))
    {
      g_autofree gchar *written = g_strndup (typed, (gsize)(equals + 1 - typed));
      offer_values (find_option (tables, typed), written, typed);
    }
  else
    ew_complete_offer_options (tables, argc, argv);
  return FALSE;
}
