/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What killed edges have left on their host, if no later edge takes it over: the firewall's tables, and the settings
 * that those remember (firewall.h).
 */
#pragma once

#include <glib.h>

typedef struct
{
  guint undone;
  guint in_use; /* the interface is there, so its edge runs and keeps its changes */
} EwExitReverted;

/* Undoes it for each interface name that an edge has had in this network namespace. A G_IO_ERROR_PERMISSION_DENIED
   without CAP_NET_ADMIN. */
gboolean ew_exit_revert (EwExitReverted *reverted, GError **error);
