/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers, times, tables, text made harmless, and the topology's stream.
 */
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/util.h"
#include "console/format.h"
#include "topology.h"

static void
test_numbers (void)
{
  static const struct
  {
    gint64 bytes;
    const gchar *text;
  } sizes[] = { { -1, "0 B" },           { 0, "0 B" },         { 999, "999 B" },
                { 1000, "1.0 kB" },      { 9949, "9.9 kB" },   { 9951, "10 kB" },
                { 999499, "999 kB" },    { 999500, "1.0 MB" }, { 1234567, "1.2 MB" },
                { G_MAXINT64, "9.2 EB" } };
  static const struct
  {
    gdouble ms;
    const gchar *text;
  } times[] = { { -3, "0.01 ms" },  { 0.424, "0.42 ms" }, { 0.996, "1.0 ms" },
                { 8.25, "8.2 ms" }, { 9.96, "10 ms" },    { 123.7, "124 ms" } };
  static const struct
  {
    gint64 seconds;
    const gchar *text;
  } spans[] = { { -5, "now" },      { 0, "now" },    { 99, "99 s" },     { 100, "1 min" },
                { 5999, "99 min" }, { 6000, "1 h" }, { 172799, "47 h" }, { 172800, "2 days" } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree gchar *text = ew_format_bytes (sizes[i].bytes);
      g_assert_cmpstr (text, ==, sizes[i].text);
    }
  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    {
      g_autofree gchar *text = ew_format_ms (times[i].ms);
      g_assert_cmpstr (text, ==, times[i].text);
    }
  for (guint i = 0; i < G_N_ELEMENTS (spans); i++)
    {
      g_autofree gchar *text = ew_format_span (spans[i].seconds);
      g_assert_cmpstr (text, ==, spans[i].text);
    }
}

static void
test_clean (void)
{
  const EwTerminal unicode = { .utf8 = TRUE }, ascii = { .utf8 = FALSE };
  static const gchar *const texts[][3] = {
    { "plain", "plain", "plain" },
    { "a\033[31mb\n\tc\177", "a?[31mb??c?", "a?[31mb??c?" },
    { "caf\303\251", "caf\303\251", "caf?" },
    { "\377\376x\302", "??x?", "??x?" },
    { "\302\233\342\200\256", "??", "??" }, /* C1 CSI, right-to-left override */
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree gchar *shown = ew_terminal_clean (&unicode, texts[i][0]),
                       *plain = ew_terminal_clean (&ascii, texts[i][0]);
      g_assert_cmpstr (shown, ==, texts[i][1]);
      g_assert_cmpstr (plain, ==, texts[i][2]);
    }
}

static void
test_table (void)
{
  static const gchar *const headings[] = { "NAME", "N", NULL }, *const one[] = { "caf\303\251-long", "1", NULL },
                            *const two[] = { "b", NULL, NULL };
  const EwTerminal plain = { .utf8 = TRUE };
  g_autoptr (EwTable) table = ew_table_new (headings);
  g_autofree gchar *text = NULL;

  ew_table_add (table, one);
  ew_table_add (table, two);
  text = ew_table_to_string (table, &plain);
  g_assert_cmpstr (text, ==, "NAME       N\ncaf\303\251-long  1\nb\n");
}

/* The topology. */

static void
apply (EwTopology *topology, const gchar *json, gboolean known)
{
  g_autoptr (JsonObject) message = ew_json_parse_object (json, (gssize)strlen (json), 65536, NULL);

  g_assert_nonnull (message);
  g_assert_true (ew_topology_apply (topology, message) == known);
}

static void
test_topology (void)
{
  EwTopology topology = { 0 };
  JsonArray *nodes;

  apply (&topology, "{\"type\":\"node\",\"node\":{\"id\":\"early\"}}", FALSE);
  apply (&topology,
         "{\"type\":\"snapshot\",\"more\":true,\"map\":{\"mesh\":\"home\",\"edges\":[],\"nodes\":[{\"id\":\"a\","
         "\"online\":true,\"rtt_ms\":null}]}}",
         TRUE);
  g_assert_false (topology.complete);
  apply (&topology, "{\"type\":\"snapshot\",\"more\":false,\"map\":{\"nodes\":[{\"id\":\"b\",\"online\":false}]}}",
         TRUE);
  g_assert_true (topology.complete);
  g_assert_false (ew_topology_is_measured (&topology));
  apply (&topology,
         "{\"type\":\"counters\",\"nodes\":[{\"id\":\"a\",\"rtt_ms\":7.5,\"rx_bytes\":9},{\"id\":\"nobody\"},3]}",
         TRUE);
  g_assert_true (ew_topology_is_measured (&topology));
  apply (&topology, "{\"type\":\"node\",\"node\":{\"id\":\"b\",\"name\":\"renamed\"}}", TRUE);
  apply (&topology, "{\"type\":\"node\",\"node\":{\"id\":\"c\"}}", TRUE);
  apply (&topology, "{\"type\":\"node-removed\",\"id\":\"a\"}", TRUE);
  apply (&topology, "{\"type\":\"edge\",\"edge\":{\"id\":\"e1\"}}", TRUE);
  apply (&topology, "{\"type\":\"from-the-future\"}", FALSE);
  nodes = ew_json_array (topology.map, "nodes");
  g_assert_cmpuint (json_array_get_length (nodes), ==, 2);
  g_assert_cmpstr (ew_json_string (json_array_get_object_element (nodes, 0), "name"), ==, "renamed");
  g_assert_cmpuint (json_array_get_length (ew_json_array (topology.map, "edges")), ==, 1);
  apply (&topology, "{\"type\":\"snapshot\",\"map\":{\"nodes\":[]}}", TRUE); /* resynchronised */
  g_assert_cmpuint (json_array_get_length (ew_json_array (topology.map, "nodes")), ==, 0);
  ew_topology_clear (&topology);
}

static JsonObject *
read_from (const gchar *text, gboolean stay_open, GError **error)
{
  gint fds[2];
  JsonObject *map;

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  g_assert_cmpint (write (fds[1], text, strlen (text)), ==, (gssize)strlen (text));
  if (!stay_open)
    close (fds[1]);
  map = ew_topology_read (fds[0], 300, 50, error);
  if (stay_open)
    close (fds[1]);
  return map;
}

static void
test_stream (void)
{
  static const gchar snapshot[] = "nonsense\n{\"type\":\"snapshot\",\"map\":{\"mesh\":\"home\",\"nodes\":[{\"id\":"
                                  "\"a\",\"online\":true}]}}\n{\"type\":\"cou";
  g_autoptr (GError) error = NULL;

  for (gint stay_open = 0; stay_open <= 1; stay_open++)
    {
      g_autoptr (JsonObject) map = read_from (snapshot, stay_open, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (ew_json_string (map, "mesh"), ==, "home");
      g_assert_cmpint (ew_json_int (map, "schema", 0), ==, 1);
    }
  g_assert_null (read_from ("{\"type\":\"snapshot\"", TRUE, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_TIMED_OUT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ctl/text/numbers", test_numbers);
  g_test_add_func ("/ctl/text/clean", test_clean);
  g_test_add_func ("/ctl/text/table", test_table);
  g_test_add_func ("/ctl/topology/messages", test_topology);
  g_test_add_func ("/ctl/topology/stream", test_stream);
  return g_test_run ();
}
