/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this computer's administrator lets Edgeway fix (net/fixes.c): chosen here, stored, a part of each configuration
 * from then on, until it is reverted.
 */
#include "tunnel/tunnel-private.h"
#include "common/error.h"

/* EwHostFix flags. */
static guint
wanted_fixes (const EwKeystore *keystore)
{
  guint fixes = 0;
  for (gchar **check = keystore->fixes; check && *check; check++)
    fixes |= ew_host_fix_from_check (*check); /* one of a later version is 0 */
  return fixes;
}

guint
ew_tunnel_get_fixes (EwTunnel *self)
{
  return self->keystore ? wanted_fixes (self->keystore) : 0;
}

/* What can be fixed now. */
static guint
find_fixable (EwTunnel *self)
{
  const GArray *ranges = self->document ? self->document->ranges : NULL;
  return ew_host_find_fixable (self->host, ranges ? (const EwPrefix *)ranges->data : NULL, ranges ? ranges->len : 0);
}

static void
set_fixes (EwKeystore *keystore, guint fixes)
{
  g_strfreev (keystore->fixes);
  keystore->fixes = ew_host_fix_checks (fixes);
}

/* Stored and in force, or as before. */
static gboolean
choose_fixes (EwTunnel *self, guint fixes, GError **error)
{
  const guint before = wanted_fixes (self->keystore);
  set_fixes (self->keystore, fixes);
  if ((!self->engine || ew_tunnel_apply (self, self->vpn_active, error)) && ew_keystore_save (self->keystore, error))
    return TRUE;
  set_fixes (self->keystore, before);
  if (self->engine)
    (void)ew_tunnel_apply (self, self->vpn_active, NULL);
  return FALSE;
}

/* "": all of candidates. FALSE: there is no fix for that check. */
static gboolean
pick_fixes (const gchar *check, guint candidates, guint *fixes, GError **error)
{
  *fixes = *check == '\0' ? candidates : ew_host_fix_from_check (check);
  if (*check == '\0' || *fixes != 0)
    return TRUE;
  ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                "Edgeway has no fix of its own for this check. Do what `edgewayctl diagnose` says about it.");
  return FALSE;
}

GStrv
ew_tunnel_fix (EwTunnel *self, const gchar *check, GError **error)
{
  guint fixes;
  if (!ew_tunnel_check_member (self, error) || !pick_fixes (check, find_fixable (self), &fixes, error))
    return NULL;
  if (fixes == 0)
    return ew_host_fix_checks (0);
  if (!choose_fixes (self, wanted_fixes (self->keystore) | fixes, error))
    return NULL;
  if (!self->engine || (find_fixable (self) & fixes) == 0)
    return ew_host_fix_checks (fixes);
  ew_set_error (error, EW_ERROR, EW_ERROR_HOST_CONFLICT,
                "Edgeway's fix had no effect: another program undoes it. Do what `edgewayctl diagnose` says by hand.");
  return NULL;
}

GStrv
ew_tunnel_revert_fixes (EwTunnel *self, const gchar *check, GError **error)
{
  guint fixes;
  if (!ew_tunnel_check_member (self, error))
    return NULL;
  const guint before = wanted_fixes (self->keystore);
  if (!pick_fixes (check, before, &fixes, error))
    return NULL;
  fixes &= before;
  if (fixes != 0 && !choose_fixes (self, before & ~fixes, error))
    return NULL;
  return ew_host_fix_checks (fixes);
}
