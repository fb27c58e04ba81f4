/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/revert.h"

#include <errno.h>
#include <unistd.h>

#include "common/error.h"
#include "names/names.h"
#include "net/host.h"
#include "nss/names-socket.h"
#include "nss/nsswitch.h"
#include "service/privileges.h"

static gboolean
undo_ledger (const gchar *state_dir, gboolean *any, GError **error)
{
  g_autofree gchar *path = g_build_filename (state_dir, "undo", NULL);
  g_autoptr (EwHost) host = NULL;
  g_autoptr (GError) local = NULL;

  host = ew_host_new (path, error);
  if (host == NULL)
    return FALSE;
  ew_names_register_undo (host);
  *any |= !ew_host_ledger_is_empty (host);
  if (ew_host_undo_all (host, &local))
    return TRUE;
  g_set_error (error, EW_ERROR, EW_ERROR_FAILED, "Not everything could be undone: %s",
               local != NULL ? local->message : "see above.");
  return FALSE;
}

gboolean
ew_revert (const gchar *state_dir, GError **error)
{
  g_autoptr (GError) words = NULL;
  gboolean any = ew_nsswitch_has_words (), done = TRUE;

  if (!ew_privileges_check (error))
    return FALSE;
  if (g_file_test (state_dir, G_FILE_TEST_IS_DIR))
    {
      if (!ew_state_lock (state_dir, error))
        return FALSE; /* whose ledger this is, is at work */
      done = undo_ledger (state_dir, &any, error);
    }
  if (!ew_nsswitch_apply (FALSE, &words))
    {
      if (done)
        g_propagate_error (error, g_steal_pointer (&words));
      return FALSE;
    }
  (void)unlink (EW_NAMES_FOLDER "/" EW_NAMES_CONF);
  (void)unlink (EW_NAMES_FOLDER "/" EW_NAMES_SOCKET);
  if (done)
    g_print (any ? "Every change to this computer was undone.\n" : "There was nothing to undo.\n");
  return done;
}
