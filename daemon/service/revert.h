/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `edgewayd --revert`: what an edgewayd that was killed has left changed on this computer, undone without starting one:
 * before Edgeway is removed, or where it doesn't start any more.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Undoes the whole ledger of state_dir, and removes Edgeway's words from nsswitch.conf, whatever the ledger says:
   without Edgeway they mean nothing. The sockets that no process listens on any more are removed, too (interface: the
   tunnel's). Says on stdout what was done. An edgewayd with another state folder keeps what is its own. An error: an
   edgewayd uses state_dir, something couldn't be undone (the rest was), or there is something left that another state
   folder's ledger knows. */
gboolean ew_revert (const gchar *state_dir, const gchar *interface, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* `edgewayd --lockdown load` and `off` (net/lockdown.h): the firewall rules as they are stored, at boot; lockdown ended,
   whether an edgewayd uses state_dir, or could, or not. */
gboolean ew_lockdown_load (const gchar *state_dir, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean ew_lockdown_open (const gchar *state_dir, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
