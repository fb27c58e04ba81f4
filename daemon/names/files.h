/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The files that say where the C library looks for names, read and watched. Nothing is polled: inotify(7) tells. A
 * resolv.conf that is a link is watched at both of its ends.
 */
#pragma once

#include "names/plan.h"

G_BEGIN_DECLS

typedef struct EwNamesFiles EwNamesFiles;

EwNamesFiles *ew_names_files_new (void (*changed) (gpointer user_data), gpointer user_data);
void ew_names_files_free (EwNamesFiles *self);
/* Reads both again; facts borrows the texts until the next call. Leaves resolved_answers alone. */
void ew_names_files_read (EwNamesFiles *self, EwNamesFacts *facts);

G_END_DECLS
