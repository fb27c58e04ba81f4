/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Edgeway's two words in the line `hosts` of nsswitch.conf(5), added and removed:
 *
 *   hosts: files mdns4_minimal [NOTFOUND=return] dns
 *   hosts: files edgeway [!UNAVAIL=return] mdns4_minimal [NOTFOUND=return] dns edgeway_short
 *
 *   hosts: files resolve [!UNAVAIL=return] dns
 *   hosts: files edgeway [!UNAVAIL=return] resolve [!UNAVAIL=return NOTFOUND=continue] edgeway_short [NOTFOUND=return]
 *          dns edgeway_short
 *
 * `edgeway` comes before the first word that asks a network. Its action ends the look-up of a name below the mesh's
 * suffix there, so that no other name server hears of it; for all other names, and without edgewayd, it is
 * "unavailable" and the look-up continues. `edgeway_short` comes last: what resolved before resolves to the same. Where
 * a name server's "not found" ended the look-up, it comes after that, too, and ends it there.
 *
 * Removal takes out Edgeway's words only and keeps what other programs wrote in the meantime: no copy of the old file
 * is kept, and none is needed.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define EW_NSSWITCH_PATH "/etc/nsswitch.conf"
#define EW_NSSWITCH_MAX (64u << 10) /* bytes of a file that is edited */

typedef enum
{
  EW_NSSWITCH_SAME,      /* it says so already */
  EW_NSSWITCH_CHANGED,   /* now it does */
  EW_NSSWITCH_NO_FILE,   /* no such line: glibc uses its built-in default */
  EW_NSSWITCH_NO_LINE,   /* … no line `hosts`, likewise */
  EW_NSSWITCH_ELSEWHERE, /* a link that leads out of its folder (NixOS: a read-only store) */
  EW_NSSWITCH_STRANGE,   /* not a text file of root's of a sensible size, or a line `hosts` that glibc can't read */
  EW_NSSWITCH_FAILED     /* errno says why */
} EwNsswitchResult;

/* Pure: text with Edgeway's words in it, or without. (transfer full); NULL with *result SAME, NO_LINE or STRANGE. */
gchar *ew_nsswitch_edit (const gchar *text, gsize length, gboolean add, EwNsswitchResult *result);

/* The file of that path. It is replaced in one step, so that a program that reads it sees the old or the new one, whole,
   after a power failure too; one that is a mount (a container's) is written to in place. Follows a link within its
   folder. Sets errno with FAILED. */
EwNsswitchResult ew_nsswitch_edit_file (const gchar *path, gboolean add);

/* ---- the process that may write to /etc, while edgewayd itself may not (service/sandbox.h)
 *
 * A child with no capability, no network, no program to start and only /etc to write to, which takes two orders:
 * put in, take out. When edgewayd has ended for any reason, the child removes the words by itself and ends. */

/* Call before edgewayd's sandbox and before the first thread. FALSE with errno: without it, editing is done in this
   process. */
gboolean ew_nsswitch_start_keeper (void);
/* Closes its socket, which ends it. */
void ew_nsswitch_stop_keeper (void);
/* Edits EW_NSSWITCH_PATH, through the keeper if there is one; waits for it, a few seconds at most. An error is a
   sentence:
   EW_ERROR. */
gboolean ew_nsswitch_apply (gboolean add, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Both words are in it now; any of the two. */
gboolean ew_nsswitch_is_installed (void);
gboolean ew_nsswitch_has_words (void);

G_END_DECLS
