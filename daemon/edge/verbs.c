/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/verbs.h"

#include <gio/gunixsocketaddress.h>
#include <libsoup/soup.h>
#include <stdio.h>
#include <string.h>
#include "common/error.h"
#include "common/util.h"
#include "edge/mesh.h"
#include "edgeway-config.h"

#define TIMEOUT_SECONDS 10
#define ANSWER_MAX (1024 * 1024)

/* The control socket. */

static gint
explain_failure (const gchar *socket, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    {
      g_printerr ("edgeway-edge: %s belongs to another user: use sudo.\n", socket);
      return EW_EXIT_NOT_AUTHORIZED;
    }
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    {
      g_printerr ("edgeway-edge: the edge did not answer on %s within %d s; its log may say why.\n", socket,
                  TIMEOUT_SECONDS);
      return EW_EXIT_TIMED_OUT;
    }
  g_printerr (
    "edgeway-edge: no edge answers on %s: start it with `edgeway-edge run`, or say where it is with --state-dir.\n",
    socket);
  return EW_EXIT_UNREACHABLE;
}

static JsonObject *
read_answer (SoupMessage *message, GBytes *bytes, gint *exit_code)
{
  gsize length;
  const gchar *data = g_bytes_get_data (bytes, &length);
  g_autoptr (JsonObject) object = ew_json_parse_object (data ? data : "", length, ANSWER_MAX, NULL);
  JsonObject *detail = object ? ew_json_object (object, "error") : NULL;
  const gchar *sentence = detail ? ew_json_string (detail, "message") : NULL;
  if (object && soup_message_get_status (message) == SOUP_STATUS_OK)
    return g_steal_pointer (&object);
  g_printerr ("edgeway-edge: %s\n",
              sentence ? sentence : "the edge's answer makes no sense; is it of another version?");
  *exit_code = EW_EXIT_FAILED;
  return NULL;
}

JsonObject *
ew_edge_control_call (const gchar *state_dir, const gchar *method, const gchar *path, JsonObject *body, gint *exit_code)
{
  g_autofree gchar *socket = g_build_filename (state_dir, "control.sock", NULL);
  g_autofree gchar *uri = g_strconcat ("http://localhost", path, NULL);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (socket);
  g_autoptr (SoupSession) session
    = soup_session_new_with_options ("remote-connectable", address, "timeout", TIMEOUT_SECONDS, NULL);
  g_autoptr (SoupMessage) message = soup_message_new (method, uri);
  g_autoptr (GError) error = NULL;
  if (body)
    {
      gchar *text = ew_json_to_string (body, FALSE);
      g_autoptr (GBytes) bytes = g_bytes_new_take (text, strlen (text));
      soup_message_set_request_body_from_bytes (message, "application/json", bytes);
    }
  g_autoptr (GBytes) answer = soup_session_send_and_read (session, message, NULL, &error);
  if (answer)
    return read_answer (message, answer, exit_code);
  *exit_code = explain_failure (socket, error);
  return NULL;
}

/* Options. FALSE: *exit_code says how it ends. */
static gboolean
parse (gint argc, gchar **argv, const GOptionEntry *entries, const gchar *summary, gint *exit_code)
{
  g_autofree gchar *usage = g_strdup_printf ("%s — %s", argv[0], summary);
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  gchar *verb = argv[0];
  gboolean help = FALSE;
  const GOptionEntry common[]
    = { { "help", 'h', 0, G_OPTION_ARG_NONE, &help, "Show this help", NULL }, G_OPTION_ENTRY_NULL };
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_summary (context, usage);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_main_entries (context, common, NULL);
  gboolean good = g_option_context_parse (context, &argc, &argv, &error);
  if (good && help)
    {
      g_autofree gchar *text = g_option_context_get_help (context, TRUE, NULL);
      g_print ("%s", text);
      *exit_code = EW_EXIT_DONE;
      return FALSE;
    }
  if (good && argc == 1)
    return TRUE;
  *exit_code = EW_EXIT_USAGE;
  if (good)
    g_printerr ("edgeway-edge: `%s` takes options only, and \"%.64s\" is none; see `edgeway-edge %s --help`.\n", verb,
                argv[1], verb);
  else
    g_printerr ("edgeway-edge: %s; see `edgeway-edge %s --help`.\n", error->message, verb);
  return FALSE;
}

/* admin-key */

