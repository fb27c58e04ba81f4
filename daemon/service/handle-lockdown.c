/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The methods about what may leave this computer beside the tunnel.
 */
#include "common/error.h"
#include "common/phrase.h"
#include "service/handle-private.h"
#include "service/methods.h"

#define CIDR_MAX 64

typedef struct
{
  EwCall *call;
  gboolean on;
  EwGuardOptions guard;
} SetLockdown;

/* Takes wish. */
static void
set_lockdown (SetLockdown *wish, gboolean is_remote)
{
  g_autofree SetLockdown *owned = wish;
  GError *error = NULL;
  gboolean done = ew_tunnel_set_lockdown (ew_call_get_tunnel (owned->call), owned->on, owned->guard.confirm_within,
                                          is_remote, &error);

  ew_handle_return_done (owned->call, done, error);
}

static void
on_locality (GObject *source, GAsyncResult *result, gpointer user_data)
{
  set_lockdown (user_data, !ew_caller_is_local_finish (result));
}

void
ew_handle_set_lockdown (EwCall *call, GVariant *parameters)
{
  g_autofree SetLockdown *wish = g_new0 (SetLockdown, 1);
  g_autoptr (GVariant) options = NULL;

  wish->call = call;
  g_variant_get (parameters, "(b@a{sv})", &wish->on, &options);
  if (!ew_handle_read_guard (call, options, &wish->guard))
    return;
  if (wish->guard.over_ssh || ew_call_is_peer (call) || !wish->on)
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
  ew_handle_return_done (call, done, error);
}

void
ew_handle_set_lan (EwCall *call, GVariant *parameters)
{
  GError *error = NULL;
  gboolean allow;

  g_variant_get (parameters, "(b)", &allow);
  gboolean done = ew_tunnel_set_lan (ew_call_get_tunnel (call), allow, &error);
  ew_handle_return_done (call, done, error);
}
