/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The lines that a person pastes into a shell: of what an edge may say, and of nothing else.
 */
#include "common/install-lines.h"

#include <string.h>
#include "common/util.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SYSTEMS "\"systems\":[{\"system\":\"debian-12\"},{\"system\":\"debian-13\"}]"

static gchar *
lines_of (const gchar *json)
{
  g_autoptr (JsonObject) install = ew_json_parse_object (json, strlen (json), 65536, NULL);
  g_assert_nonnull (install);
  return ew_install_lines (install);
}

static gchar *
lines_of_url (const gchar *url, const gchar *sha256)
{
  g_autoptr (JsonObject) install = ew_json_parse_object ("{" SYSTEMS "}", strlen ("{" SYSTEMS "}"), 65536, NULL);
  json_object_set_string_member (install, "url", url);
  json_object_set_string_member (install, "sha256", sha256);
  return ew_install_lines (install);
}

static void
test_lines (void)
{
  g_autofree gchar *name = lines_of_url ("https://edge.example.org/install", HASH);
  g_assert_cmpstr (
    name, ==,
    "/usr/lib/apt/apt-helper -oAcquire::http::Proxy= -oAcquire::https::Proxy= -oAcquire::https::Verify-Peer=0 "
    "download-file https://edge.example.org/install "
    "~/edgeway-install SHA256:" HASH " &&\n  sh ~/edgeway-install");
  g_autofree gchar *v6 = lines_of_url ("https://[2001:db8::1]:8443/install", HASH);
  g_assert_nonnull (v6);
  g_assert_nonnull (g_strstr_len (v6, -1, " 'https://[2001:db8::1]:8443/install' "));
  g_autofree gchar *underscore = lines_of_url ("https://my_edge.example.org/install", HASH);
  g_assert_nonnull (underscore); /* an edge takes such a name */
  g_autoptr (JsonObject) install = ew_json_parse_object ("{" SYSTEMS "}", strlen ("{" SYSTEMS "}"), 65536, NULL);
  g_autofree gchar *systems = ew_install_systems (install);
  g_assert_cmpstr (systems, ==, "Debian 12, Debian 13");
}

static void
test_none (void)
{
  static const gchar *const answers[] = {
    "{}",
    "{\"systems\":[]}",
    "{\"url\":\"https://a/install\",\"sha256\":\"" HASH "\"}",
    "{\"url\":\"https://a/install\",\"sha256\":\"" HASH "\",\"systems\":[]}",
    "{\"url\":\"https://a/install\",\"sha256\":\"" HASH "\",\"systems\":[5,{\"system\":null},{\"system\":\"a b\"}]}",
    "{\"url\":5,\"sha256\":\"" HASH "\"," SYSTEMS "}",
    "{\"url\":\"https://a/install\"," SYSTEMS "}",
  };
  g_assert_null (ew_install_lines (NULL));
  g_assert_null (ew_install_systems (NULL));
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    g_assert_null (lines_of (answers[i]));
}

static void
test_hostile (void)
{
  static const gchar *const urls[] = {
    "http://a/install",          "https:///install",          "https://a/other",          "https://a",
    "https://a;reboot/install",  "https://$(reboot)/install", "https://a b/install",      "https://a'/install",
    "https://a\n/install",       "https://a/b/install",       "https://a\033[2J/install", "https://a\\/install",
    "https://a&&reboot/install", "https://\xc3\xa9/install",  "https://a%20b/install",    "https://`x`/install",
  };
  static const gchar *const hashes[] = { "", "0123", HASH "0", "0123456789ABCDEF" HASH, HASH ";reboot" };
  for (guint i = 0; i < G_N_ELEMENTS (urls); i++)
    g_assert_null (lines_of_url (urls[i], HASH));
  for (guint i = 0; i < G_N_ELEMENTS (hashes); i++)
    g_assert_null (lines_of_url ("https://a/install", hashes[i]));
}

static void
test_app (void)
{
  static const struct
  {
    const gchar *systems;
    gboolean app;
  } cases[] = {
    { "[{\"app\":false},{\"app\":true}]", TRUE },
    { "[{\"app\":false}]", FALSE },
    { "[1,{}]", FALSE },
    { "[{\"app\":1}]", FALSE },
    { "{}", FALSE },
  };
  g_assert_false (ew_install_has_app (NULL));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *text = g_strdup_printf ("{\"systems\":%s}", cases[i].systems);
      g_autoptr (JsonNode) node = json_from_string (text, NULL);
      g_assert_cmpint (ew_install_has_app (json_node_get_object (node)), ==, cases[i].app);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/install-lines/lines", test_lines);
  g_test_add_func ("/install-lines/none", test_none);
  g_test_add_func ("/install-lines/app", test_app);
  g_test_add_func ("/install-lines/hostile", test_hostile);
  return g_test_run ();
}
