/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The edge needs CAP_NET_ADMIN for its TUN and exit, and CAP_NET_BIND_SERVICE until its ports are bound; nothing else,
 * and no uid 0 where its own user exists. Call before any thread is made: capabilities are a thread's.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define EW_EDGE_USER "edgeway-edge"

/* Started by uid 0: hands the state directory to the edge's user and becomes that user, where it exists. In any case
   narrows capabilities and the bounding set and sets no_new_privs. packages: a further folder that stays in sight, or
   NULL. */
gboolean ew_edge_privileges_narrow (const gchar *state_dir, const gchar *packages, GError **error);
/* The ports are bound: CAP_NET_BIND_SERVICE is dropped before the data threads start. */
void ew_edge_privileges_ports_bound (void);
/* Narrows files and system calls, each as far as the kernel can (sandbox/landlock.h, sandbox/syscalls.h). The state
   directory exists, and no thread does yet. packages: a further folder to be read, or NULL. */
void ew_edge_sandbox_enter (const gchar *state_dir, const gchar *packages);

G_END_DECLS
