/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A node's or an edge's name as programs take it. People paste it into a shell, so nothing but DNS names is made of
 * what an edge says: a name that begins with "-" would be an option of ssh.
 */
#pragma once

#include "daemon.h"

G_BEGIN_DECLS

/* A DNS label: 1 to 63 of a-z, 0-9 and "-", which isn't first or last. */
gboolean ew_is_label (const gchar *text);
/* "nas.home.internal"; NULL: the suffix isn't known, or name or suffix isn't a valid name. (transfer full) */
gchar *ew_full_name (EwDaemon *daemon, const gchar *name);
/* The full name where names work on this computer, else the address; NULL: neither. (transfer full) */
gchar *ew_reachable_name (EwDaemon *daemon, const gchar *name, const gchar *address);
/* Why names don't work here, a sentence or more; NULL: they do, or the reason is unknown. */
const gchar *ew_names_trouble (EwDaemon *daemon);
/* They don't, although the edge answers them and this computer is connected: something on this computer must be
   fixed. */
gboolean ew_names_fail (EwDaemon *daemon);

G_END_DECLS
