/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * revert.
 */
#include <gio/gio.h>
#include <stdio.h>
#include "edge/exit/revert.h"
#include "edge/verbs.h"

gint
ew_control_revert (const EwControl *control G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  EwExitReverted reverted;
  if (!ew_exit_revert (&reverted, &error))
    {
      const gboolean denied = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
      g_printerr ("edgeway-edge: %s%s\n", error->message, denied ? ". Use sudo." : ".");
      return denied ? EW_EXIT_NOT_AUTHORIZED : EW_EXIT_FAILED;
    }
  if (reverted.undone > 0)
    printf ("Every change that a killed edge has left was undone.\n");
  else
    printf ("No killed edge has left a change.\n");
  if (reverted.in_use > 0)
    printf ("An edge runs and keeps what it has changed.\n");
  return EW_EXIT_DONE;
}
