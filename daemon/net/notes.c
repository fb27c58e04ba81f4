/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/host-private.h"

gboolean
ew_change_is_noted (const EwChange *change)
{
  return change->kind >= EW_CHANGE_RESOLVER;
}

void
ew_host_set_undo (EwHost *host, EwChangeKind kind, EwNoteUndo undo)
{
  host->undoers[kind] = undo;
}

gboolean
ew_notes_take_back (EwHost *host, const EwChange *change, GError **error)
{
  const EwNoteUndo *undoer = &host->undoers[change->kind];

  return undoer->undo != NULL && undoer->undo (change, undoer->user_data, error);
}

/* The interface went, and the change with it. */
static gboolean
is_gone (const EwChange *change)
{
  return change->interface != NULL && if_nametoindex (change->interface) != change->link;
}

gboolean
ew_host_note (EwHost *host, const EwChange *change, GError **error)
{
  g_autofree gchar *what = ew_change_describe (change);
  g_autoptr (GArray) replaced = g_array_new (FALSE, FALSE, sizeof (guint64));

  for (guint i = 0; i < ew_ledger_length (host->ledger); i++)
    {
      const EwChange *known = ew_ledger_get (host->ledger, i);
      if (ew_change_same (known, change))
        return TRUE;
      if (ew_change_collides (known, change) || (known->kind == change->kind && is_gone (known)))
        g_array_append_val (replaced, known->id);
    }
  ew_host_step ("note down %s", what);
  if (ew_ledger_add (host->ledger, change, error) == NULL)
    return FALSE;
  for (guint i = 0; i < replaced->len; i++)
    ew_ledger_remove (host->ledger, g_array_index (replaced, guint64, i));
  ew_host_step ("set up %s", what);
  return TRUE;
}

void
ew_host_forget (EwHost *host, const EwChange *change)
{
  for (guint i = ew_ledger_length (host->ledger); i-- > 0;)
    {
      const EwChange *known = ew_ledger_get (host->ledger, i);
      if (ew_change_same (known, change))
        ew_ledger_remove (host->ledger, known->id);
    }
}

const EwChange *
ew_host_find_note (EwHost *host, EwChangeKind kind)
{
  for (guint i = 0; i < ew_ledger_length (host->ledger); i++)
    if (ew_ledger_get (host->ledger, i)->kind == kind)
      return ew_ledger_get (host->ledger, i);
  return NULL;
}
