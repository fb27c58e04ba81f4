/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an edge hands out: what requests may name, which files of the folder there are, and the script.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>
#include "edge/packages/index.h"
#include "edge/packages/request.h"
#include "edge/packages/script.h"

#define LIST_A                                                                                                         \
  "Package: edgewayd\nVersion: 0.2.0+git1\nArchitecture: amd64\nFilename: ./edgewayd_0.2.0_amd64.deb\nSize: 5\n"       \
  "Description: the daemon\n Filename: ./secret\n\n"                                                                   \
  "Package: libx\nArchitecture: amd64\nVersion: 1\nFilename: libx_2%3a1_amd64.deb\nSize: 3\n\n"                        \
  "Package: up\nFilename: ../outside.deb\nSize: 3\n\nPackage: deep\nFilename: pool/deep.deb\nSize: 3\n\n"              \
  "Package: link\nFilename: link.deb\nSize: 3\n\nPackage: folder\nFilename: folder.deb\nSize: 3\n\n"                   \
  "Package: short\nFilename: short.deb\nSize: 4"

static void
test_paths (void)
{
  static const gchar *const good[] = {
    "/packages/debian-12/Packages",
    "/packages/debian-sid/libx_2%3a1_amd64.deb",
    "/packages/a/b",
    "/packages/debian-12.1/a~b+c.deb",
  };
  static const gchar *const bad[] = {
    "",
    "/packages",
    "/packages/",
    "/packages//",
    "/packages/debian-12",
    "/packages/debian-12/",
    "/packages//Packages",
    "/packages/debian-12//Packages",
    "/packages/debian-12/./Packages",
    "/packages/debian-12/../debian-13/Packages",
    "/packages/../etc/passwd",
    "/packages/./Packages",
    "/packages/.hidden/Packages",
    "/packages/debian-12/.hidden",
    "/packages/debian-12/a/b",
    "/packages/Debian-12/Packages",
    "/packages/debian-/Packages",
    "/packages/-debian/Packages",
    "/packages/debian--12/Packages",
    "/packages/debian-12/a b",
    "/packages/debian-12/a\nb",
    "/packages/debian-12/\xc3\xa9.deb",
    "/packages/debian-12/a\\b",
    "/Packages/debian-12/Packages",
    "/packages/abcdefghijklmnopqrstuvwxyz0123456789/Packages",
  };
  gchar system[EW_PACKAGES_SYSTEM_MAX + 1], file[EW_PACKAGES_FILE_MAX + 1];
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (ew_packages_path_parse (good[i], system, file));
  g_assert_cmpstr (system, ==, "debian-12.1");
  g_assert_cmpstr (file, ==, "a~b+c.deb");
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (ew_packages_path_parse (bad[i], system, file));
  g_autofree gchar *name = g_strnfill (EW_PACKAGES_FILE_MAX, 'a');
  g_autofree gchar *longest = g_strconcat ("/packages/debian-12/", name, NULL);
  g_autofree gchar *longer = g_strconcat (longest, "a", NULL);
  g_assert_true (ew_packages_path_parse (longest, system, file));
  g_assert_false (ew_packages_path_parse (longer, system, file));
}

