/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A switch that shows what is, not what a person wishes: pushing it only asks for the other state, and what is asked
 * decides when, and whether, it changes.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* A person wishes it on, or off. TRUE: that was asked for, and the knob stays where it was pushed until the next
   ew_toggle_show(); FALSE: the knob goes back. */
typedef gboolean (*EwToggleWished) (gboolean on, gpointer user_data);

/* From now on toggle changes by ew_toggle_show() alone. user_data lives as long as toggle can be pushed. */
void ew_toggle_follow (GtkSwitch *toggle, EwToggleWished wished, gpointer user_data);

/* asked: a wish hasn't been answered yet, so the knob may stay where it is. */
void ew_toggle_show (GtkSwitch *toggle, gboolean on, gboolean asked);

G_END_DECLS
