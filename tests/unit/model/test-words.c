/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include <locale.h>
#include <math.h>

#include "fake-service.h"
#include "model/latency.h"
#include "model/node-private.h"
#include "model/words.h"

/* On a computer where Edgeway is installed, a service that does not answer is one that was stopped. */
static EwAvailability
missing_availability (void)
{
  return g_file_test (EW_DAEMON_PROGRAM, G_FILE_TEST_IS_EXECUTABLE) ? EW_AVAILABILITY_NOT_STARTING
                                                                    : EW_AVAILABILITY_NOT_INSTALLED;
}

static void
assert_words (gchar *words, const gchar *expected)
{
  g_assert_cmpstr (words, ==, expected);
  g_free (words);
}

static void
test_numbers (void)
{
  assert_words (ew_words_bytes (-1), "Unknown");
  assert_words (ew_words_bytes (0), "0 B");
  assert_words (ew_words_bytes (999), "999 B");
  assert_words (ew_words_bytes (1000), "1 kB");
  assert_words (ew_words_bytes (1234567), "1.2 MB");
  assert_words (ew_words_bytes (999499), "999 kB");
  assert_words (ew_words_bytes (999500), "1 MB");
  assert_words (ew_words_bytes (12345678900), "12 GB");
  assert_words (ew_words_bytes (G_MAXINT64), "9.2 EB");
  assert_words (ew_words_rate (10.5e6), "84 Mb/s");
  assert_words (ew_words_rate (50000), "400 kb/s");
  assert_words (ew_words_rate (262500), "2.1 Mb/s");
  assert_words (ew_words_rate (0), "0 kb/s");
  assert_words (ew_words_rate (1e300 * 1e300), "Unknown");
  assert_words (ew_words_rate (-1), "Unknown");
  assert_words (ew_words_latency (12.4), "12 ms");
  assert_words (ew_words_latency (5.31), "5.3 ms");
  assert_words (ew_words_latency (5.04), "5 ms");
  assert_words (ew_words_latency (9.96), "10 ms");
  assert_words (ew_words_latency (0.424), "0.42 ms");
  assert_words (ew_words_latency (0.5), "0.5 ms");
  assert_words (ew_words_latency (0.001), "0.01 ms");
  assert_words (ew_words_latency (0.997), "1 ms");
  assert_words (ew_words_latency (-1), "Unknown");
  assert_words (ew_words_sum_latency (12), "≈ 12 ms");
  assert_words (ew_words_sum_latency (-1), "Unknown");
}

/* Numbers on one screen add up: 5 ms and 13 ms are 18 ms, whatever their decimals were. */
static void
test_sums_add_up (void)
{
  g_assert_cmpfloat (ew_latency_sum (-1, 5), ==, -1);
  g_assert_cmpfloat (ew_latency_sum (5, -1), ==, -1);
  for (guint i = 0; i < 20000; i++)
    {
      gdouble near = exp (g_test_rand_double_range (log (0.02), log (3000))),
              far = exp (g_test_rand_double_range (log (0.02), log (3000)));
      g_autofree gchar *near_text = ew_words_latency (near), *far_text = ew_words_latency (far),
                       *sum_text = ew_words_latency (ew_latency_sum (near, far)), *expected = NULL;

      expected = ew_words_latency (g_ascii_strtod (near_text, NULL) + g_ascii_strtod (far_text, NULL));
      g_assert_cmpstr (sum_text, ==, expected);
    }
}

static void
test_times (void)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autoptr (GDateTime) time = g_date_time_new_local (g_date_time_get_year (now), 11, 3, 8, 14, 30);
  g_autoptr (GDateTime) old = g_date_time_new_local (2019, 12, 24, 18, 0, 0);

  assert_words (ew_words_span (-3), "0 seconds");
  assert_words (ew_words_span (1), "1 second");
  assert_words (ew_words_span (59), "59 seconds");
  assert_words (ew_words_span (60), "1 minute");
  assert_words (ew_words_span (3 * 3600 + 100), "3 hours");
  assert_words (ew_words_span (86400), "1 day");
  assert_words (ew_words_span (2 * 86400 + 7), "2 days");
  assert_words (ew_words_countdown (42), "0:42");
  assert_words (ew_words_countdown (60), "1:00");
  assert_words (ew_words_countdown (3723), "1:02:03");
  assert_words (ew_words_countdown (-9), "0:00");
  assert_words (ew_words_time (g_date_time_to_unix (time) * G_USEC_PER_SEC), "3 Nov, 08:14");
  assert_words (ew_words_time (g_date_time_to_unix (old) * G_USEC_PER_SEC), "24 Dec 2019, 18:00");
  assert_words (ew_words_time (0), "Unknown");
  assert_words (ew_words_time (G_MAXINT64), "Unknown");
}

static void
test_plain (void)
{
  assert_words (ew_words_plain (""), "");
  assert_words (ew_words_plain ("Load it: `modprobe tun`."), "Load it: “modprobe tun”.");
  assert_words (ew_words_plain ("`a` and `b`"), "“a” and “b”");
  assert_words (ew_words_plain ("half ` of it"), "half ` of it");
}

