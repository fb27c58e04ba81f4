/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this process can reach in the file system, narrowed by Landlock (kernel 5.13; Documentation/userspace-api/
 * landlock.rst); with it, where the kernel can (6.12), signals to others and their abstract sockets. Sockets that have
 * a path it does not rule: hidden-paths.h does.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  EW_REACH_READ,       /* files and lists of folders */
  EW_REACH_RUN,        /* … and programs there may be run */
  EW_REACH_WRITE_FILE, /* what is there may be written to */
  EW_REACH_WRITE,      /* made, renamed and removed, too */
} EwReachAccess;

typedef struct
{
  const gchar *path; /* a file, or a folder with all below it; one that is missing gives nothing */
  EwReachAccess access;
} EwReach;

/* Best effort: TRUE where the kernel has it. Call before the first thread, with no_new_privs set. abstract: abstract
   sockets of others stay within reach. */
gboolean ew_landlock_enter (const EwReach *reach, gsize n_reach, gboolean abstract);

/* What both daemons need: libraries, /proc and /sys to read, the TUN device and the network's sysctls to write to.
   reach: of EwReach. */
void ew_reach_add_common (GArray *reach);

G_END_DECLS
