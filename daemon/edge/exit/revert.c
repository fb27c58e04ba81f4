/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/exit/revert.h"

#include <net/if.h>

#include "edge/exit/firewall.h"
#include "edge/exit/sysctl.h"
#include "host/sysctl.h"

gboolean
ew_exit_revert (EwExitReverted *reverted, GError **error)
{
  g_auto (GStrv) interfaces = ew_exit_firewall_list_interfaces (error);

  *reverted = (EwExitReverted){ 0 };
  for (gchar **interface = interfaces; interface != NULL && *interface != NULL; interface++)
    {
      g_autoptr (GPtrArray) undo = NULL;

      if (if_nametoindex (*interface) != 0)
        {
          reverted->in_use++;
          continue;
        }
      undo = ew_exit_firewall_read_undo (*interface);
      /* In this order: the table remembers what the settings were. */
      ew_exit_sysctl_undo_all (EW_SYSCTL_ROOT, undo);
      if (!ew_exit_firewall_remove (*interface, error))
        return FALSE;
      reverted->undone++;
    }
  return interfaces != NULL;
}
