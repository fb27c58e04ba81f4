/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The methods about what may leave this computer beside the tunnel.
 */
#include "common/error.h"
#include "common/phrase.h"
#include "service/handle-private.h"
#include "service/methods.h"

#define CONFIRM_WITHIN_MAX 86400
#define CIDR_MAX 64

static void
answer (EwCall *call, gboolean done, GError *error)
{
  if (done)
    ew_call_return (call, NULL);
  else
    ew_call_fail (call, error);
}

typedef struct
{
  EwCall *call;
  gboolean on;
  guint confirm_within;
} SetLockdown;

/* Takes wish. */
static void
set_lockdown (SetLockdown *wish, gboolean is_remote)
{
  g_autofree SetLockdown *owned = wish;
  GError *error = NULL;
  gboolean done
    = ew_tunnel_set_lockdown (ew_call_get_tunnel (owned->call), owned->on, owned->confirm_within, is_remote, &error);

  answer (owned->call, done, error);
}

static void
on_locality (GObject *source, GAsyncResult *result, gpointer user_data)
{
  set_lockdown (user_data, !ew_caller_is_local_finish (result));
}

/* FALSE: the call has been refused. */
static gboolean
parse_lockdown (SetLockdown *wish, GVariant *parameters, gboolean *over_ssh)
{
  g_autoptr (GVariant) options = NULL;

  g_variant_get (parameters, "(b@a{sv})", &wish->on, &options);
  g_variant_lookup (options, "ssh", "b", over_ssh);
  g_variant_lookup (options, "confirm-within", "u", &wish->confirm_within);
  if (!ew_handle_has_type (options, "ssh", G_VARIANT_TYPE_BOOLEAN)
      || !ew_handle_has_type (options, "confirm-within", G_VARIANT_TYPE_UINT32))
    ew_call_fail_literal (wish->call, EW_ERROR_INVALID_ARGUMENT,
                          N_ ("The option \"confirm-within\" must be a uint32 (u), \"ssh\" a boolean (b)."));
  else if (wish->confirm_within > CONFIRM_WITHIN_MAX)
    ew_call_fail_literal (wish->call, EW_ERROR_INVALID_ARGUMENT,
                          N_ ("confirm-within must be at most a day: 86400 seconds."));
  else
    return TRUE;
  return FALSE;
}

void
ew_handle_set_lockdown (EwCall *call, GVariant *parameters)
{
  g_autofree SetLockdown *wish = g_new0 (SetLockdown, 1);
  gboolean over_ssh = FALSE;

  wish->call = call;
  if (!parse_lockdown (wish, parameters, &over_ssh))
    return;
  if (over_ssh || ew_call_is_peer (call) || !wish->on)
    set_lockdown (g_steal_pointer (&wish), TRUE);
  else
    ew_caller_is_local_async (ew_call_get_connection (call), ew_call_get_caller (call), ew_call_get_cancellable (call),
                              on_locality, g_steal_pointer (&wish));
}

void
ew_handle_change_split (EwCall *call, GVariant *parameters)
{
  const gchar *action, *cidr;
  GError *error = NULL;

  g_variant_get (parameters, "(&s&s)", &action, &cidr);
  if (!g_str_equal (action, "exclude") && !g_str_equal (action, "include") && !g_str_equal (action, "remove"))
    {
      ew_call_fail_literal (call, EW_ERROR_INVALID_ARGUMENT,
                            N_ ("The action must be \"exclude\", \"include\" or \"remove\"."));
      return;
    }
  if (!ew_handle_check_text (call, cidr, CIDR_MAX, "a network, for example 203.0.113.0/24"))
    return;
  gboolean done = ew_tunnel_change_split (ew_call_get_tunnel (call), action, cidr, &error);
  answer (call, done, error);
}

void
ew_handle_set_lan (EwCall *call, GVariant *parameters)
{
  GError *error = NULL;
  gboolean allow;

  g_variant_get (parameters, "(b)", &allow);
  gboolean done = ew_tunnel_set_lan (ew_call_get_tunnel (call), allow, &error);
  answer (call, done, error);
}
