/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `edgewayctl complete WORD…`: what the last word could become (console/complete.h). It isn't in the help: the shells'
 * scripts call it. It prints nothing to stderr and never asks for a password.
 */
#pragma once

#include "ctl.h"

G_BEGIN_DECLS

/* argv[1] on are the words after "edgewayctl"; run: runs a verb, with ctl->completing set. verbs: all, n of them. */
void ew_ctl_complete (EwCtl *ctl, gint argc, gchar **argv, const EwVerb *verbs, gsize n,
                      gint (*run) (EwCtl *ctl, gint argc, gchar **argv));
/* What ew_ctl_parse does instead of parsing: offers options, their values, or what ctl->verb takes as an argument. */
void ew_ctl_complete_verb (EwCtl *ctl, const GOptionEntry *const *tables, gint argc, gchar **argv, gint max);

G_END_DECLS
