/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The methods about this computer's own connection.
 */
#include "common/enrollment-key.h"
#include "common/error.h"
#include "common/phrase.h"
#include "service/handle-private.h"
#include "service/methods.h"

#define PING_TIMEOUT_MIN_MS 100
#define PING_TIMEOUT_MAX_MS 30000

/* For those that answer with one JSON string. */
static void
answer_string (EwCall *call, gchar *text, GError *error)
{
  g_autofree gchar *owned = text;

  if (owned != NULL)
    ew_call_return (call, g_variant_new ("(s)", owned));
  else
    ew_call_fail (call, error);
}

static void
on_enrolled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  gboolean done = ew_tunnel_enroll_finish (EW_TUNNEL (source), result, &error);

  ew_handle_return_done (user_data, done, error);
}

void
ew_handle_enroll (EwCall *call, GVariant *parameters)
{
  const gchar *key, *name;

  g_variant_get (parameters, "(&s&s@a{sv})", &key, &name, NULL);
  if (strlen (key) > EW_KEY_TEXT_MAX)
    ew_call_fail_literal (
      call, EW_ERROR_KEY_INVALID,
      N_ ("This text is too long for an enrollment key. Copy only the line that begins with ew1_."));
  else
    ew_tunnel_enroll_async (ew_call_get_tunnel (call), key, *name == '\0' ? NULL : name, ew_call_get_cancellable (call),
                            on_enrolled, call);
}

static void
on_left (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  gboolean edge_told = FALSE;

  if (ew_tunnel_leave_finish (EW_TUNNEL (source), result, &edge_told, &error))
    ew_call_return (user_data, g_variant_new ("(b)", edge_told));
  else
    ew_call_fail (user_data, error);
}

void
ew_handle_leave (EwCall *call, GVariant *parameters)
{
  ew_tunnel_leave_async (ew_call_get_tunnel (call), ew_call_get_cancellable (call), on_left, call);
}

void
ew_handle_connect (EwCall *call, GVariant *parameters)
{
  GError *error = NULL;
  gboolean done = ew_tunnel_connect (ew_call_get_tunnel (call), &error);

  ew_handle_return_done (call, done, error);
}

void
ew_handle_disconnect (EwCall *call, GVariant *parameters)
{
  GError *error = NULL;
  gboolean done = ew_tunnel_disconnect (ew_call_get_tunnel (call), &error);

  ew_handle_return_done (call, done, error);
}

/* SetMode: first whether the caller sits at this computer, then the switch; the tunnel bounds how long that takes. */

typedef struct
{
  EwCall *call;
  const gchar *mode; /* owned by the call's parameters */
  EwGuardOptions guard;
} SetMode;

static void
on_mode_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  gboolean done = ew_tunnel_set_mode_finish (EW_TUNNEL (source), result, &error);

  ew_handle_return_done (user_data, done, error);
}

/* Takes set_mode. */
static void
set_mode_go (SetMode *set_mode, gboolean is_remote)
{
  g_autofree SetMode *owned = set_mode;

  ew_tunnel_set_mode_async (ew_call_get_tunnel (owned->call), owned->mode, owned->guard.confirm_within, is_remote,
                            ew_call_get_cancellable (owned->call), on_mode_set, owned->call);
}

static void
on_locality (GObject *source, GAsyncResult *result, gpointer user_data)
{
  set_mode_go (user_data, !ew_caller_is_local_finish (result));
}

/* FALSE: the call has been refused. */
static gboolean
set_lan_names (EwCall *call, GVariant *parameters)
{
  g_autoptr (GVariant) options = g_variant_get_child_value (parameters, 1);
  gboolean lan_names;
  GError *error = NULL;

  if (!g_variant_lookup (options, "lan-names", "b", &lan_names)
      || ew_tunnel_set_lan_names (ew_call_get_tunnel (call), lan_names, &error))
    return TRUE;
  ew_call_fail (call, error);
  return FALSE;
}

/* FALSE: the call has been refused. */
static gboolean
set_mode_parse (SetMode *set_mode, GVariant *parameters)
{
  g_autoptr (GVariant) options = NULL;

  g_variant_get (parameters, "(&s@a{sv})", &set_mode->mode, &options);
  if (!g_str_equal (set_mode->mode, "vpn") && !g_str_equal (set_mode->mode, "connector"))
    ew_call_fail_literal (set_mode->call, EW_ERROR_INVALID_ARGUMENT, N_ ("The mode must be \"vpn\" or \"connector\"."));
  else if (!ew_handle_has_type (options, "lan-names", G_VARIANT_TYPE_BOOLEAN))
    ew_call_fail_literal (set_mode->call, EW_ERROR_INVALID_ARGUMENT,
                          N_ ("The option \"lan-names\" must be a boolean (b)."));
  else
    return ew_handle_read_guard (set_mode->call, options, &set_mode->guard);
  return FALSE;
}

