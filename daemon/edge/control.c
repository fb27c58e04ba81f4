/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/verbs.h"

#include <gio/gunixsocketaddress.h>
#include <libsoup/soup.h>
#include <stdio.h>
#include <string.h>
#include "common/util.h"

#define TIMEOUT_SECONDS 10
#define ANSWER_MAX (1024 * 1024)

static gint
explain_failure (const gchar *socket, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    {
      g_printerr ("edgeway-edge: %s belongs to another user. Use sudo.\n", socket);
      return EW_EXIT_NOT_AUTHORIZED;
    }
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    {
      g_autofree gchar *log = ew_log_find ("edgeway-edge");
      g_printerr ("edgeway-edge: The edge didn't answer on %s within %d s. See %s.\n", socket, TIMEOUT_SECONDS, log);
      return EW_EXIT_TIMED_OUT;
    }
  g_printerr ("edgeway-edge: No edge answers on %s. Start it (with systemd: `sudo systemctl start edgeway-edge`), or "
              "name its state directory with --state-dir.\n",
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
  g_autoptr (GString) words
    = g_string_new (sentence ? sentence : "The edge sent an invalid response. Check that it has the same version.");
  g_string_replace (words, "`edgewayctl ", "`edgeway-edge ", 0); /* the API speaks to nodes; here it is the owner */
  g_printerr ("edgeway-edge: %s\n", words->str);
  *exit_code = EW_EXIT_FAILED;
  return NULL;
}

JsonObject *
ew_control_call (const EwControl *control, const gchar *method, const gchar *path, JsonObject *body, gint *exit_code)
{
  g_autofree gchar *socket = g_build_filename (control->state_dir, "control.sock", NULL);
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

gchar *
ew_control_path (const gchar *collection, const gchar *item)
{
  g_autofree gchar *escaped = g_uri_escape_string (item, NULL, FALSE);
  return g_strconcat (collection, escaped, NULL);
}

void
ew_control_print_json (JsonObject *object)
{
  g_autofree gchar *text = ew_json_to_string (object, TRUE);
  printf ("%s\n", text);
}
