/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * WireGuard configurations: exactly a wg-quick file, nothing else from an edge that would like more.
 */
#include <string.h>

#include "common/error.h"
#include "common/util.h"
#include "wg-config/wg-config.h"

#define PRIVATE "4GgaQCy68nzNsUE5aJ9fuLzHhB65tAlwbmA72MWnOm8="
#define PUBLIC "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static const gchar good[]
  = "{\"addresses\":[\"100.96.1.3\",\"fd12:3456:789a:1::3\"],\"dns\":[\"100.96.0.1\",\"fd12:3456:789a::1\"],\"search\":"
    "[\"home.internal\"],\"mtu\":1420,\"peer\":{\"public_key\":"
    "\"" PUBLIC "\",\"endpoint\":\"203.0.113.5:443\",\"ranges\":[\"100.96.0.0/12\",\"fd12:3456:789a::/48\"],"
    "\"routes\":[\"10.7.0.0/24\"],\"persistent_keepalive\":25}}";

static gchar *
format (const gchar *json, EwWgConfigFlags flags, GError **error)
{
  g_autoptr (JsonObject) config = ew_json_parse_object (json, (gssize)strlen (json), 65536, NULL);

  g_assert_nonnull (config);
  return ew_wg_config_format (config, PRIVATE, flags, NULL, error);
}

static void
test_exact (void)
{
  g_autofree gchar *text = format (good, 0, NULL), *vpn = format (good, EW_WG_CONFIG_VPN, NULL);

  g_assert_cmpstr (text, ==,
                   "[Interface]\nPrivateKey = " PRIVATE "\nListenPort = 63627"
                   "\nAddress = 100.96.1.3/32, fd12:3456:789a:1::3/128\nMTU = 1420\n\n"
                   "[Peer]\nPublicKey = " PUBLIC "\nEndpoint = 203.0.113.5:443\n"
                   "AllowedIPs = 100.96.0.0/12, fd12:3456:789a::/48, 10.7.0.0/24\nPersistentKeepalive = 25\n");
  g_assert_nonnull (strstr (vpn, "AllowedIPs = 0.0.0.0/0, ::/0\n"));
}

static void
test_names (void)
{
  static const gchar *const parts[][2] = {
    { "home.internal", "home.internal\\nPostUp = id" },
    { "home.internal", "internal" },
    { "home.internal", "a b.internal" },
    { "\"100.96.0.1\"", "\"8.8.8.8\"" },
    { "\"100.96.0.1\"", "\"100.96.0.1, 8.8.8.8\"" },
    { "\"100.96.0.1\",\"fd12:3456:789a::1\"", "" },
  };
  g_autoptr (JsonObject) config = ew_json_parse_object (good, (gssize)strlen (good), 65536, NULL);
  g_autofree gchar *text = format (good, EW_WG_CONFIG_NAMES, NULL),
                   *vpn = format (good, EW_WG_CONFIG_NAMES | EW_WG_CONFIG_VPN, NULL);

  g_assert_true (ew_wg_config_has_names (config));
  g_assert_nonnull (strstr (text, "\nDNS = 100.96.0.1, fd12:3456:789a::1, home.internal\nMTU = 1420\n"));
  g_assert_nonnull (strstr (vpn, "\nDNS = 100.96.0.1, fd12:3456:789a::1, home.internal\n"));
  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_auto (GStrv) split = g_strsplit (good, parts[i][0], 2);
      g_autofree gchar *json = g_strjoinv (parts[i][1], split);
      g_autoptr (GError) error = NULL;
      g_assert_cmpuint (g_strv_length (split), ==, 2);
      g_assert_null (format (json, EW_WG_CONFIG_NAMES, &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_FAILED);
    }
}

/* A machine without IPv6 doesn't use an IPv6 name server. */
static void
test_names_of_one_family (void)
{
  g_auto (GStrv) split = g_strsplit (good, ",\"fd12:3456:789a:1::3\"", 2);
  g_autofree gchar *json = g_strjoinv ("", split), *text = format (json, EW_WG_CONFIG_NAMES, NULL);

  g_assert_nonnull (strstr (text, "\nDNS = 100.96.0.1, home.internal\n"));
}

