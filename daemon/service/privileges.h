/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What edgewayd may do once it has started: uid 0 with CAP_NET_ADMIN as its whole permitted and bounding set, and
 * no_new_privs. Without CAP_DAC_OVERRIDE even uid 0 reads only what root's own permission bits allow.
 *
 * Capabilities and no_new_privs belong to a thread, so they are dropped before GLib starts its first one.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* EW_ERROR_NOT_AUTHORIZED if the process isn't uid 0 or lacks CAP_NET_ADMIN. */
gboolean ew_privileges_check (GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Drops everything but CAP_NET_ADMIN, supplementary groups too; checked before. The process leaves no core file from
   here on. */
gboolean ew_privileges_drop (GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether only this process uses the state directory: takes an advisory lock that lasts as long as the process. One that
   is ending is waited for. EW_ERROR_FAILED names the other edgewayd's state directory. */
gboolean ew_state_lock (const gchar *state_dir, guint wait_ms, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
