/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * System calls that neither daemon has a use for once it has started, refused by seccomp (seccomp(2)) with and without
 * systemd: other programs, namespaces, mounts, tracing, modules, keys, io_uring and the like. A list of what is
 * refused, not of what is allowed: the libraries that the daemons load may use what they like of the rest, in every
 * version.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* For all threads that there are and will be. FALSE: this kernel or processor doesn't support it. no_new_privs is
   set. */
gboolean ew_syscalls_narrow (void);
/* The same for a process that starts other programs and ends them, and for those: they may be run, signaled and limited,
   and may call as their own user what would make them another. */
gboolean ew_syscalls_narrow_launcher (void);

G_END_DECLS
