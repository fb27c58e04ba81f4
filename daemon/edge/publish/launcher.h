/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A process of the edge's that starts other programs. The edge itself may not (sandbox/syscalls.h), and what it starts
 * must not inherit its right to change the network. So this is forked while the edge begins, gives up every capability,
 * sees one folder of the edge's state and the installed programs, and starts only those that are listed in launcher.c.
 *
 *   edge ── run 1: nginx … ──→ launcher ── fork, exec ──→ nginx
 *        ←── 1 has ended ─────         ←── SIGCHLD ──────
 *
 * When the edge ends, however it does, the launcher ends its programs and itself.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_PUBLISH_NGINX "/usr/sbin/nginx"

typedef struct EwLauncher EwLauncher;

/* run has ended, with that status of waitpid(2); -1: it couldn't be started. run 0: the launcher itself has. */
typedef void (*EwLauncherFunc) (gpointer user_data, guint run, gint status);

/* folder exists: programs start and may write there. Call before the first thread and before the edge's own sandbox.
   NULL with errno. */
EwLauncher *ew_publish_launcher_new (const gchar *folder) G_GNUC_WARN_UNUSED_RESULT;
void ew_publish_launcher_free (EwLauncher *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwLauncher, ew_publish_launcher_free)

/* func is called from the main context; NULL: nobody hears. */
void ew_publish_launcher_set_func (EwLauncher *self, EwLauncherFunc func, gpointer user_data);
/* argv: NULL-terminated, the program's path first. log: a file in the folder that takes what it says; NULL: the edge's
   stderr. Returns a number for it; 0: the launcher has ended. */
guint ew_publish_launcher_run (EwLauncher *self, const gchar *const *argv, const gchar *log);
void ew_publish_launcher_signal (EwLauncher *self, guint run, gint number);

G_END_DECLS
