/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the methods under the guard have in common: who keeps the change, and within which time.
 */
#include "common/error.h"
#include "common/phrase.h"
#include "service/handle-private.h"

#define CONFIRM_WITHIN_MAX 86400

void
ew_handle_return_done (EwCall *call, gboolean done, GError *error)
{
  if (done)
    ew_call_return (call, NULL);
  else
    ew_call_fail (call, error);
}

gboolean
ew_handle_has_type (GVariant *options, const gchar *key, const GVariantType *type)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (options, key, NULL);

  return value == NULL || g_variant_is_of_type (value, type);
}

gboolean
ew_handle_read_guard (EwCall *call, GVariant *options, EwGuardOptions *guard)
{
  *guard = (EwGuardOptions){ 0 };
  g_variant_lookup (options, "ssh", "b", &guard->over_ssh);
  g_variant_lookup (options, "confirm-within", "u", &guard->confirm_within);
  if (!ew_handle_has_type (options, "ssh", G_VARIANT_TYPE_BOOLEAN)
      || !ew_handle_has_type (options, "confirm-within", G_VARIANT_TYPE_UINT32))
    ew_call_fail_literal (call, EW_ERROR_INVALID_ARGUMENT,
                          N_ ("The option \"confirm-within\" must be a uint32 (u), \"ssh\" a boolean (b)."));
  else if (guard->confirm_within > CONFIRM_WITHIN_MAX)
    ew_call_fail_literal (call, EW_ERROR_INVALID_ARGUMENT, N_ ("confirm-within must be at most a day: 86400 seconds."));
  else
    return TRUE;
  return FALSE;
}
