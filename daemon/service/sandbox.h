/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What edgewayd can reach in the file system, narrowed by Landlock (kernel 5.13 and later; Documentation/userspace-api/
 * landlock.rst). It writes to its state, its sockets, the network's sysctls and the TUN device; it reads programs'
 * libraries, configuration, /proc, /sys and /run; it starts no program.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Best effort: a kernel without Landlock leaves a debug line, and the unit's own sandbox does the same where there is
   systemd. Call before the first thread, after the folders exist and no_new_privs is set. TRUE: narrowed. */
gboolean ew_sandbox_enter (const gchar *state_dir);

G_END_DECLS
