/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nss/nsswitch.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  const gchar *whose, *before, *after;
} Line;

#define E "edgeway [!UNAVAIL=return]"

/* The lines that systems ship with. */
static const Line lines[] = {
  { "Debian 12", "hosts:          files dns", "hosts:          files " E " dns edgeway_short" },
  { "Debian, libnss-mdns", "hosts:          files mdns4_minimal [NOTFOUND=return] dns",
    "hosts:          files " E " mdns4_minimal [NOTFOUND=return] dns edgeway_short" },
  { "Debian, libnss-resolve and -myhostname", "hosts: files myhostname resolve [!UNAVAIL=return] dns",
    "hosts: files myhostname " E
    " resolve [!UNAVAIL=return NOTFOUND=continue] edgeway_short [NOTFOUND=return] dns edgeway_short" },
  { "Ubuntu", "hosts:          files mdns4_minimal [NOTFOUND=return] dns mymachines",
    "hosts:          files " E " mdns4_minimal [NOTFOUND=return] dns mymachines edgeway_short" },
  { "Fedora, authselect", "hosts:      files myhostname mdns4_minimal [NOTFOUND=return] resolve [!UNAVAIL=return] dns",
    "hosts:      files myhostname " E " mdns4_minimal [NOTFOUND=return] resolve [!UNAVAIL=return NOTFOUND=continue] "
    "edgeway_short [NOTFOUND=return] dns edgeway_short" },
  { "Arch", "hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns",
    "hosts: mymachines " E
    " resolve [!UNAVAIL=return NOTFOUND=continue] edgeway_short [NOTFOUND=return] files myhostname dns edgeway_short" },
  { "openSUSE", "hosts:  \tfiles mdns_minimal [NOTFOUND=return] dns",
    "hosts:  \tfiles " E " mdns_minimal [NOTFOUND=return] dns edgeway_short" },
  { "Red Hat 7", "hosts:      files dns myhostname", "hosts:      files " E " dns myhostname edgeway_short" },
  { "SSSD", "hosts: files sss dns", "hosts: files " E " sss dns edgeway_short" },
  { "a comment", "hosts: files dns   # by hand", "hosts: files " E " dns edgeway_short   # by hand" },
  { "no blank", "hosts:dns", "hosts:" E " dns edgeway_short" },
  { "blanks at the end", "hosts: files dns \t", "hosts: files " E " dns edgeway_short \t" },
  { "no network", "hosts: files", "hosts: files " E " edgeway_short" },
  { "several actions", "hosts: dns [NOTFOUND=return] [UNAVAIL=continue] files",
    "hosts: " E " dns [NOTFOUND=return] [UNAVAIL=continue] files edgeway_short" },
  { "an action with blanks", "hosts: files dns [ !UNAVAIL=return  SUCCESS=continue ]",
    "hosts: files " E " dns [ !UNAVAIL=return  SUCCESS=continue ] edgeway_short" },
  { "no file of glibc's own", "hosts: dns [!UNAVAIL=return] files",
    "hosts: " E " dns [!UNAVAIL=return NOTFOUND=continue] edgeway_short [NOTFOUND=return] files edgeway_short" },
  { "nss-resolve alone", "hosts: resolve [!UNAVAIL=return]",
    "hosts: " E " resolve [!UNAVAIL=return NOTFOUND=continue] edgeway_short [NOTFOUND=return] edgeway_short" },
  { "nothing", "hosts:", "hosts: " E " edgeway_short" },
  { "indented", "  hosts: files dns", "  hosts: files " E " dns edgeway_short" },
};

static const gchar *const around[][2] = {
  { "", "" },
  { "", "\n" },
  { "# hosts: files dns\npasswd: files systemd\n\n", "\nnetworks:       files\n# end" },
};

static void
test_lines (void)
{
  EwNsswitchResult result;

  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (around); j++)
      {
        g_autofree gchar *before = g_strconcat (around[j][0], lines[i].before, around[j][1], NULL);
        g_autofree gchar *after = g_strconcat (around[j][0], lines[i].after, around[j][1], NULL);
        g_autofree gchar *added = ew_nsswitch_edit (before, strlen (before), TRUE, &result);
        g_test_message ("%s", lines[i].whose);
        g_assert_cmpstr (added, ==, after);
        g_assert_cmpint (result, ==, EW_NSSWITCH_CHANGED);
        g_autofree gchar *again = ew_nsswitch_edit (added, strlen (added), TRUE, &result);
        g_assert_null (again);
        g_assert_cmpint (result, ==, EW_NSSWITCH_SAME);
        g_autofree gchar *removed = ew_nsswitch_edit (added, strlen (added), FALSE, &result);
        g_assert_cmpstr (removed, ==, before);
        g_autofree gchar *nothing = ew_nsswitch_edit (removed, strlen (removed), FALSE, &result);
        g_assert_null (nothing);
        g_assert_cmpint (result, ==, EW_NSSWITCH_SAME);
      }
}

