/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The map as a pure function. No pictures are compared: what must hold in every picture is.
 */
#include <math.h>
#include <string.h>

#include "common/util.h"
#include "console/format.h"
#include "map-view.h"
#include "model/latency.h"

#define NOW (G_GINT64_CONSTANT (1790000000) * G_USEC_PER_SEC)

static const EwTerminal plain = { .utf8 = TRUE, .width = 80 };
static const gchar *const states[] = { "online", "offline", "not-joined", "awaiting-approval" };

static const gchar *const problems[]
  = { "null", "null", "\"two-machines\"", "\"clock-behind\"", "\"restored\"", "\"new\"" };

static void
add_node (GString *json, guint i, const gchar *edge)
{
  const gchar *state = states[i % G_N_ELEMENTS (states)];

  g_string_append_printf (
    json,
    "%s{\"id\":\"n%u\",\"name\":\"node-%u\",\"kind\":\"%s\",\"state\":\"%s\",\"online\":%s,\"addresses\":["
    "\"100.96.1.%u\",\"fd12:3456:789a:1::%x\"],\"edge\":%s,\"rtt_ms\":%s,\"last_seen\":%s,\"rx_bytes\":%u,"
    "\"tx_bytes\":%u,\"routes\":[%s],\"self\":%s,\"problem\":%s,\"clock_behind_seconds\":7200}",
    i > 0 ? "," : "", i, i, i % 2 ? "server" : "device", state, i % 4 == 0 ? "true" : "false", i + 1, i + 1, edge,
    i % 4 == 0 ? "12.5" : "null", i % 4 == 1 ? "\"2026-09-21T13:00:00Z\"" : "null", i * 1000000, i * 77,
    i % 5 == 0 ? "\"10.7.0.0/24\",\"10.8.0.0/24\"" : "", i == 4 ? "true" : "false",
    problems[i % G_N_ELEMENTS (problems)]);
}

static JsonObject *
make_map (guint n, guint edges)
{
  g_autoptr (GString) json = g_string_new ("{\"mesh\":\"home\",\"edges\":[");
  g_autoptr (GError) error = NULL;
  JsonObject *map;

  for (guint i = 0; i < edges; i++)
    g_string_append_printf (json,
                            "%s{\"id\":\"e%u\",\"name\":\"edge-%u\",\"endpoint\":\"203.0.113.%u:443\",\"online\":%s}",
                            i > 0 ? "," : "", i, i, i, i == 0 ? "true" : "false");
  g_string_append (json, "],\"nodes\":[");
  for (guint i = 0; i < n; i++)
    add_node (json, i, edges > 0 && i % 3 != 2 ? (i % 2 && edges > 1 ? "\"e1\"" : "\"e0\"") : "null");
  g_string_append (json, "]}");
  map = ew_json_parse_object (json->str, (gssize)json->len, 1 << 20, &error);
  g_assert_no_error (error);
  return map;
}

static guint
count (const gchar *text, const gchar *needle)
{
  guint n = 0;

  for (const gchar *at = strstr (text, needle); at != NULL; at = strstr (at + 1, needle))
    n++;
  return n;
}

/* A name as a word: node-1 is not node-12. */
static guint
count_word (const gchar *text, const gchar *word)
{
  g_autofree gchar *pattern = g_strdup_printf ("(?<![a-z0-9-])%s(?![a-z0-9-])", word);
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  guint n = 0;

  for (g_regex_match (regex, text, 0, &match); g_match_info_matches (match); g_match_info_next (match, NULL))
    n++;
  return n;
}

static void
check_lines (GStrv lines, guint width, gboolean ascii)
{
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_assert_true (g_utf8_validate (lines[i], -1, NULL));
      g_assert_cmpint (g_utf8_strlen (lines[i], -1), <=, width);
      g_assert_false (g_str_has_suffix (lines[i], " "));
      for (const gchar *c = lines[i]; ascii && *c != '\0'; c++)
        g_assert_cmpint (*c, >=, ' ');
    }
}

