/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `ew-switch CONFIG`: a switch without an edge around it, for tests; not installed. The file has one setting a line:
 *
 *   port 51820 | interface edge0 | mtu 1420 | threads N | key BASE64 | service IP | range PREFIX | exit | open PORT
 *   viewers 1
 *   node ID KEY REVISION [plain] [mtu=N] [endpoint=IP:PORT] PREFIX…    host prefixes are its mesh IPs, others routes
 *
 * `node`, `viewers`, `remove ID`, `find`, `refuse` (a verdict that lets nothing pass), `one-way ID` (one by which only
 * that node opens flows), `allow`, `status` and `quit` are also read from stdin. What happens is printed to stdout:
 * `ready PORT`, `limits …`, `presence ID online`, `endpoint ID …`; the answer to `status` ends with the line `end`.
 * Ends cleanly after SIGTERM, `quit` or the end of stdin.
 */
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util.h"
#include "edge/exit/exit.h"
#include "edge/switch/switch-private.h"
#include "lib/bench-aead.h"

typedef struct
{
  EwSwitchConfig config;
  EwExitConfig exit;
  gchar *interface, *public_host;
  gchar *opener; /* of the verdict; NULL: no verdict */
  guint16 open_ports[16], public_port;
  EwPrefix closed;
  GPtrArray *nodes; /* lines */
  EwSwitch *sw;
  GMainLoop *loop;
} Program;

static void say (const gchar *format, ...) G_GNUC_PRINTF (1, 2);

static void
say (const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  vprintf (format, arguments);
  va_end (arguments);
  fflush (stdout);
}

static void G_GNUC_NORETURN
refuse_line (const gchar *line)
{
  fprintf (stderr, "ew-switch: not understood: %s\n", line);
  exit (2);
}

static void
on_presence (gpointer data, const gchar *id, gboolean online)
{
  say ("presence %s %s\n", id, online ? "online" : "offline");
}

static void
on_endpoint (gpointer data, const gchar *id, const EwEndpoint *endpoint)
{
  gchar text[EW_ENDPOINT_STRLEN];

  ew_endpoint_format (endpoint, text);
  say ("endpoint %s %s\n", id, text);
}

static gboolean
refuse_all (gpointer data, gconstpointer from, gconstpointer to, const EwFlow *flow, const guint8 *packet, gsize len)
{
  return FALSE;
}

/* Only that node opens flows. */
static gboolean
from_opener (gpointer data, gconstpointer from, gconstpointer to, const EwFlow *flow, const guint8 *packet, gsize len)
{
  return g_str_equal (ew_switch_node_get_id (from), data);
}

static void
set_node (Program *program, gchar **words)
{
  EwSwitchNode node = { .id = words[1] };
  g_autoptr (GArray) addresses = g_array_new (FALSE, TRUE, sizeof (EwIp));
  g_autoptr (GArray) routes = g_array_new (FALSE, TRUE, sizeof (EwPrefix));
  EwPrefix prefix;

  if (g_strv_length (words) < 4 || !ew_key_from_base64 (words[2], node.public_key))
    refuse_line (words[1]);
  node.revision.hash = g_ascii_strtoull (words[3], NULL, 10);
  for (gchar **word = words + 4; *word != NULL; word++)
    if (g_str_equal (*word, "plain"))
      node.plain = TRUE;
    else if (g_str_has_prefix (*word, "endpoint="))
      {
        if (!ew_endpoint_parse (*word + strlen ("endpoint="), &node.endpoint))
          refuse_line (*word);
      }
    else if (g_str_has_prefix (*word, "mtu="))
      node.mtu = (guint16)atoi (*word + strlen ("mtu="));
    else if (!ew_prefix_parse (*word, &prefix, NULL))
      refuse_line (*word);
    else if (prefix.length == ew_ip_size (&prefix.ip) * 8)
      g_array_append_val (addresses, prefix.ip);
    else
      g_array_append_val (routes, prefix);
  node.addresses = (const EwIp *)addresses->data;
  node.n_addresses = addresses->len;
  node.routes = (const EwPrefix *)routes->data;
  node.n_routes = routes->len;
  ew_switch_set_node (program->sw, &node);
}

