/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names and addresses that are too long for their line are broken without hyphens, which aren't in them.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* In all labels that are in widget now, itself included. */
void ew_hyphens_keep_out (GtkWidget *widget);

G_END_DECLS
