/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * edgewayd from its first instruction to its last:
 *
 *   options → folders, lock → privileges dropped → file access narrowed → (first thread) tunnel → bus → tunnel started
 *   SIGTERM, SIGINT → tunnel stopped → bus left → exit 0
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The exit code: 0 done, 1 failed, 2 wrong usage, 4 not privileged. */
gint ew_daemon_main (gint argc, gchar **argv);

G_END_DECLS
