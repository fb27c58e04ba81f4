/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * This process's own view of the file system, in which uid 0 without CAP_DAC_OVERRIDE is not the owner of what is
 * root's. Landlock rules opening files, not connect() to a socket by its path, and it cannot tell /etc/shadow from
 * an /etc/resolv.conf that was replaced since (a rule applies to an inode). A mount namespace can do both, also where
 * there is no systemd to make one:
 *
 *   /etc              idmapped mount (kernel 5.12, ext4, xfs, btrfs, tmpfs 6.3): root's files belong to no existing
 *                     user, so only what everyone may read can be read, also in files created later. Elsewhere
 *                     the known secrets are covered one by one, and it is read-only
 *   /run              the same; elsewhere (tmpfs before 6.3) an empty folder with what is kept in it
 *   /var, /tmp, …     empty folders with what is kept in them
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gboolean own; /* a namespace of its own: FALSE, without CAP_SYS_ADMIN (most containers), and nothing is hidden */
  gboolean etc_public; /* of /etc, only what everybody may read can be read */
} EwHiddenPaths;

/* kept: folders and sockets that stay as they are; shown: of these it is enough to have what everybody may read and
   connect to; closed: files and folders in those that are covered nevertheless. All with NULL at the end; a missing one
   is left out. can_map FALSE: as on a kernel without idmapped
   mounts (for tests). Best effort. Call before the first thread and with all capabilities. */
EwHiddenPaths ew_hidden_paths_enter (const gchar *const *kept, const gchar *const *shown, const gchar *const *closed,
                                     gboolean can_map);

/* Whether something is mounted on this very file or folder (kernel 5.8). */
gboolean ew_is_mount_point (const gchar *path);

G_END_DECLS
