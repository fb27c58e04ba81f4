/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For measuring: with EDGEWAY_TIMING=1 in the environment, "first frame after N ms" goes to stderr once the window's
 * first frame was drawn, counted from the start of the process.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* window: not realized yet. */
void ew_first_frame_watch (GtkWidget *window);

G_END_DECLS
