/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/module.h"

#include <dlfcn.h>

#include "net/notes.h"
#include "nss/nsswitch.h"

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

static gboolean
put_in (EwHost *host, GError **error)
{
  g_autoptr (EwChange) change = words_new ();

  if (ew_nsswitch_is_installed ())
    return TRUE; /* by us, or by whoever administers this computer: then they stay */
  if (!ew_host_note (host, change, error))
    return FALSE;
  if (ew_nsswitch_apply (TRUE, error))
    return TRUE;
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
ew_names_module_use (EwHost *host, gboolean use, GError **error)
{
  return use ? put_in (host, error) : take_out (host, error);
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
