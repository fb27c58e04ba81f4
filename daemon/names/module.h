/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Edgeway's NSS module (daemon/nss), for computers on which no other resolver takes the mesh's names: its words in
 * /etc/nsswitch.conf, through the undo ledger. The file outlives a restart of the computer, and so does what the ledger
 * says of it.
 */
#pragma once

#include "net/host.h"

G_BEGIN_DECLS

/* The C library finds it, by both of its words. */
gboolean ew_names_module_is_installed (void);
/* Makes ew_host_undo_all() take the words out. Call before that. */
void ew_names_module_register (EwHost *host);
/* Another program that takes the words out again and again. Begins with zeros. */
typedef struct
{
  gint64 restored;    /* when, of g_get_monotonic_time(); 0: never */
  gboolean contested; /* they were removed again right after: the file is left alone */
} EwNamesContest;

/* Pure. The words were added before and are missing at that time. TRUE: restore them, and set restored. */
gboolean ew_names_contest_judge (EwNamesContest *contest, gint64 now);
/* Notes it, then puts the words in; or takes out what it put in. As it is already: nothing happens, so words that
   an administrator wrote there stay. Words that another program has removed are restored, unless it removed them a
   moment before, too. FALSE: a sentence; everything else works without them. Takes milliseconds, as long
   as the disk is well. */
gboolean ew_names_module_use (EwHost *host, gboolean use, EwNamesContest *contest,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