/* The desktop's clock is followed, where the desktop's settings are installed. */
static void
test_twelve_hours (void)
{
  GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
  g_autoptr (GSettingsSchema) schema
    = source != NULL ? g_settings_schema_source_lookup (source, "org.gnome.desktop.interface", TRUE) : NULL;
  g_autoptr (GDateTime) old = g_date_time_new_local (2019, 12, 24, 18, 0, 0);
  g_autoptr (GSettings) settings = NULL;

  if (schema == NULL)
    {
      g_test_skip ("org.gnome.desktop.interface isn't installed");
      return;
    }
  settings = g_settings_new ("org.gnome.desktop.interface");
  g_settings_set_string (settings, "clock-format", "12h");
  assert_words (ew_words_time (g_date_time_to_unix (old) * G_USEC_PER_SEC), "24 Dec 2019, 6:00 PM");
  g_settings_set_string (settings, "clock-format", "24h");
  assert_words (ew_words_time (g_date_time_to_unix (old) * G_USEC_PER_SEC), "24 Dec 2019, 18:00");
}

static EwNode *
make_node (const gchar *members)
{
  g_autofree gchar *text = g_strdup_printf ("{%s}", members);
  g_autoptr (JsonNode) root = json_from_string (text, NULL);
  EwNode *node = ew_node_new ("n1");

  g_assert_nonnull (root);
  ew_node_update (node, json_node_get_object (root), 0);
  return node;
}

static void
test_nodes (void)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GDateTime) then = g_date_time_add_hours (now, -50);
  g_autofree gchar *seen = g_date_time_format_iso8601 (then);
  g_autofree gchar *pixel_text
    = g_strdup_printf ("'name':'pixel-8','state':'offline','kind':'device','last_seen':'%s'", seen);
  g_autoptr (EwNode) self = make_node ("'name':'thinkpad','state':'online','self':true,'rtt_ms':5,'kind':'device'");
  g_autoptr (EwNode) nas
    = make_node ("'name':'nas','state':'online','kind':'server','rtt_ms':7,'addresses':['100.96.0.21']");
  g_autoptr (EwNode) strict
    = make_node ("'name':'cafe','state':'online','kind':'device','rtt_ms':20,'transport':'https'");
  g_autoptr (EwNode) left = make_node ("'name':'cafe','state':'offline','transport':'https'");
  g_autoptr (EwNode) pixel = make_node (pixel_text);
  g_autoptr (EwNode) build = make_node ("'name':'build-01','state':'not-joined','kind':'server'");
  g_autoptr (EwNode) office = make_node (
    "'name':'office-gw','state':'awaiting-approval','routes':['192.168.1.0/24'],'addresses':['100.96.0.5']");
  g_autoptr (JsonNode) edge_json = json_from_string ("{'name':'Frankfurt'}", NULL);
  g_autoptr (EwEdge) edge = ew_edge_new ("e1");

  ew_edge_update (edge, json_node_get_object (edge_json));
  assert_words (ew_words_node_spoken (nas, self, edge), "nas, online, 12 ms through edge Frankfurt");
  assert_words (ew_words_node_spoken (nas, self, NULL), "nas, online, 12 ms");
  assert_words (ew_words_node_spoken (nas, NULL, edge), "nas, online");
  assert_words (ew_words_node_spoken (self, self, edge), "thinkpad, this computer, online, 5 ms to edge Frankfurt");
  assert_words (ew_words_node_spoken (strict, self, edge), "cafe, online, via HTTPS, 25 ms through edge Frankfurt");
  g_assert_cmpstr (ew_words_via (strict), ==, "via HTTPS");
  g_assert_null (ew_words_via (nas));
  g_assert_null (ew_words_via (left));
  assert_words (ew_words_node_spoken (pixel, self, edge), "pixel-8, offline for 2 days");
  assert_words (ew_words_node_spoken (build, self, edge), "build-01, not joined yet");
  assert_words (ew_words_node_description (nas), "Server, Mesh IP 100.96.0.21. Press Enter for details.");
  assert_words (ew_words_node_description (self), "Device. Press Enter for details.");
  assert_words (ew_words_node_description (office),
                "Gateway to 192.168.1.0/24, Mesh IP 100.96.0.5. Press Enter for details.");
  assert_words (ew_words_node_state (nas), "Online");
  assert_words (ew_words_node_state (pixel), "Offline for 2 days");
  assert_words (ew_words_node_state (build), "Not joined yet");
  assert_words (ew_words_node_state (office), "Awaiting approval");
  g_assert_cmpstr (ew_words_kind (office), ==, "Gateway");
  g_assert_cmpstr (ew_words_kind (pixel), ==, "Device");
  g_assert_cmpfloat (ew_words_path_ms (nas, self), ==, 12);
  g_assert_cmpfloat (ew_words_path_ms (self, self), ==, 5);
  g_assert_cmpfloat (ew_words_path_ms (pixel, self), <, 0);
}