/* Other programs' edits of a line with Edgeway's words: the words are removed, the rest stays. */
static void
test_removed (void)
{
  static const Line written[] = {
    { "an action of theirs", "hosts: files edgeway [NOTFOUND=return UNAVAIL=continue] dns", "hosts: files dns" },
    { "in another order", "hosts: edgeway_short dns edgeway files", "hosts: dns files" },
    { "a word after ours", "hosts: files " E " dns edgeway_short mymachines", "hosts: files dns mymachines" },
    { "a word between",
      "hosts: resolve [!UNAVAIL=return NOTFOUND=continue] myhostname edgeway_short [NOTFOUND=return] dns",
      "hosts: resolve [!UNAVAIL=return] myhostname dns" },
    { "twice", "hosts: " E " files " E " dns edgeway_short edgeway_short # x", "hosts: files dns # x" },
    { "alone", "hosts: edgeway", "hosts:" },
    { "words that begin the same", "hosts: edgewayx edgeway_shorter dns", "hosts: edgewayx edgeway_shorter dns" },
    { "of another database", "networks: edgeway files", "networks: edgeway files" },
    { "in a comment", "# hosts: edgeway\nhosts: dns # edgeway", "# hosts: edgeway\nhosts: dns # edgeway" },
  };
  EwNsswitchResult result;

  for (gsize i = 0; i < G_N_ELEMENTS (written); i++)
    {
      g_autofree gchar *removed = ew_nsswitch_edit (written[i].before, strlen (written[i].before), FALSE, &result);
      g_test_message ("%s", written[i].whose);
      g_assert_cmpstr (removed != NULL ? removed : written[i].before, ==, written[i].after);
    }
}

static void
test_refused (void)
{
  g_autofree gchar *large = g_strnfill (EW_NSSWITCH_MAX + 1, '\n');
  EwNsswitchResult result;

  g_assert_null (ew_nsswitch_edit ("passwd: files\n", 14, TRUE, &result));
  g_assert_cmpint (result, ==, EW_NSSWITCH_NO_LINE);
  g_assert_null (ew_nsswitch_edit ("", 0, TRUE, &result));
  g_assert_cmpint (result, ==, EW_NSSWITCH_NO_LINE);
  g_assert_null (ew_nsswitch_edit ("hosts: files\0dns\n", 17, TRUE, &result));
  g_assert_cmpint (result, ==, EW_NSSWITCH_STRANGE);
  g_assert_null (ew_nsswitch_edit ("hosts: dns [NOTFOUND\n", 21, TRUE, &result));
  g_assert_cmpint (result, ==, EW_NSSWITCH_STRANGE);
  g_assert_null (ew_nsswitch_edit (large, strlen (large), TRUE, &result));
  g_assert_cmpint (result, ==, EW_NSSWITCH_STRANGE);
}

static void
test_file (void)
{
  g_autofree gchar *folder = g_dir_make_tmp ("nsswitch-XXXXXX", NULL), *text = NULL;
  g_autofree gchar *path = g_build_filename (folder, "nsswitch.conf", NULL);
  g_autofree gchar *spare = g_build_filename (folder, ".nsswitch.conf.edgeway", NULL);
  struct stat info;

  g_assert_cmpint (ew_nsswitch_edit_file (path, TRUE), ==, EW_NSSWITCH_NO_FILE);
  g_assert_true (g_file_set_contents (path, "hosts: files dns\n", -1, NULL));
  g_assert_cmpint (chmod (path, 0604), ==, 0);
  g_assert_true (g_file_set_contents (spare, "left over", -1, NULL));
  g_assert_cmpint (ew_nsswitch_edit_file (path, TRUE), ==, EW_NSSWITCH_CHANGED);
  g_assert_cmpint (ew_nsswitch_edit_file (path, TRUE), ==, EW_NSSWITCH_SAME);
  g_assert_cmpint (stat (path, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 07777, ==, 0604);
  g_assert_false (g_file_test (spare, G_FILE_TEST_EXISTS));
  g_assert_cmpint (ew_nsswitch_edit_file (path, FALSE), ==, EW_NSSWITCH_CHANGED);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "hosts: files dns\n");
  g_assert_cmpint (unlink (path), ==, 0);
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  g_assert_cmpint (ew_nsswitch_edit_file (path, TRUE), ==, EW_NSSWITCH_STRANGE);
  g_assert_cmpint (g_rmdir (path), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/nsswitch/lines", test_lines);
  g_test_add_func ("/nsswitch/removed", test_removed);
  g_test_add_func ("/nsswitch/refused", test_refused);
  g_test_add_func ("/nsswitch/file", test_file);
  return g_test_run ();
}
