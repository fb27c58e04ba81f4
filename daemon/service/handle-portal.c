/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The methods about a captive portal's page.
 */
#include "common/error.h"
#include "common/phrase.h"
#include "service/handle-private.h"
#include "service/methods.h"

#define SECONDS_MIN 60
#define SECONDS_MAX 3600
#define SECONDS_DEFAULT 600

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  g_autofree gchar *url = ew_tunnel_open_portal_finish (EW_TUNNEL (source), result, &error);

  if (url != NULL)
    ew_call_return (user_data, g_variant_new ("(s)", url));
  else
    ew_call_fail (user_data, error);
}

void
ew_handle_open_portal (EwCall *call, GVariant *parameters)
{
  g_autoptr (GVariant) options = NULL;
  guint32 caller = ew_call_get_caller (call)->uid, uid = caller, seconds = SECONDS_DEFAULT;

  g_variant_get (parameters, "(@a{sv})", &options);
  g_variant_lookup (options, "seconds", "u", &seconds);
  g_variant_lookup (options, "uid", "u", &uid);
  if (!ew_handle_has_type (options, "seconds", G_VARIANT_TYPE_UINT32)
      || !ew_handle_has_type (options, "uid", G_VARIANT_TYPE_UINT32) || seconds < SECONDS_MIN || seconds > SECONDS_MAX)
    ew_call_fail_literal (call, EW_ERROR_INVALID_ARGUMENT,
                          N_ ("The option \"seconds\" must be a uint32 (u) from 60 to 3600, \"uid\" a uint32 (u)."));
  else if (uid != caller && caller != 0)
    ew_call_fail_literal (call, EW_ERROR_NOT_AUTHORIZED,
                          N_ ("Only root can open the login page for another user's browser."));
  else
    ew_tunnel_open_portal_async (ew_call_get_tunnel (call), uid, seconds, ew_call_get_cancellable (call), on_opened,
                                 call);
}

void
ew_handle_close_portal (EwCall *call, GVariant *parameters)
{
  ew_tunnel_close_portal (ew_call_get_tunnel (call));
  ew_call_return (call, NULL);
}