static void
check_picture (guint n, guint edges, const EwTerminal *terminal)
{
  g_autoptr (JsonObject) map = make_map (n, edges);
  g_auto (GStrv) lines = ew_map_view (map, terminal, NOW, TRUE);
  g_autofree gchar *text = g_strjoinv ("\n", lines);

  check_lines (lines, CLAMP (terminal->width, EW_MAP_WIDTH_MIN, EW_MAP_WIDTH_MAX), !terminal->utf8);
  for (guint i = 0; i < n; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("node-%u", i), *address = g_strdup_printf ("100\\.96\\.1\\.%u", i + 1);
      g_assert_cmpuint (count_word (text, name), ==, 1);
      g_assert_cmpuint (count_word (text, address), ==, 1);
    }
  for (guint i = 0; i < edges; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("edge-%u", i);
      g_assert_cmpuint (count_word (text, name), ==, 1);
    }
  g_assert_cmpuint (count (text, "this computer"), ==, n > 4 ? 1 : 0);
  g_assert_cmpuint (count (text, "other computers can't reach it"), ==, 1);
}

static void
test_sizes (void)
{
  static const guint widths[] = { 1, 60, 61, 75, 76, 77, 80, 99, 100, 109, 110, 111, 120, 157, 200, 400 };

  for (guint w = 0; w < G_N_ELEMENTS (widths); w++)
    for (guint n = 0; n <= 13; n++)
      for (guint edges = 0; edges <= 3; edges++)
        {
          EwTerminal terminal = { .utf8 = (n + edges) % 2 == 0, .width = widths[w] };
          check_picture (n, edges, &terminal);
        }
  check_picture (250, 1, &plain);
}

/* A name's place doesn't depend on which nodes are online, nor on the order in which the edge lists them. */
static void
test_order (void)
{
  g_autoptr (JsonObject) map = make_map (9, 1), other = make_map (9, 1);
  JsonArray *nodes = ew_json_array (other, "nodes");
  g_autoptr (JsonArray) reversed = json_array_new ();
  g_auto (GStrv) lines = NULL, other_lines = NULL;
  g_autofree gchar *text = NULL, *other_text = NULL;

  for (guint i = json_array_get_length (nodes); i > 0; i--)
    json_array_add_element (reversed, json_node_copy (json_array_get_element (nodes, i - 1)));
  json_object_set_array_member (other, "nodes", g_steal_pointer (&reversed));
  lines = ew_map_view (map, &plain, NOW, FALSE);
  other_lines = ew_map_view (other, &plain, NOW, FALSE);
  text = g_strjoinv ("\n", lines);
  other_text = g_strjoinv ("\n", other_lines);
  g_assert_cmpstr (text, ==, other_text);
  /* this computer first: on the left, above all */
  g_assert_nonnull (strstr (text, "node-4"));
  g_assert_true (strstr (text, "node-4") < strstr (text, "node-0"));
}

/* The round trips as edgewayctl prints them, not only as they were measured. */
static void
test_sums_add_up (void)
{
  for (guint i = 0; i < 20000; i++)
    {
      gdouble near = exp (g_test_rand_double_range (log (0.02), log (3000))),
              far = exp (g_test_rand_double_range (log (0.02), log (3000)));

      if (i % 2) /* with two decimals, as the daemon sends them: there are halves among them */
        near = round (near * 100 + 1) / 100, far = round (far * 100 + 1) / 100;
      g_autofree gchar *near_text = ew_format_ms (near), *far_text = ew_format_ms (far),
                       *sum_text = ew_format_ms (ew_latency_sum (near, far)), *expected = NULL;

      expected = ew_format_ms (g_ascii_strtod (near_text, NULL) + g_ascii_strtod (far_text, NULL));
      g_assert_cmpstr (sum_text, ==, expected);
    }
}

