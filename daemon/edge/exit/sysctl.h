/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Forwarding on this host, switched on and back again. A plan is the list of what will be written, made before the
 * first write; it's stored in the firewall's table while it's in force (firewall.h), so that it lives exactly as long
 * as the values themselves: through a kill of the edge, not through a reboot. Undoing writes only where the edge's
 * value is still in place.
 */
#pragma once

#include <gio/gio.h>

typedef struct
{
  gchar *name; /* below /proc/sys: "net/ipv4/ip_forward" */
  gchar *before;
  gchar *written; /* NULL: not written by the edge, but the kernel changes it with another entry; restored after that
                     one */
} EwSysctl;

void ew_exit_sysctl_free (EwSysctl *sysctl);

/* root: "/proc/sys", another folder in tests. */

/* What has to be written so that this host forwards: IPv4, and IPv6 where ipv6 is TRUE, on all interfaces but
   `interface`'s own settings. Nothing where it forwards already. (transfer full) of EwSysctl, in the order of writing.
 */
GPtrArray *ew_exit_sysctl_plan_forwarding (const gchar *root, const gchar *interface, gboolean ipv6);
/* Those of an earlier plan (older, of an edge that was killed) that are still in force, then those of plan that are
   new: the plan to keep. Takes both. */
GPtrArray *ew_exit_sysctl_inherit (const gchar *root, GPtrArray *older, GPtrArray *plan);
gboolean ew_exit_sysctl_write_all (const gchar *root, const GPtrArray *plan, GError **error);
/* In the opposite order, where the value is still the edge's. */
void ew_exit_sysctl_undo_all (const gchar *root, const GPtrArray *plan);

/* One entry as a line of at most 120 characters, and back; NULL: not an entry of the plan. */
gchar *ew_exit_sysctl_to_text (const EwSysctl *sysctl);
EwSysctl *ew_exit_sysctl_from_text (const gchar *text);
