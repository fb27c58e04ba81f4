/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What edgewayd can reach once it has started. It stays uid 0, because resolved and NetworkManager take a link's
 * settings from uid 0 without polkit, and because the sockets that `wg` looks for are root's. So that uid 0 does not
 * mean "everything of root's", four things are narrowed, each as far as the kernel can:
 *
 *   paths        a mount namespace without other programs' secrets and sockets (sandbox/hidden-paths.h)
 *   files        Landlock: its state, its sockets, the network's sysctls and the TUN device to write to; libraries and
 *                what names and TLS need to read; no program to start (sandbox/landlock.h)
 *   calls        seccomp (sandbox/syscalls.h)
 *   capabilities CAP_NET_ADMIN alone (service/privileges.h)
 *   the bus      what it needs to say there, through a process of its own (service/bus-guard.h)
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  const gchar *state_dir;
  const gchar *bus;           /* the bus' address; NULL: the system bus */
  const gchar *const *closed; /* sockets or folders that a guard stands before, NULL-terminated; or NULL */
  gboolean no_id_mapping;     /* as on a kernel without idmapped mounts: for tests */
} EwSandboxConfig;

/* Gives up every privilege but CAP_NET_ADMIN, then all of the above. Call before the first thread, after the folders
   exist. An error where privileges could not be given up; the rest is best effort, said in debug lines. */
gboolean ew_sandbox_enter (const EwSandboxConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
