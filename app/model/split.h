/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What goes through the tunnel in VPN mode and what stays outside, by the person's choice: read from the daemon's
 * status, which alone has it.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  GStrv excluded, included; /* networks */
  gboolean lan_blocked;     /* the local network can't be reached in VPN mode and in lockdown */
} EwSplit;

/* status: the answer of GetStatus. NULL: it says nothing of this, as of an older service. (transfer full) */
EwSplit *ew_split_parse (const gchar *status);
void ew_split_free (EwSplit *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwSplit, ew_split_free)

/* Whether what a person types has the form of a network or of one address; the daemon has the last word. */
gboolean ew_split_is_network (const gchar *text);

G_END_DECLS
