/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a shell is offered: nothing that means something to it, whatever an edge calls its nodes; and whether an option,
 * its value or an argument is being typed.
 */
#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

#include "console/complete.h"

/* What function prints. (transfer full) */
static gchar *
printed (void (*function) (gconstpointer data), gconstpointer data)
{
  g_autofree gchar *path = NULL;
  gchar *text = NULL;
  int fd = g_file_open_tmp (NULL, &path, NULL), out = dup (STDOUT_FILENO);

  fflush (stdout);
  dup2 (fd, STDOUT_FILENO);
  function (data);
  fflush (stdout);
  dup2 (out, STDOUT_FILENO);
  close (out);
  close (fd);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_unlink (path);
  return text;
}

static void
offer (gconstpointer data)
{
  const gchar *const *words = data;
  ew_complete_offer (words[0], words[1], words[2]);
}

static void
test_offer (void)
{
  static const struct
  {
    const gchar *words[3], *line;
  } cases[] = {
    { { "", "nas", NULL }, "nas\n" },
    { { "na", "nas", "server" }, "nas\tserver\n" },
    { { "nb", "nas", NULL }, "" },
    { { "", "fd12:3456::/48", "" }, "fd12:3456::/48\n" },
    { { "", "corp.example", "a\tb\nc\033[2J" }, "corp.example\ta b c [2J\n" },
    { { "", "nas",
        "a\xc2\x9b"
        "2Jb\xe2\x80\xae"
        "c" },
      "nas\ta 2Jb c\n" },
    { { "", "", NULL }, "" },
    { { "", "$(reboot)", NULL }, "" },
    { { "", "a;reboot", NULL }, "" },
    { { "", "`reboot`", NULL }, "" },
    { { "", "two words", NULL }, "" },
    { { "", "two\nlines", NULL }, "" },
    { { "", "~root", NULL }, "" },
    { { "", "*", NULL }, "" },
    { { "", "na\xc3\xafve", NULL }, "" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *text = printed (offer, cases[i].words);
      g_assert_cmpstr (text, ==, cases[i].line);
    }
}

static const GOptionEntry entries[] = {
  { "json", 0, 0, G_OPTION_ARG_NONE, NULL, "JSON", NULL },
  { "count", 'c', 0, G_OPTION_ARG_INT, NULL, NULL, "N" },
  { "names", 0, 0, G_OPTION_ARG_STRING, NULL, NULL, "yes|no" },
  { "config", 0, 0, G_OPTION_ARG_FILENAME, NULL, NULL, "FILE" },
  { "trial", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, NULL, NULL, NULL },
  { NULL },
};

/* A line of words, the command first; "N" for the argument of that number. */
static void
options (gconstpointer data)
{
  const GOptionEntry *const tables[] = { entries, NULL };
  g_auto (GStrv) argv = g_strsplit (data, " ", -1);
  guint position;
  if (ew_complete_options (tables, (gint)g_strv_length (argv), argv, &position))
    printf ("%u", position);
}

static void
test_options (void)
{
  static const gchar *const cases[][2] = {
    { "ping ", "0" },
    { "ping nas ", "1" },
    { "ping --json nas x", "1" },
    { "ping -c ", "" },
    { "ping -c 4 ", "0" },
    { "ping -c 4 -", "--json\tJSON\n--names\n--config\n" },
    { "ping --count=4 -", "--json\tJSON\n--names\n--config\n" },
    { "ping --names ", "yes\nno\n" },
    { "ping --names=", "--names=yes\n--names=no\n" },
    { "ping --names -", "" },
    { "ping --names no ", "0" },
    { "ping --config ", ":files\n" },
    { "ping --unknown ", "0" },
    { "ping -- -", "0" },
    { "ping -- --json ", "1" },
    { "ping --j", "--json\tJSON\n" },
    { "ping --trial", "" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *text = printed (options, cases[i][0]);
      g_assert_cmpstr (text, ==, cases[i][1]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/complete/offer", test_offer);
  g_test_add_func ("/complete/options", test_options);
  return g_test_run ();
}