static void
test_daemon (void)
{
  g_autoptr (GTestDBus) bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  Service service = { 0 };
  g_autoptr (EwDaemon) daemon = NULL;

  g_test_dbus_up (bus);
  daemon = ew_daemon_new (g_test_dbus_get_bus_address (bus));
  assert_words (ew_words_state (daemon), "Looking for the service…");
  wait_until (ew_daemon_get_availability (daemon) == missing_availability ());
  assert_words (ew_words_state (daemon), "Service not running");
  assert_words (ew_words_state_detail (daemon), ew_daemon_get_unavailable_message (daemon));
  service_start (&service, g_test_dbus_get_bus_address (bus));
  const gint64 since = g_get_real_time () - (3 * 3600 + 12 * 60 + 5) * G_TIME_SPAN_SECOND;
  ew_daemon1_set_since (service.skeleton, since);
  wait_until (ew_daemon_get_availability (daemon) == EW_AVAILABILITY_READY && ew_daemon_get_since (daemon) == since);
  assert_words (ew_words_state (daemon), "Connected");
  assert_words (ew_words_state_detail (daemon), "Frankfurt · 3 h 12 min");
  assert_words (ew_words_status_line (daemon), "Connected · connector only");
  ew_daemon1_set_mode (service.skeleton, "vpn");
  wait_until (ew_daemon_get_mode (daemon) == EW_MODE_VPN);
  assert_words (ew_words_status_line (daemon), "Connected · VPN");
  g_assert_false (ew_words_lockdown_blocks (daemon));
  ew_daemon1_set_lockdown (service.skeleton, "on");
  wait_until (ew_daemon_get_locked_down (daemon));
  g_assert_false (ew_words_lockdown_blocks (daemon));
  assert_words (ew_words_status_line (daemon), "Connected · VPN · lockdown");
  ew_daemon1_set_state (service.skeleton, "reconnecting");
  ew_daemon1_set_message (service.skeleton, "Frankfurt does not answer.");
  wait_until (ew_daemon_get_state (daemon) == EW_STATE_RECONNECTING);
  assert_words (ew_words_status_line (daemon), "Reconnecting…");
  assert_words (ew_words_state_detail (daemon), "Frankfurt does not answer.");
  g_assert_true (ew_words_lockdown_blocks (daemon));
  assert_words (ew_words_lockdown (daemon), "Lockdown blocks all traffic until Frankfurt answers.");
  g_assert_null (ew_words_reason (daemon));
  ew_daemon1_set_reason (service.skeleton, "tls-intercepted");
  wait_until (g_str_equal (ew_daemon_get_reason (daemon), "tls-intercepted"));
  g_assert_cmpstr (ew_words_reason (daemon), ==, "Something on this network reads encrypted traffic");
  ew_daemon1_set_reason (service.skeleton, "no-network");
  wait_until (g_str_equal (ew_daemon_get_reason (daemon), "no-network"));
  g_assert_false (ew_words_lockdown_blocks (daemon));
  ew_daemon1_set_reason (service.skeleton, "");
  ew_daemon1_set_state (service.skeleton, "disconnected");
  wait_until (ew_daemon_get_state (daemon) == EW_STATE_DISCONNECTED);
  assert_words (ew_words_lockdown (daemon), "Lockdown blocks all traffic until this computer connects.");
  ew_daemon1_set_state (service.skeleton, "removed");
  wait_until (ew_daemon_get_state (daemon) == EW_STATE_REMOVED);
  g_assert_true (ew_words_lockdown_blocks (daemon));
  assert_words (ew_words_lockdown (daemon), "Lockdown blocks all traffic because there is no tunnel.");
  g_clear_object (&daemon);
  service_stop (&service);
  run_for (1);
  g_test_dbus_down (bus);
}

/* Decimals as people write them where they live. */
static void
test_locale (void)
{
  const gchar *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_AT.UTF-8" };
  const gchar *folder = g_getenv ("EW_LOCALES"); /* not LOCPATH for every test: glibc leaks by it */
  gboolean found = FALSE;

  if (folder != NULL)
    g_setenv ("LOCPATH", folder, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (names) && !found; i++)
    found = setlocale (LC_NUMERIC, names[i]) != NULL;
  if (!found)
    {
      g_test_skip ("no locale with a decimal comma is installed");
      return;
    }
  assert_words (ew_words_bytes (1234567), "1,2 MB");
  assert_words (ew_words_latency (0.4), "0,4 ms");
  setlocale (LC_NUMERIC, "C");
}

int
main (int argc, char **argv)
{
  g_setenv ("GSETTINGS_BACKEND", "memory", TRUE); /* not the user's own settings */
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/words/numbers", test_numbers);
  g_test_add_func ("/model/words/plain", test_plain);
  g_test_add_func ("/model/words/twelve-hours", test_twelve_hours);

  g_test_add_func ("/model/words/sums-add-up", test_sums_add_up);
  g_test_add_func ("/model/words/times", test_times);
  g_test_add_func ("/model/words/nodes", test_nodes);
  g_test_add_func ("/model/words/daemon", test_daemon);
  g_test_add_func ("/model/words/locale", test_locale);
  return g_test_run ();
}
