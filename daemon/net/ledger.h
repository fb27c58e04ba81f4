/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The undo ledger: what Edgeway has changed on this computer, on disk before it's changed, so that a crash forgets
 * nothing.
 *
 * One JSON object a line: {"sum":"…","entry":{"id":7,"boot":"…","kind":"route",…}} for a change, with "undone":7 in the
 * entry for one that was undone. sum is the first 16 hex digits of the entry's SHA-256: it finds accidents, not
 * attackers (the folder is root's own). A last line that is cut off or altered was never finished, so the change it
 * speaks of was never made: it is left out. Anything else that doesn't fit makes the whole ledger broken: an error says
 * what to do and nothing of it is obeyed. Entries of another boot are dropped, because nearly everything in here lives
 * in the kernel, which forgot it; what is on a disk (ew_change_outlives_boot()) stays until it is undone.
 *
 * What it says of the kernel matters for this boot only. So where the disk is full or read-only, the ledger continues
 * in a spare file in memory (/run), whole: while that file is there, the one on the disk is out of date and not looked
 * at. At the next chance it goes back to the disk, and the spare file is removed after that. Until then, no change that
 * outlives a boot is made; and earlier ones are still in the file on the disk.
 */
#pragma once

#include "net/change.h"

G_BEGIN_DECLS

typedef struct EwLedger EwLedger;

#define EW_LEDGER_MAX (4u << 20) /* bytes of a file that is read */

/* spare: the file in memory; its folder may be missing. boot_id: of this boot. A missing file is an empty ledger.
   Errors: EW_HOST_ERROR_LEDGER. */
EwLedger *ew_ledger_open (const gchar *path, const gchar *spare, const gchar *boot_id,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ew_ledger_free (EwLedger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwLedger, ew_ledger_free)

/* The changes that haven't been undone, oldest first. Borrowed; invalid after the next call. */
guint ew_ledger_length (EwLedger *ledger);
const EwChange *ew_ledger_get (EwLedger *ledger, guint i);

/* Writes the change down and fsyncs; only then may it be made. Returns the ledger's own copy, with its id, or NULL and
   nothing is in either file. */
const EwChange *ew_ledger_add (EwLedger *ledger, const EwChange *change, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same for many at once (EwChange; each gets its id), with one fsync. None of them may outlive a boot. FALSE: none is
   in either file. */
gboolean ew_ledger_add_all (EwLedger *ledger, const GPtrArray *changes, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* It was undone. A failed write isn't an error: undoing twice does no harm. */
void ew_ledger_remove (EwLedger *ledger, guint64 id);

/* The pure part, for tests and the fuzzer: appends the changes that are in force in this boot to changes (EwChange), sets *next_id past
   every id seen and *rewrite where the file holds more than they need. */
gboolean ew_ledger_parse (const gchar *data, gsize length, const gchar *boot_id, GPtrArray *changes, guint64 *next_id,
                          gboolean *rewrite, GError **error);
/* One line, with its end. (transfer full) */
gchar *ew_ledger_format (const EwChange *change, guint64 id, const gchar *boot_id);

G_END_DECLS
