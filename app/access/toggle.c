/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/toggle.h"

#define FOLLOWED "ew-followed"

typedef struct
{
  EwToggleWished wished;
  gpointer user_data;
  gboolean on;      /* as shown last */
  gboolean asked;   /* for the other state */
  gboolean showing; /* it's being set: not a wish */
} Followed;

void
ew_toggle_show (GtkSwitch *toggle, gboolean on, gboolean asked)
{
  Followed *followed = g_object_get_data (G_OBJECT (toggle), FOLLOWED);

  followed->on = on;
  followed->asked = asked;
  if (!asked || gtk_switch_get_state (toggle) != on)
    {
      followed->showing = TRUE;
      gtk_switch_set_state (toggle, on);
      gtk_switch_set_active (toggle, on);
      followed->showing = FALSE;
    }
  gtk_accessible_update_state (GTK_ACCESSIBLE (toggle), GTK_ACCESSIBLE_STATE_CHECKED, on, -1);
}

static gboolean
show_again (gpointer toggle)
{
  const Followed *followed = g_object_get_data (toggle, FOLLOWED);

  ew_toggle_show (toggle, followed->on, followed->asked);
  return G_SOURCE_REMOVE;
}

static gboolean
on_state_set (GtkSwitch *toggle, gboolean on, Followed *followed)
{
  if (!followed->showing)
    {
      followed->asked = followed->wished (on, followed->user_data);
      /* GtkSwitch calls itself checked when its knob has moved: correct the state once it is done. */
      g_idle_add_full (G_PRIORITY_HIGH_IDLE, show_again, g_object_ref (toggle), g_object_unref);
    }
  return TRUE; /* the state doesn't follow the knob */
}

void
ew_toggle_follow (GtkSwitch *toggle, EwToggleWished wished, gpointer user_data)
{
  Followed *followed = g_new0 (Followed, 1);

  *followed = (Followed){ .wished = wished, .user_data = user_data, .on = gtk_switch_get_state (toggle) };
  g_object_set_data_full (G_OBJECT (toggle), FOLLOWED, followed, g_free);
  g_signal_connect (toggle, "state-set", G_CALLBACK (on_state_set), followed);
}
