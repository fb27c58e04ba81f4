/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * edgewayctl: a table of verbs, each a function from its arguments to an exit code. A verb checks its arguments before
 * it looks for the daemon. Results go to stdout, everything said besides to stderr; a failure is one line there.
 */
#pragma once

#include <gio/gio.h>

#include "link.h"
#include "console/terminal.h"

G_BEGIN_DECLS

typedef enum
{
  EW_EXIT_DONE = 0,
  EW_EXIT_FAILED = 1,
  EW_EXIT_USAGE = 2,
  EW_EXIT_UNREACHABLE = 3,
  EW_EXIT_NOT_AUTHORIZED = 4,
  EW_EXIT_TIMED_OUT = 5,
} EwExit;

#define EW_CTL_MTU_MIN 1280 /* below it IPv6 does not work */
#define EW_CTL_MTU_MAX 9000

typedef struct
{
  EwTerminal terminal;
  const gchar *verb;   /* as typed: "node add" */
  gchar *bus;          /* --bus */
  EwLink *link;        /* NULL until ew_ctl_open */
  gboolean completing; /* no verb does anything: complete.h */
} EwCtl;

typedef struct
{
  const gchar *name;      /* "node add" */
  const gchar *arguments; /* "NAME [--device]…", for the list of verbs */
  const gchar *summary;
  gint (*run) (EwCtl *ctl, gint argc, gchar **argv); /* argv[0] is the verb's last word */
} EwVerb;

/* Runs the program; the exit code. */
gint ew_ctl_main (gint argc, gchar **argv);

/* Parses a verb's options (ended by a NULL entry) and counts what is left, argv[1] on. FALSE: said why, *exit_code is
   set;
   --help has been answered. */
gboolean ew_ctl_parse (EwCtl *ctl, const GOptionEntry *entries, gint *argc, gchar ***argv, gint min, gint max,
                       gint *exit_code);

/* The daemon, found once. */
EwLink *ew_ctl_open (EwCtl *ctl, GError **error);

/* Says what went wrong (a dismissed prompt says nothing) and gives the exit code for it. */
gint ew_ctl_fail (EwCtl *ctl, const GError *error);
gint ew_ctl_usage (EwCtl *ctl, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

/* One line, or several, to stdout or stderr, as they are. */
void ew_ctl_print (const gchar *format, ...) G_GNUC_PRINTF (1, 2);
void ew_ctl_hint (const gchar *format, ...) G_GNUC_PRINTF (1, 2);
/* The object, indented, to stdout. */
void ew_ctl_print_json (JsonObject *object);

/* Calls a method without a result, and prints done (NULL: nothing) on success: all that most verbs do. Takes
 * parameters. */
gint ew_ctl_do (EwCtl *ctl, const gchar *method, GVariant *parameters, const gchar *done);

/* What the mesh knows of a node (as `node show --json`), looked up for a hint: NULL where that isn't available without
   a password. (transfer full) */
JsonObject *ew_ctl_look_up_node (EwCtl *ctl, const gchar *name);

/* As ew_ctl_fail(), for a verb that adds a node: where the name is a node's already, adds how to renew that one. */
gint ew_ctl_fail_to_add (EwCtl *ctl, const gchar *name, const GError *error);

/* Prints a method's JSON as it came: every --json. Takes parameters. */
gint ew_ctl_dump (EwCtl *ctl, const gchar *method, GVariant *parameters);
/* A verb that lists what a method without parameters answers: as JSON with --json, else show prints it. */
gint ew_ctl_list (EwCtl *ctl, gint argc, gchar **argv, const gchar *method,
                  void (*show) (EwCtl *ctl, JsonObject *answer));

/* sshd's environment; sudo removes it, and then logind's view counts. It can only tighten the guard. */
gboolean ew_ctl_came_over_ssh (void);

/* verb-proxy.c: asks a person at a terminal for what the proxy asks for, and stores it. FALSE: no proxy asks, or nothing
   was given. */
gboolean ew_ctl_ask_proxy_password (EwCtl *ctl);

/* Verbs, by file. */
gint ew_verb_enroll (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_leave (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_connect (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_disconnect (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_mode (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_lockdown (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_portal (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_split_list (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_split_exclude (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_split_include (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_split_remove (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_lan (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_proxy (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_status (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_map (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_ping (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_diagnose (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_node_add (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_node_list (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_node_show (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_node_rename (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_node_mtu (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_node_remove (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_node_config (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_key_list (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_key_revoke (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_name_add (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_name_remove (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_name_list (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_name_accept (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_name_refuse (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_names (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_route_add (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_route_remove (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_route_list (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_route_accept (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_route_refuse (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_service_add (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_service_list (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_service_show (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_service_edit (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_service_remove (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_publish (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_publish_list (EwCtl *ctl, gint argc, gchar **argv);
gint ew_verb_publish_remove (EwCtl *ctl, gint argc, gchar **argv);

G_END_DECLS
