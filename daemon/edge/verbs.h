/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The verbs of edgeway-edge besides run, which speak to a running edge through its control socket (all but revert), and
 * the exit codes of all.
 */
#pragma once

#include <json-glib/json-glib.h>
#include "console/terminal.h"

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

/* What a verb was called with. */
typedef struct
{
  EwTerminal terminal;
  gchar *state_dir;
  gboolean json;
  gboolean completing; /* the last word is being typed: nothing is done */
  guint valid_seconds;
  const gchar *argument; /* NULL where the verb takes none */
} EwControl;

typedef struct
{
  const gchar *name;                      /* "node list" */
  const gchar *argument;                  /* "NAME"; NULL: it takes none */
  const gchar *summary;                   /* for the list of verbs: an imperative without a full stop */
  gboolean has_json;                      /* it takes --json */
  gboolean has_valid;                     /* … --valid */
  gboolean is_local;                      /* it needs no running edge: no --state-dir */
  gint (*run) (const EwControl *control); /* prints to stdout, or one line to stderr; → the exit code */
} EwControlVerb;

extern const EwControlVerb ew_control_verbs[]; /* ends with name NULL */
/* Finds the verb that argv[1], or argv[1] and argv[2], name; *words: how many those are. NULL: not found. */
const EwControlVerb *ew_control_verb_find (gint argc, gchar **argv, gint *words);
/* `edgeway-edge complete WORD…`, which the shells' scripts call: what the last word could become (console/complete.h).
   argv[1] on are the words after "edgeway-edge". */
void ew_control_complete (gint argc, gchar **argv);
/* argv[0] is the verb's last word. → the exit code */
gint ew_control_verb_run (const EwControlVerb *verb, gint argc, gchar **argv);

/* control.c: one call. body NULL: none. NULL: reported on stderr, *exit_code says how. */
JsonObject *ew_control_call (const EwControl *control, const gchar *method, const gchar *path, JsonObject *body,
                             gint *exit_code);
/* "/v1/nodes/" and the like, then what the user typed, percent-encoded. (transfer full) */
gchar *ew_control_path (const gchar *collection, const gchar *item);
/* The object, indented, to stdout. */
void ew_control_print_json (JsonObject *object);

/* The verbs, by file: verb-status.c, verb-node.c, verb-key.c, verb-revert.c. */
gint ew_control_status (const EwControl *control);
gint ew_control_admin_key (const EwControl *control);
gint ew_control_node_list (const EwControl *control);
gint ew_control_node_show (const EwControl *control);
gint ew_control_node_remove (const EwControl *control);
gint ew_control_key_list (const EwControl *control);
gint ew_control_key_revoke (const EwControl *control);
gint ew_control_revert (const EwControl *control);

G_END_DECLS
