/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The verbs that speak to a running edge through its control socket, and the exit codes of all (contract, "Programs").
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

enum
{
  EW_EXIT_DONE = 0,
  EW_EXIT_FAILED = 1,
  EW_EXIT_USAGE = 2,
  EW_EXIT_UNREACHABLE = 3,
  EW_EXIT_NOT_AUTHORIZED = 4,
  EW_EXIT_TIMED_OUT = 5
};

/* argv[0] is the verb. They print to stdout, or one line to stderr, and return the exit code. */
gint ew_edge_verb_admin_key (gint argc, gchar **argv);
gint ew_edge_verb_status (gint argc, gchar **argv);

/* One call over the control socket. body NULL: none. NULL: told on stderr, *exit_code says how. */
JsonObject *ew_edge_control_call (const gchar *state_dir, const gchar *method, const gchar *path, JsonObject *body,
                                  gint *exit_code);

G_END_DECLS