static void
test_facts (void)
{
  g_autoptr (JsonObject) map = make_map (9, 1);
  EwTerminal wide = { .utf8 = TRUE, .width = 130 };
  g_auto (GStrv) lines = ew_map_view (map, &wide, NOW, FALSE);
  g_autofree gchar *text = g_strjoinv ("\n", lines);

  g_assert_nonnull (strstr (text, "home · 9 nodes, 3 online"));
  g_assert_nonnull (strstr (text, "12 ms"));   /* a leg */
  g_assert_nonnull (strstr (text, "≈ 24 ms")); /* the sum of two */
  g_assert_nonnull (strstr (text, "10.8.0.0/24"));
  g_assert_nonnull (strstr (text, "not joined yet"));
  g_assert_nonnull (strstr (text, "awaiting approval"));
  g_assert_nonnull (strstr (text, "offline, last seen "));
  g_assert_nonnull (strstr (text, "two computers use its identity"));
  g_assert_nonnull (strstr (text, "its clock is 2 h behind"));
  g_assert_nonnull (strstr (text, "was set back to an older state"));
  g_assert_null (strstr (text, "trial"));
  g_assert_null (strstr (text, "\033"));
}

/* Services stand at their nodes, with what is wrong there; many are counted. */
static void
test_services (void)
{
  static const EwTerminal wide = { .utf8 = TRUE, .width = 130 };
  g_autoptr (JsonObject) map = make_map (9, 1);
  g_autoptr (GString) json = g_string_new ("{\"services\":[");
  g_autoptr (JsonObject) more = NULL;
  g_auto (GStrv) lines = NULL;
  g_autofree gchar *text = NULL;

  for (guint i = 0; i < 12; i++)
    g_string_append_printf (
      json,
      "%s{\"id\":\"s%u\",\"name\":\"app-%02u\",\"ports\":[{\"text\":\"80:%u\"}],\"targets\":[{\"node\":"
      "\"node-0\",\"node_id\":\"n0\",\"label\":\"node-0:%u\",\"state\":\"%s\"}]}",
      i > 0 ? "," : "", i, i, 9000 + i, 9000 + i, i == 1 ? "refuses" : "answers");
  g_string_append (json, ",{\"name\":\"two\",\"ports\":[],\"targets\":[{\"node_id\":\"n1\",\"state\":\"offline\"},{"
                         "\"node_id\":\"n8\",\"state\":\"answers\"}]},{\"targets\":7},null]}");
  more = ew_json_parse_object (json->str, (gssize)json->len, 65536, NULL);
  json_object_set_array_member (map, "services", json_array_ref (ew_json_array (more, "services")));
  lines = ew_map_view (map, &wide, NOW, FALSE);
  text = g_strjoinv ("\n", lines);
  check_lines (lines, 130, FALSE);
  g_assert_nonnull (strstr (text, "◇ app-00 80:9000"));
  g_assert_nonnull (strstr (text, "nothing listens"));
  g_assert_null (strstr (text, "app-05"));
  g_assert_nonnull (strstr (text, "◇ 7 more services"));
  g_assert_cmpuint (count (text, "◇ two"), ==, 2); /* at each of its nodes; that one is offline is said there */
}

/* While this computer isn't connected, no node is online and no round trip is valid. */
static void
test_as_last_seen (void)
{
  const guint widths[] = { 60, 80, 130 };

  for (guint w = 0; w < G_N_ELEMENTS (widths); w++)
    {
      g_autoptr (JsonObject) map = make_map (9, 1);
      EwTerminal terminal = { .utf8 = TRUE, .width = widths[w] };
      g_auto (GStrv) lines = NULL;
      g_autofree gchar *text = NULL;

      json_object_set_boolean_member (map, "as_last_seen", TRUE);
      lines = ew_map_view (map, &terminal, NOW, FALSE);
      text = g_strjoinv ("\n", lines);
      g_assert_nonnull (strstr (text, "home · 9 nodes, as last seen"));
      g_assert_nonnull (strstr (text, "◍ was online"));
      g_assert_nonnull (strstr (text, "not connected"));
      g_assert_null (strstr (text, "●"));
      g_assert_null (strstr (text, "◉"));
      g_assert_null (strstr (text, " ms"));
    }
}