static void
print_status (Program *program)
{
  EwSwitchStats stats;

  for (guint i = 0; i < program->nodes->len; i++)
    {
      const gchar *id = g_ptr_array_index (program->nodes, i);
      EwSwitchNodeStatus status;

      if (ew_switch_get_node (program->sw, id, &status))
        say ("node %s online=%d rx=%" G_GUINT64_FORMAT " tx=%" G_GUINT64_FORMAT " rtt=%.3f seen=%" G_GINT64_FORMAT
             " handshake=%" G_GINT64_FORMAT " forwarded=%" G_GUINT64_FORMAT " received=%" G_GUINT64_FORMAT
             " ttl=%" G_GUINT64_FORMAT " too_big=%" G_GUINT64_FORMAT " policy=%" G_GUINT64_FORMAT "\n",
             id, status.online, status.rx_bytes, status.tx_bytes, status.rtt_ms, status.last_seen_us,
             status.last_handshake_us, status.forwarded_packets, status.received_packets, status.dropped_ttl,
             status.dropped_too_big, status.dropped_policy);
    }
  ew_switch_get_stats (program->sw, &stats);
  say ("stats forwarded=%" G_GUINT64_FORMAT " exit=%" G_GUINT64_FORMAT " policy=%" G_GUINT64_FORMAT
       " no_route=%" G_GUINT64_FORMAT " ttl=%" G_GUINT64_FORMAT " source=%" G_GUINT64_FORMAT
       " too_big=%" G_GUINT64_FORMAT " malformed=%" G_GUINT64_FORMAT "\n",
       stats.forwarded_packets, stats.exit_packets, stats.dropped_policy, stats.dropped_no_route, stats.dropped_ttl,
       stats.dropped_source, stats.dropped_too_big, stats.dropped_malformed);
  say ("limits %s\nend\n", ew_switch_get_limits (program->sw) != NULL ? ew_switch_get_limits (program->sw) : "none");
}

static void
remember (Program *program, const gchar *id)
{
  for (guint i = 0; i < program->nodes->len; i++)
    if (g_str_equal (g_ptr_array_index (program->nodes, i), id))
      return;
  g_ptr_array_add (program->nodes, g_strdup (id));
}

static void
obey (Program *program, const gchar *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);

  if (words[0] == NULL)
    return;
  if (g_str_equal (words[0], "node") && words[1] != NULL)
    {
      remember (program, words[1]);
      set_node (program, words);
    }
  else if (g_str_equal (words[0], "viewers") && words[1] != NULL)
    ew_switch_set_viewers (program->sw, (guint)atoi (words[1]));
  else if (g_str_equal (words[0], "remove") && words[1] != NULL)
    ew_switch_remove_node (program->sw, words[1]);
  else if (g_str_equal (words[0], "find"))
    ew_switch_find_nodes (program->sw);
  else if (g_str_equal (words[0], "refuse"))
    ew_switch_set_verdict (program->sw, refuse_all, NULL);
  else if (g_str_equal (words[0], "one-way") && words[1] != NULL)
    {
      g_autofree gchar *before = program->opener; /* until the new verdict is asked, the old one is */
      program->opener = g_strdup (words[1]);
      ew_switch_set_verdict (program->sw, from_opener, program->opener);
    }
  else if (g_str_equal (words[0], "allow"))
    ew_switch_set_verdict (program->sw, NULL, NULL);
  else if (g_str_equal (words[0], "status"))
    print_status (program);
  else if (g_str_equal (words[0], "quit"))
    g_main_loop_quit (program->loop);
  else
    refuse_line (line);
}

