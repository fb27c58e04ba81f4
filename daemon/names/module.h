/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Our NSS module (daemon/nss), for computers on which no other resolver takes the mesh's names: its words in
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
/* Notes it, then puts the words in; or takes out what it put in. As it is already: nothing happens, so words that
   stand there on their own stay. FALSE: a sentence; everything else goes on without them. Takes milliseconds, as long
   as the disk is well. */
gboolean ew_names_module_use (EwHost *host, gboolean use, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
