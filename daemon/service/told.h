/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which callers were told which errors, of late: only they learn what such a sentence was made of. Otherwise, any user
 * could guess sentences, with names and networks in them, and would learn which of them others were told.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_TOLD 64 /* remembered */

typedef struct _EwTold EwTold;
EwTold *ew_told_new (void);
void ew_told_free (EwTold *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwTold, ew_told_free)

/* sender: a unique name on the bus; NULL: the peer of a private connection, which is root. */
void ew_told_add (EwTold *self, const gchar *sender, const gchar *sentence);
gboolean ew_told_has (EwTold *self, const gchar *sender, const gchar *sentence);

G_END_DECLS