static void
test_color (void)
{
  g_autoptr (JsonObject) map = make_map (5, 1);
  EwTerminal colour = { .utf8 = TRUE, .colour = TRUE, .width = 80 };
  g_auto (GStrv) lines = ew_map_view (map, &colour, NOW, FALSE), without = ew_map_view (map, &plain, NOW, FALSE);
  g_autoptr (GRegex) escape = g_regex_new ("\033\\[[0-9;]*m", 0, 0, NULL);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      const gchar *last;
      g_autofree gchar *stripped = g_regex_replace_literal (escape, lines[i], -1, 0, "", 0, NULL);
      g_assert_cmpstr (stripped, ==, without[i]);
      last = strrchr (lines[i], '\033');
      g_assert_true (last == NULL || g_str_has_prefix (last, EW_STYLE_RESET)); /* no color leaks into the next line */
    }
}

/* What an edge sends can't control the terminal. */
static void
test_hostile (void)
{
  static const gchar *const maps[] = {
    "{}",
    "{\"mesh\":7,\"edges\":\"none\",\"nodes\":{}}",
    "{\"mesh\":\"\\u001b[2J\",\"edges\":[null,3,{\"id\":\"e\",\"name\":\"a\\nb\\u0000\",\"endpoint\":[]}],\"nodes\":[1,"
    "[],{}]}",
    "{\"edges\":[{\"id\":\"e\",\"name\":\"\\u202etxet\",\"endpoint\":\"\\u001b]0;x\\u0007\",\"online\":true}],"
    "\"nodes\":[{\"name\":"
    "\"\\u001b[31mred\\u001b[0m\",\"state\":\"odd\",\"rtt_ms\":1e308,\"rx_bytes\":-5,\"tx_bytes\":9223372036854775807,"
    "\"last_seen\":"
    "\"yesterday\",\"addresses\":[\"\\u7530\\u0301\\t\"],\"routes\":[{}]}]}",
  };
  static const guint widths[] = { 60, 80, 200 };

  for (guint i = 0; i < G_N_ELEMENTS (maps); i++)
    for (guint w = 0; w < G_N_ELEMENTS (widths); w++)
      {
        EwTerminal terminal = { .utf8 = TRUE, .width = widths[w] };
        g_autoptr (JsonObject) map = ew_json_parse_object (maps[i], (gssize)strlen (maps[i]), 4096, NULL);
        if (map == NULL)
          continue;
        g_auto (GStrv) lines = ew_map_view (map, &terminal, NOW, FALSE);
        for (guint l = 0; lines[l] != NULL; l++)
          for (const gchar *c = lines[l]; *c != '\0'; c = g_utf8_next_char (c))
            g_assert_true (g_unichar_isprint (g_utf8_get_char (c)));
        check_lines (lines, widths[w], FALSE);
      }
}

static void
test_long_names (void)
{
  g_autofree gchar *name = g_strnfill (63, 'x');
  g_autofree gchar *json = g_strdup_printf (
    "{\"mesh\":\"%s\",\"edges\":[{\"id\":\"e\",\"name\":\"%s\",\"endpoint\":\"[2001:db8:1234:5678:9abc:"
    "def0:1234:5678]:443\",\"online\":true}],\"nodes\":[{\"id\":\"n\",\"name\":\"%s\",\"state\":\"online\"}]}",
    name, name, name);
  g_autoptr (JsonObject) map = ew_json_parse_object (json, (gssize)strlen (json), 4096, NULL);

  for (guint width = EW_MAP_WIDTH_MIN; width <= EW_MAP_WIDTH_MAX; width++)
    {
      EwTerminal terminal = { .utf8 = TRUE, .width = width };
      g_auto (GStrv) lines = ew_map_view (map, &terminal, NOW, FALSE);
      g_autofree gchar *text = g_strjoinv ("\n", lines);
      check_lines (lines, width, FALSE);
      g_assert_nonnull (strstr (text, "…"));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ctl/map/sizes", test_sizes);
  g_test_add_func ("/ctl/map/order", test_order);
  g_test_add_func ("/ctl/map/facts", test_facts);
  g_test_add_func ("/ctl/map/services", test_services);
  g_test_add_func ("/ctl/map/sums-add-up", test_sums_add_up);
  g_test_add_func ("/ctl/map/as-last-seen", test_as_last_seen);
  g_test_add_func ("/ctl/map/color", test_color);
  g_test_add_func ("/ctl/map/hostile", test_hostile);
  g_test_add_func ("/ctl/map/long-names", test_long_names);
  return g_test_run ();
}