static void
test_ranges (void)
{
  const struct
  {
    const gchar *header;
    EwPackagesRange range;
    guint64 first, length;
  } cases[] = {
    { NULL, EW_PACKAGES_RANGE_WHOLE, 0, 100 },
    { "bytes=0-", EW_PACKAGES_RANGE_PART, 0, 100 },
    { "bytes=40-", EW_PACKAGES_RANGE_PART, 40, 60 },
    { "bytes=40-49", EW_PACKAGES_RANGE_PART, 40, 10 },
    { "bytes=99-200", EW_PACKAGES_RANGE_PART, 99, 1 },
    { "bytes=100-", EW_PACKAGES_RANGE_BEYOND, 0, 100 },
    { "bytes=50-40", EW_PACKAGES_RANGE_WHOLE, 0, 100 },
    { "bytes=-10", EW_PACKAGES_RANGE_WHOLE, 0, 100 },
    { "bytes=0-1,5-6", EW_PACKAGES_RANGE_WHOLE, 0, 100 },
    { "bytes=1", EW_PACKAGES_RANGE_WHOLE, 0, 100 },
    { "bytes= 1-", EW_PACKAGES_RANGE_WHOLE, 0, 100 },
    { "bytes=99999999999999999999-", EW_PACKAGES_RANGE_WHOLE, 0, 100 },
    { "items=0-", EW_PACKAGES_RANGE_WHOLE, 0, 100 },
    { "", EW_PACKAGES_RANGE_WHOLE, 0, 100 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint64 first, length;
      g_assert_cmpint (ew_packages_range_parse (cases[i].header, 100, &first, &length), ==, cases[i].range);
      g_assert_cmpuint (first, ==, cases[i].first);
      g_assert_cmpuint (length, ==, cases[i].length);
    }
}

static void
put (const gchar *folder, const gchar *name, const gchar *text)
{
  g_autofree gchar *path = g_build_filename (folder, name, NULL);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static gboolean
can_open (EwPackagesIndex *index, const gchar *system, const gchar *file)
{
  guint64 size;
  gint64 modified;
  gint fd = ew_packages_index_open (index, system, file, &size, &modified);
  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

static void
test_index (void)
{
  g_autofree gchar *top = g_dir_make_tmp ("edgeway-packages-XXXXXX", NULL);
  g_autofree gchar *folder = g_build_filename (top, "debian-12", NULL);
  g_autofree gchar *linked = g_build_filename (top, "debian-13", NULL);
  g_autofree gchar *link = g_build_filename (folder, "link.deb", NULL);
  g_autofree gchar *inner = g_build_filename (folder, "folder.deb", NULL);
  const gchar *const folders[] = { "/nonexistent", top, NULL };
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  g_assert_cmpint (g_mkdir (inner, 0700), ==, 0);
  g_assert_cmpint (symlink ("/etc/passwd", link), ==, 0);
  g_assert_cmpint (symlink (folder, linked), ==, 0);
  put (folder, "Packages", LIST_A);
  put (folder, "edgewayd_0.2.0_amd64.deb", "hello");
  put (folder, "libx_2%3a1_amd64.deb", "abc");
  put (folder, "short.deb", "abc");
  put (folder, "unlisted.deb", "abc");
  put (folder, "secret", "abc");
  put (top, "outside.deb", "abc");
  g_autoptr (EwPackagesIndex) index = ew_packages_index_new (folders);
  ew_packages_index_refresh (index, 1);
  g_autoptr (GPtrArray) systems = ew_packages_index_list (index);
  g_assert_cmpuint (systems->len, ==, 1);
  const EwPackagesSystem *system = systems->pdata[0];
  g_assert_cmpstr (system->system, ==, "debian-12");
  g_assert_cmpstr (system->version, ==, "0.2.0+git1");
  g_assert_cmpstr (system->architectures, ==, "amd64");
  g_assert_true (can_open (index, "debian-12", "Packages"));
  g_assert_true (can_open (index, "debian-12", "edgewayd_0.2.0_amd64.deb"));
  g_assert_true (can_open (index, "debian-12", "libx_2%3a1_amd64.deb"));
  g_assert_false (can_open (index, "debian-12", "unlisted.deb"));
  g_assert_false (can_open (index, "debian-12", "secret"));
  g_assert_false (can_open (index, "debian-12", "link.deb"));
  g_assert_false (can_open (index, "debian-12", "folder.deb"));
  g_assert_false (can_open (index, "debian-12", "short.deb"));
  g_assert_false (can_open (index, "debian-12", "../outside.deb"));
  g_assert_false (can_open (index, "debian-13", "Packages"));

  /* A change is noticed a second later. */
  put (folder, "Packages", "Package: edgewayd\nVersion: 0.3.0\nArchitecture: arm64\nFilename: short.deb\nSize: 3\n");
  ew_packages_index_refresh (index, 2);
  g_assert_false (can_open (index, "debian-12", "short.deb"));
  ew_packages_index_refresh (index, 2 + G_USEC_PER_SEC);
  g_autoptr (GPtrArray) later = ew_packages_index_list (index);
  system = later->pdata[0];
  g_assert_cmpstr (system->version, ==, "0.3.0");
  g_assert_cmpstr (system->architectures, ==, "arm64");
  g_assert_true (can_open (index, "debian-12", "short.deb"));
  g_assert_false (can_open (index, "debian-12", "edgewayd_0.2.0_amd64.deb"));
  g_autofree gchar *command = g_strdup_printf ("rm -r %s", top);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  ew_packages_index_refresh (index, 3 + 2 * G_USEC_PER_SEC);
  g_autoptr (GPtrArray) none = ew_packages_index_list (index);
  g_assert_cmpuint (none->len, ==, 0);
  g_assert_false (can_open (index, "debian-12", "Packages"));
}

static void
check_url (const gchar *public_endpoint, const gchar *expected)
{
  g_autofree gchar *url = ew_packages_base_url (public_endpoint);
  g_assert_cmpstr (url, ==, expected);
}

static void
test_script (void)
{
  static const gchar *const ca = "-----BEGIN CERTIFICATE-----\nMIIB+/A=\n-----END CERTIFICATE-----\n";
  check_url ("edge.example.org:443", "https://edge.example.org");
  check_url ("203.0.113.5:8443", "https://203.0.113.5:8443");
  check_url ("[2001:db8::1]:443", "https://[2001:db8::1]");
  check_url ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443");
  check_url ("edge", NULL);
  g_autofree gchar *script = ew_packages_make_script ("https://[2001:db8::1]:8443", "home", "fra", ca);
  g_assert_nonnull (strstr (script, "\nurl='https://[2001:db8::1]:8443'\n"));
  g_assert_nonnull (strstr (script, "\nca='-----BEGIN CERTIFICATE-----\nMIIB+/A=\n-----END CERTIFICATE-----'\n"));
  g_assert_null (strchr (script, '@') == NULL ? NULL : strstr (script, "@URL@"));
  g_assert_null (strstr (script, "@MESH@"));
  g_assert_null (strstr (script, "@EDGE@"));
  g_assert_null (strstr (script, "@CA@"));
  g_assert_null (ew_packages_make_script ("https://a'b", "home", "fra", ca));
  g_assert_null (ew_packages_make_script ("https://a$(b)", "home", "fra", ca));
  g_assert_null (ew_packages_make_script ("https://a", "ho'me", "fra", ca));
  g_assert_null (ew_packages_make_script ("https://a", "home", "f\nra", ca));
  g_assert_null (ew_packages_make_script ("https://a", "home", "fra", "'; rm -r /"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/packages/paths", test_paths);
  g_test_add_func ("/packages/ranges", test_ranges);
  g_test_add_func ("/packages/index", test_index);
  g_test_add_func ("/packages/script", test_script);
  return g_test_run ();
}