/* FALSE: no setting, a command for later. */
static gboolean
read_setting (EwSwitchConfig *config, Program *program, gchar **words)
{
  const gchar *value = words[1] != NULL ? words[1] : "";
  EwExitConfig *exit = &program->exit;
  EwPrefix prefix;

  if (g_str_equal (words[0], "port"))
    config->port = (guint16)atoi (value);
  else if (g_str_equal (words[0], "interface"))
    config->interface = program->interface = g_strdup (value);
  else if (g_str_equal (words[0], "mtu"))
    config->mtu = (guint16)atoi (value);
  else if (g_str_equal (words[0], "threads"))
    config->data_threads = (guint)atoi (value);
  else if (g_str_equal (words[0], "exit"))
    exit->exit = TRUE;
  else if (g_str_equal (words[0], "open") && exit->n_open_ports < G_N_ELEMENTS (program->open_ports))
    program->open_ports[exit->n_open_ports++] = (guint16)atoi (value);
  else if (g_str_equal (words[0], "public-port"))
    {
      program->public_port = (guint16)atoi (value);
      exit->public_ports = &program->public_port;
      exit->n_public_ports = 1;
    }
  else if (g_str_equal (words[0], "public"))
    exit->public_host = program->public_host = g_strdup (value);
  else if (g_str_equal (words[0], "closed") && ew_prefix_parse (value, &program->closed, NULL))
    {
      exit->closed = &program->closed;
      exit->n_closed = 1;
    }
  else if (g_str_equal (words[0], "key") && ew_key_from_base64 (value, config->private_key))
    return TRUE;
  else if (g_str_equal (words[0], "service") && ew_prefix_parse (value, &prefix, NULL))
    config->service[prefix.ip.family == EW_FAMILY_V6] = prefix.ip;
  else if (g_str_equal (words[0], "range") && ew_prefix_parse (value, &prefix, NULL))
    config->ranges[prefix.ip.family == EW_FAMILY_V6] = prefix;
  else
    return FALSE;
  return TRUE;
}

static gboolean
on_input (GIOChannel *channel, GIOCondition condition, gpointer data)
{
  Program *program = data;
  g_autofree gchar *line = NULL;

  if (g_io_channel_read_line (channel, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL)
    {
      g_main_loop_quit (program->loop);
      return G_SOURCE_REMOVE;
    }
  obey (program, g_strstrip (line));
  return G_SOURCE_CONTINUE;
}

static gboolean
on_signal (gpointer data)
{
  g_main_loop_quit (((Program *)data)->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
start (Program *program, const gchar *path, GError **error)
{
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &text, NULL, error))
    return FALSE;
  lines = g_strsplit (g_strchomp (text), "\n", -1);
  for (gchar **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) words = g_strsplit (*line, " ", -1);

      if (words[0] == NULL || *words[0] == '\0' || read_setting (&program->config, program, words))
        **line = '\0';
    }
  program->exit.open_ports = program->open_ports;
  program->config.exit = &ew_exit_for_switch;
  program->config.exit_data = &program->exit;
  program->config.on_presence = on_presence;
  program->config.on_endpoint = on_endpoint;
  program->sw = ew_switch_new (&program->config, error);
  if (program->sw == NULL)
    return FALSE;
  for (gchar **line = lines; *line != NULL; line++)
    if (**line != '\0')
      obey (program, *line);
  return TRUE;
}

int
main (int argc, char **argv)
{
  Program program = { .nodes = g_ptr_array_new_with_free_func (g_free), .loop = g_main_loop_new (NULL, FALSE) };
  g_autoptr (GError) error = NULL;
  GIOChannel *input = g_io_channel_unix_new (0);

  ew_log_init ("ew-switch");
  if (argc != 2)
    {
      fprintf (stderr, "Usage: ew-switch CONFIG\n");
      return 2;
    }
  if (!ew_bench_aead_choose ())
    return 2;
  if (!start (&program, argv[1], &error))
    {
      fprintf (stderr, "ew-switch: %s\n", error->message);
      return 1;
    }
  say ("ready %u\nlimits %s\n", ew_engine_get_listen_port (program.sw->engine),
       ew_switch_get_limits (program.sw) != NULL ? ew_switch_get_limits (program.sw) : "none");
  g_io_add_watch (input, G_IO_IN | G_IO_HUP, on_input, &program);
  g_unix_signal_add (SIGTERM, on_signal, &program);
  g_unix_signal_add (SIGINT, on_signal, &program);
  g_main_loop_run (program.loop);
  ew_switch_free (program.sw);
  say ("stopped\n");
  g_io_channel_unref (input);
  g_main_loop_unref (program.loop);
  g_ptr_array_unref (program.nodes);
  g_free (program.interface);
  g_free (program.opener);
  return 0;
}
