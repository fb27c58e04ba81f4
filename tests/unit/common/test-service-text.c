/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A service's targets and ports as text: what is read, what is refused and with which sentence.
 */
#include <netinet/in.h>
#include <string.h>
#include "common/error.h"
#include "common/service-text.h"

static void
test_targets (void)
{
  static const struct
  {
    const gchar *text, *node, *host;
    guint16 port;
  } good[] = {
    { "nas", "nas", NULL, 0 },
    { "nas:8123", "nas", NULL, 8123 },
    { "nas.home.internal:65535", "nas.home.internal", NULL, 65535 },
    { ":22", "", NULL, 22 },
    { "office-gw/10.77.0.9", "office-gw", "10.77.0.9", 0 },
    { "office-gw/10.77.0.9:631", "office-gw", "10.77.0.9", 631 },
    { "office-gw/fd00::9", "office-gw", "fd00::9", 0 },
    { "office-gw/[fd00::9]:631", "office-gw", "fd00::9", 631 },
    { "office-gw/[fd00::9]", "office-gw", "fd00::9", 0 },
    { "/10.77.0.9:631", "", "10.77.0.9", 631 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      EwServiceTargetText target;
      g_autoptr (GError) error = NULL;
      g_assert_true (ew_target_parse (good[i].text, &target, &error));
      g_assert_no_error (error);
      g_assert_cmpstr (target.node, ==, good[i].node);
      g_assert_cmpstr (target.host, ==, good[i].host);
      g_assert_cmpuint (target.port, ==, good[i].port);
      g_autofree gchar *again = ew_target_format (target.node, target.host, target.port);
      if (!g_str_equal (good[i].text, "office-gw/[fd00::9]"))
        g_assert_cmpstr (again, ==, good[i].text);
      ew_target_clear (&target);
    }
}

static void
test_no_targets (void)
{
  static const gchar *const bad[]
    = { "",          "nas:",        "nas:0",         "nas:65536",       "nas:123456",     "nas:http",
        "nas:-1",    "nas: 80",     "nas/",          "nas/printer:631", "nas/10.77.0.9:", "nas/10.77.0.9:0",
        "nas/[fd00", "nas/[x]:631", "nas/fe80::1%2", "nas/10.0.0.1/24", "nas\xff:80" };
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      EwServiceTargetText target;
      g_autoptr (GError) error = NULL;
      g_test_message ("%s", bad[i]);
      g_assert_false (ew_target_parse (bad[i], &target, &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_null (target.node);
    }
}

/* The ports in one line, or the error's sentence. (transfer full) */
static gchar *
parse (const gchar *texts, gboolean udp, const gchar *targets)
{
  g_auto (GStrv) split = *texts ? g_strsplit (texts, " ", -1) : NULL, words = g_strsplit (targets, " ", -1);
  EwServiceTargetText parsed[EW_SERVICE_TARGETS_MAX] = { { 0 } };
  g_autoptr (GError) error = NULL;
  GString *line = g_string_new (NULL);
  guint n = g_strv_length (words);
  for (guint i = 0; i < n; i++)
    g_assert_true (ew_target_parse (words[i], &parsed[i], NULL));
  g_autoptr (GArray) ports = ew_ports_parse ((const gchar *const *)split, udp, parsed, n, &error);
  for (guint i = 0; ports && i < ports->len; i++)
    {
      g_autofree gchar *text = ew_port_format (&g_array_index (ports, EwServicePort, i));
      g_string_append_printf (line, "%s%s", i ? " " : "", text);
    }
  if (ports == NULL)
    g_string_append_printf (line, "! %s", error->message);
  for (guint i = 0; i < n; i++)
    ew_target_clear (&parsed[i]);
  return g_string_free (line, FALSE);
}

static void
test_ports (void)
{
  static const struct
  {
    const gchar *texts, *targets, *result;
    gboolean udp;
  } good[] = {
    { "", "nas:8123", "8123", FALSE },
    { "", "nas:53", "53/udp", TRUE },
    { "80", "nas:8123", "80", FALSE },
    { "80:8123", "nas", "80:8123", FALSE },
    { "8000-8010", "nas", "8000-8010", FALSE },
    { "8000-8010:9000", "nas", "8000-8010:9000", FALSE },
    { "8000-8010:9000-9010", "nas", "8000-8010:9000", FALSE },
    { "53 53/udp", "nas", "53 53/udp", FALSE },
    { "53/tcp 53", "nas", "53 53/udp", TRUE },
    { "53/UDP", "nas", "53/udp", FALSE },
    { "all", "nas", "all/tcp all/udp", FALSE },
    { "all", "nas", "all/udp", TRUE },
    { "all/tcp", "nas", "all/tcp", FALSE },
    { "1-65535", "nas", "all/tcp", FALSE },
    { "80 443", "nas:8123 nas2:9000", "80 443", FALSE },
    { "65535", "nas", "65535", FALSE },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree gchar *line = parse (good[i].texts, good[i].udp, good[i].targets);
      g_assert_cmpstr (line, ==, good[i].result);
    }
}

static void
test_no_ports (void)
{
  static const struct
  {
    const gchar *texts, *targets, *contains;
  } bad[] = {
    { "", "nas", "needs a port" },
    { "", "nas:80 nas2:81", "different ports" },
    { "0", "nas", "isn't a port" },
    { "65536", "nas", "isn't a port" },
    { "80-", "nas", "isn't a port" },
    { "90-80", "nas", "isn't a port" },
    { "http", "nas", "isn't a port" },
    { "80/sctp", "nas", "isn't a port" },
    { "80:0", "nas", "isn't a port" },
    { "80:", "nas", "isn't a port" },
    { "80:90-95", "nas", "isn't a port" },
    { "8000-8010:9000-9005", "nas", "isn't a port" },
    { "8000-8010:65530", "nas", "isn't a port" },
    { "all:80", "nas", "isn't a port" },
    { "80 80", "nas", "80 and 80 overlap" },
    { "80 70-90", "nas", "overlap" },
    { "all 53/udp", "nas", "overlap" },
    { "80:8123", "nas:8123", "given twice" },
    { "8000-8010", "nas:8123", "can't stand for" },
    { "all", "nas:8123", "can't stand for" },
    { "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "nas", "can have 16" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree gchar *line = parse (bad[i].texts, FALSE, bad[i].targets);
      g_test_message ("%s: %s", bad[i].texts, line);
      g_assert_true (g_str_has_prefix (line, "! "));
      g_assert_nonnull (strstr (line, bad[i].contains));
      g_assert_true (g_str_has_suffix (line, "."));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/service-text/targets", test_targets);
  g_test_add_func ("/service-text/no-targets", test_no_targets);
  g_test_add_func ("/service-text/ports", test_ports);
  g_test_add_func ("/service-text/no-ports", test_no_ports);
  return g_test_run ();
}