/* Each replaces a part of the good answer; none may become a file. */
static void
test_hostile (void)
{
  static const gchar *const parts[][2] = {
    { "203.0.113.5:443", "203.0.113.5:443\\nPostUp = id" },
    { "203.0.113.5:443", "203.0.113.5" },
    { "203.0.113.5:443", "a b:443" },
    { "203.0.113.5:443", "203.0.113.5:99999" },
    { "\"100.96.1.3\"", "\"100.96.1.3\\nPostUp = id\"" },
    { "\"100.96.1.3\"", "\"100.96.1.3/33\"" },
    { "\"100.96.1.3\"", "\"100.96.1.3/\"" },
    { "\"100.96.1.3\"", "\"fe80::1%eth0\"" },
    { "\"100.96.1.3\"", "\"host.example\"" },
    { "\"100.96.1.3\",\"fd12:3456:789a:1::3\"", "" },
    { "100.96.0.0/12", "100.96.0.0/12, 0.0.0.0/0" },
    { "\"100.96.0.0/12\"", "\"0.0.0.0/0\"" },
    { "100.96.0.0/12", "100.0.0.0/8" },
    { "100.96.0.0/12", "192.0.0.0/8" },
    { "100.96.0.0/12", "203.0.113.0/24" },
    { "fd12:3456:789a::/48", "::/0" },
    { "fd12:3456:789a::/48", "2001::/16" },
    { "fd12:3456:789a::/48", "fc00::/6" },
    { "10.7.0.0/24", "0.0.0.0/0" },
    { "10.7.0.0/24", "128.0.0.0/1" },
    { "10.7.0.0/24", "8.0.0.0/7" },
    { "10.7.0.0/24", "2000::/3" },
    { "10.7.0.0/24", "127.0.0.0/8" },
    { "10.7.0.0/24", "169.0.0.0/8" },
    { "10.7.0.0/24", "224.0.0.0/8" },
    { "10.7.0.0/24", "fe80::/16" },
    { "10.7.0.0/24", "10.7.0.1/24" },
    { "\"100.96.1.3\"", "\"127.0.0.1\"" },
    { "10.7.0.0/24", "10.7.0.0/24\\n[Peer]" },
    { PUBLIC, "AAAA" },
    { PUBLIC, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\\n" },
    { "1420", "-1" },
    { "1420", "70000" },
    { "\"peer\"", "\"pier\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_auto (GStrv) pieces = g_strsplit (good, parts[i][0], 2);
      g_autofree gchar *bad = g_strconcat (pieces[0], parts[i][1], pieces[1], NULL);
      g_autoptr (GError) error = NULL;
      g_autofree gchar *text = format (bad, 0, &error);
      g_test_message ("%s", parts[i][1]);
      g_assert_null (text);
      g_assert_error (error, EW_ERROR, EW_ERROR_FAILED);
    }
}

/* Networks that are unreachable without an address of their family, and the public routes. */
static void
test_networks (void)
{
  static const gchar only_v4[] = "{\"addresses\":[\"100.96.1.3\"],\"peer\":{\"public_key\":\"" PUBLIC
                                 "\",\"endpoint\":\"e.example:443\",\"ranges\":[\"100.96.0.0/12\","
                                 "\"fd12:3456:789a::/48\"],\"routes\":[\"10.7.0.0/24\",\"fd77::/64\","
                                 "\"5.9.40.0/24\"]}}";
  g_autofree gchar *text = format (only_v4, FALSE, NULL), *vpn = format (only_v4, TRUE, NULL);
  g_autoptr (JsonObject) config = ew_json_parse_object (only_v4, (gssize)strlen (only_v4), 65536, NULL);
  g_auto (GStrv) public_networks = NULL;
  g_autofree gchar *again = NULL, *joined = NULL;

  g_assert_nonnull (strstr (text, "\nAllowedIPs = 100.96.0.0/12, 10.7.0.0/24, 5.9.40.0/24\n"));
  g_assert_nonnull (strstr (vpn, "\nAllowedIPs = 0.0.0.0/0\n"));
  again = ew_wg_config_format (config, PRIVATE, 0, &public_networks, NULL);
  joined = g_strjoinv (" ", public_networks);
  g_assert_cmpstr (again, ==, text);
  g_assert_cmpstr (joined, ==, "5.9.40.0/24");
}

/* What NetworkManager, wg-quick and the kernel take as an interface's name, before ".conf". */
static void
test_file_names (void)
{
  static const gchar *const rows[][2] = {
    { "home", "home.conf" },
    { "Home", "home.conf" },
    { "my-long-mesh-name-2026", "my-long-mesh-na.conf" },
    { "fifteen-letters-and", "fifteen-letters.conf" },
    { "fourteen-lette-rs", "fourteen-lette.conf" },
    { "", "edgeway.conf" },
    { "all", "edgeway.conf" },
    { "default", "edgeway.conf" },
    { "../../etc/x", "edgeway.conf" },
    { "mesh name", "mesh.conf" },
    { NULL, "edgeway.conf" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree gchar *name = ew_wg_config_file_name (rows[i][0]);

      g_assert_cmpstr (name, ==, rows[i][1]);
    }
}

/* Both halves are 32 bytes, the private one clamped (RFC 7748, section 5). */
static void
test_keys (void)
{
  g_auto (EwKeyPair) one = { 0 }, other = { 0 };
  g_autoptr (GError) error = NULL;
  guint8 secret[32], public[32];

  g_assert_true (ew_key_pair_make (&one, &error));
  g_assert_true (ew_key_pair_make (&other, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (one.private_key, !=, other.private_key);
  g_assert_cmpstr (one.public_key, !=, other.public_key);
  g_assert_true (ew_key_from_base64 (one.private_key, secret));
  g_assert_true (ew_key_from_base64 (one.public_key, public));
  g_assert_cmpuint (secret[0] & 7, ==, 0);
  g_assert_cmpuint (secret[31] & 192, ==, 64);
}

/* What `wg pubkey` makes of the private half. */
static void
test_keys_like_wg (void)
{
  g_autofree gchar *wg = g_find_program_in_path ("wg");
  g_auto (EwKeyPair) pair = { 0 };
  g_autoptr (GSubprocess) process = NULL;
  g_autofree gchar *answer = NULL;

  if (wg == NULL)
    {
      g_test_skip ("wg is not installed");
      return;
    }
  g_assert_true (ew_key_pair_make (&pair, NULL));
  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL, wg, "pubkey", NULL);
  g_assert_true (g_subprocess_communicate_utf8 (process, pair.private_key, NULL, &answer, NULL, NULL));
  g_assert_cmpstr (g_strchomp (answer), ==, pair.public_key);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wg-config/exact", test_exact);
  g_test_add_func ("/wg-config/names", test_names);
  g_test_add_func ("/wg-config/names/one-family", test_names_of_one_family);
  g_test_add_func ("/wg-config/hostile", test_hostile);
  g_test_add_func ("/wg-config/networks", test_networks);
  g_test_add_func ("/wg-config/file-names", test_file_names);
  g_test_add_func ("/wg-config/keys", test_keys);
  g_test_add_func ("/wg-config/keys-like-wg", test_keys_like_wg);
  return g_test_run ();
}
