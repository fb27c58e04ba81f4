/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/module.h"

#include <dlfcn.h>

#include "common/error.h"
#include "common/phrase.h"
#include "net/notes.h"
#include "nss/nsswitch.h"

#define CONTEST_US (60 * G_USEC_PER_SEC) /* removed again sooner than that: no accident */

static EwChange *
words_new (void)
{
  EwChange *change = ew_change_new (EW_CHANGE_NSSWITCH);

  change->name = g_strdup (EW_NSSWITCH_PATH);
  change->value = g_strdup (EW_CHANGE_NSS_WORDS);
  return change;
}

static gboolean
undo_words (const EwChange *change, gpointer user_data, GError **error)
{
  return ew_nsswitch_apply (FALSE, error);
}

void
ew_names_module_register (EwHost *host)
{
  ew_host_set_undo (host, EW_CHANGE_NSSWITCH, (EwNoteUndo){ undo_words, NULL });
}

gboolean
ew_names_contest_judge (EwNamesContest *contest, gint64 now)
{
  contest->contested = contest->contested || (contest->restored != 0 && now - contest->restored < CONTEST_US);
  return !contest->contested;
}

static gboolean
put_in (EwHost *host, EwNamesContest *contest, GError **error)
{
  g_autoptr (EwChange) change = words_new ();
  const gint64 now = g_get_monotonic_time ();
  gboolean again = ew_host_find_note (host, EW_CHANGE_NSSWITCH) != NULL;

  if (ew_nsswitch_is_installed ())
    {
      contest->contested = FALSE;
      return TRUE; /* by Edgeway, or by this computer's administrator: then they stay */
    }
  if (again && !ew_names_contest_judge (contest, now))
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                    "Another program has removed Edgeway's words from %s twice within a minute, so edgewayd leaves the "
                    "file alone now, and programs don't find the mesh's names. Find that program and stop it from "
                    "removing them. Then reconnect: `edgewayctl disconnect && edgewayctl connect`.",
                    EW_NSSWITCH_PATH);
      return FALSE;
    }
  if (!ew_host_note (host, change, error))
    return FALSE;
  if (ew_nsswitch_apply (TRUE, error))
    {
      if (again)
        {
          g_message ("names: Edgeway's words in %s were removed, and were added again", EW_NSSWITCH_PATH);
          contest->restored = now;
        }
      return TRUE;
    }
  if (ew_nsswitch_apply (FALSE, NULL))
    ew_host_forget (host, change);
  return FALSE;
}

static gboolean
take_out (EwHost *host, GError **error)
{
  g_autoptr (EwChange) change = words_new ();

  if (ew_host_find_note (host, EW_CHANGE_NSSWITCH) == NULL)
    return TRUE;
  if (!ew_nsswitch_apply (FALSE, error))
    return FALSE;
  ew_host_forget (host, change);
  return TRUE;
}

gboolean
ew_names_module_use (EwHost *host, gboolean use, EwNamesContest *contest, GError **error)
{
  return use ? put_in (host, contest, error) : take_out (host, error);
}

gboolean
ew_names_module_is_installed (void)
{
  static const gchar *const modules[] = { "libnss_edgeway.so.2", "libnss_edgeway_short.so.2" };

  for (gsize i = 0; i < G_N_ELEMENTS (modules); i++)
    {
      void *module = dlopen (modules[i], RTLD_NOW | RTLD_LOCAL);
      if (module == NULL)
        return FALSE;
      dlclose (module);
    }
  return TRUE;
}
