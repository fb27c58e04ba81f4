/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What other rooms change on this computer is in the same undo ledger: the room notes a change before it makes it,
 * and says how such changes are undone. ew_host_undo_all() undoes them with the rest, newest first; ew_host_apply()
 * leaves them alone.
 */
#pragma once

#include "net/change.h"
#include "net/host.h"

G_BEGIN_DECLS

/* How changes of one kind are undone. Called for a change whose interface, if it has one, is still the one that was
   changed. TRUE: it is undone, or handed over to be undone in the background. May set error where FALSE. */
typedef struct
{
  gboolean (*undo) (const EwChange *change, gpointer user_data, GError **error);
  gpointer user_data;
} EwNoteUndo;

/* TRUE for the kinds that other rooms make. */
gboolean ew_change_is_noted (const EwChange *change);

/* undo.undo NULL: it can't be undone, and the changes stay in the ledger. */
void ew_host_set_undo (EwHost *host, EwChangeKind kind, EwNoteUndo undo);
/* Writes change into the ledger, on disk, before it is made. One that says the same is there already: nothing is
   written. One that collides is replaced. Errors: EW_HOST_ERROR_LEDGER; then it must not be made. */
gboolean ew_host_note (EwHost *host, const EwChange *change, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What was noted and is the same as change was undone. */
void ew_host_forget (EwHost *host, const EwChange *change);
/* The first change of this kind in the ledger, NULL: none. Borrowed until the next change. */
const EwChange *ew_host_find_note (EwHost *host, EwChangeKind kind);

G_END_DECLS