gint
ew_edge_verb_admin_key (gint argc, gchar **argv)
{
  g_autofree gchar *state_dir = NULL, *valid = NULL;
  const GOptionEntry entries[] = { { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &state_dir,
                                     "The running edge's (default: " EW_EDGE_STATE_DIR ")", "DIR" },
                                   { "valid", 0, 0, G_OPTION_ARG_STRING, &valid,
                                     "How long the key can be used: 10m, 1h, 1d (default: 1h)", "TIME" },
                                   G_OPTION_ENTRY_NULL };
  g_autoptr (GError) error = NULL;
  gint exit_code = EW_EXIT_FAILED;
  guint seconds = EW_MESH_VALID_DEFAULT;
  if (!parse (argc, argv, entries, "an enrollment key whose bearer becomes an administrator", &exit_code))
    return exit_code;
  if (valid && !ew_duration_parse (valid, EW_MESH_VALID_MIN, EW_MESH_VALID_MAX, &seconds, &error))
    {
      g_printerr ("edgeway-edge: --valid: %s\n", error->message);
      return EW_EXIT_USAGE;
    }
  g_autoptr (JsonObject) body = json_object_new ();
  json_object_set_int_member (body, "valid_seconds", seconds);
  g_autoptr (JsonObject) answer
    = ew_edge_control_call (state_dir ? state_dir : EW_EDGE_STATE_DIR, "POST", "/v1/admin-key", body, &exit_code);
  if (answer == NULL)
    return exit_code;
  printf ("%s\n", ew_json_string (answer, "key"));
  if (fflush (stdout) != 0)
    {
      g_printerr ("edgeway-edge: the key was made but could not be written to stdout.\n");
      return EW_EXIT_FAILED;
    }
  return EW_EXIT_DONE;
}

/* status */

static void
print_status (JsonObject *status)
{
  JsonObject *nodes = ew_json_object (status, "nodes");
  const gchar *limits = ew_json_string (status, "limits");
  g_auto (GStrv) ranges = ew_json_strv (status, "ranges", 2);
  g_autofree gchar *joined = ranges ? g_strjoinv (", ", ranges) : NULL;
  printf ("mesh       %s (%s)%s\n", ew_json_string (status, "mesh"), ew_json_string (status, "suffix"),
          ew_json_bool (status, "trial", FALSE) ? ", a trial" : "");
  printf ("edge       %s, reached at %s, listening on %s\n", ew_json_string (status, "edge"),
          ew_json_string (status, "public"), ew_json_string (status, "listen"));
  printf ("addresses  %s\n", joined ? joined : "?");
  if (nodes)
    printf ("nodes      %d, %d online, %d not joined yet\n", (gint)ew_json_int (nodes, "total", 0),
            (gint)ew_json_int (nodes, "online", 0), (gint)ew_json_int (nodes, "not_joined", 0));
  printf ("routes     %d\n", (gint)ew_json_int (status, "routes", 0));
  printf ("traffic    %" G_GINT64_FORMAT " packets, %" G_GINT64_FORMAT " bytes between nodes; %" G_GINT64_FORMAT
          " to the internet; %" G_GINT64_FORMAT " dropped\n",
          ew_json_int (status, "forwarded_packets", 0), ew_json_int (status, "forwarded_bytes", 0),
          ew_json_int (status, "exit_packets", 0), ew_json_int (status, "dropped", 0));
  printf ("exit       %s\n",
          ew_json_bool (status, "exit", FALSE) ? "yes: nodes may use VPN mode" : "no: VPN mode is off");
  printf ("since      %s, version %s\n", ew_json_string (status, "since"), ew_json_string (status, "version"));
  if (limits)
    printf ("limits     %s\n", limits);
}

gint
ew_edge_verb_status (gint argc, gchar **argv)
{
  g_autofree gchar *state_dir = NULL;
  gboolean json = FALSE;
  const GOptionEntry entries[] = { { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &state_dir,
                                     "The running edge's (default: " EW_EDGE_STATE_DIR ")", "DIR" },
                                   { "json", 0, 0, G_OPTION_ARG_NONE, &json, "For programs", NULL },
                                   G_OPTION_ENTRY_NULL };
  gint exit_code = EW_EXIT_FAILED;
  if (!parse (argc, argv, entries, "what the running edge is and sees", &exit_code))
    return exit_code;
  g_autoptr (JsonObject) status
    = ew_edge_control_call (state_dir ? state_dir : EW_EDGE_STATE_DIR, "GET", "/v1/status", NULL, &exit_code);
  if (status == NULL)
    return exit_code;
  if (json)
    {
      g_autofree gchar *text = ew_json_to_string (status, TRUE);
      printf ("%s\n", text);
    }
  else
    print_status (status);
  return fflush (stdout) == 0 ? EW_EXIT_DONE : EW_EXIT_FAILED;
}