void
ew_handle_set_mode (EwCall *call, GVariant *parameters)
{
  g_autofree SetMode *set_mode = g_new0 (SetMode, 1);

  set_mode->call = call;
  if (!set_mode_parse (set_mode, parameters) || !set_lan_names (call, parameters))
    return;
  if (set_mode->guard.over_ssh || ew_call_is_peer (call))
    set_mode_go (g_steal_pointer (&set_mode), TRUE);
  else
    ew_caller_is_local_async (ew_call_get_connection (call), ew_call_get_caller (call), ew_call_get_cancellable (call),
                              on_locality, g_steal_pointer (&set_mode));
}

void
ew_handle_confirm_mode (EwCall *call, GVariant *parameters)
{
  GError *error = NULL;
  gboolean done = ew_tunnel_confirm_mode (ew_call_get_tunnel (call), &error);

  ew_handle_return_done (call, done, error);
}

void
ew_handle_undo_mode (EwCall *call, GVariant *parameters)
{
  GError *error = NULL;
  gboolean done = ew_tunnel_undo_mode (ew_call_get_tunnel (call), &error);

  ew_handle_return_done (call, done, error);
}

void
ew_handle_get_status (EwCall *call, GVariant *parameters)
{
  answer_string (call, ew_tunnel_get_status (ew_call_get_tunnel (call)), NULL);
}

/* The caller knows the sentence already, and its phrase contains nothing that the sentence doesn't. */
void
ew_handle_cancel_prompt (EwCall *call, GVariant *parameters)
{
  const gchar *method;

  g_variant_get (parameters, "(&s)", &method);
  ew_call_cancel_prompts (call, method);
  ew_call_return (call, NULL);
}

void
ew_handle_get_phrase (EwCall *call, GVariant *parameters)
{
  const gchar *message;

  g_variant_get (parameters, "(&s)", &message);
  answer_string (call, ew_call_was_told (call, message) ? ew_phrase_to_json (message) : g_strdup (""), NULL);
}

void
ew_handle_open_topology (EwCall *call, GVariant *parameters)
{
  GError *error = NULL;
  gint fd = ew_tunnel_open_topology (ew_call_get_tunnel (call), ew_call_get_caller (call)->uid, &error);

  if (fd < 0)
    ew_call_fail (call, error);
  else
    ew_call_return_fd (call, fd);
}

static void
on_ping (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  gchar *text = ew_tunnel_ping_finish (EW_TUNNEL (source), result, &error);

  answer_string (user_data, text, error);
}

void
ew_handle_ping (EwCall *call, GVariant *parameters)
{
  const gchar *target;
  guint timeout_ms;

  g_variant_get (parameters, "(&su)", &target, &timeout_ms);
  if (strlen (target) > 255)
    ew_call_fail_literal (call, EW_ERROR_INVALID_ARGUMENT, N_ ("This is neither a node's name nor an address."));
  else if (timeout_ms < PING_TIMEOUT_MIN_MS || timeout_ms > PING_TIMEOUT_MAX_MS)
    ew_call_fail_literal (call, EW_ERROR_INVALID_ARGUMENT, N_ ("A ping waits between 100 and 30000 milliseconds."));
  else
    ew_tunnel_ping_async (ew_call_get_tunnel (call), target, timeout_ms, ew_call_get_cancellable (call), on_ping, call);
}

static void
on_diagnosed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  gchar *text = ew_tunnel_diagnose_finish (EW_TUNNEL (source), result, &error);

  answer_string (user_data, text, error);
}

void
ew_handle_diagnose (EwCall *call, GVariant *parameters)
{
  ew_tunnel_diagnose_async (ew_call_get_tunnel (call), ew_call_get_cancellable (call), on_diagnosed, call);
}

/* For those that answer with a list of checks. */
static void
answer_checks (EwCall *call, gchar **checks, GError *error)
{
  g_auto (GStrv) owned = checks;

  if (owned != NULL)
    ew_call_return (call, g_variant_new ("(^as)", owned));
  else
    ew_call_fail (call, error);
}

void
ew_handle_fix (EwCall *call, GVariant *parameters)
{
  GError *error = NULL;
  const gchar *check;

  g_variant_get (parameters, "(&s)", &check);
  gchar **fixed = ew_tunnel_fix (ew_call_get_tunnel (call), check, &error);
  answer_checks (call, fixed, error);
}

void
ew_handle_revert_fixes (EwCall *call, GVariant *parameters)
{
  GError *error = NULL;
  const gchar *check;

  g_variant_get (parameters, "(&s)", &check);
  gchar **reverted = ew_tunnel_revert_fixes (ew_call_get_tunnel (call), check, &error);
  answer_checks (call, reverted, error);
}
