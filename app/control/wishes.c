/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "control/wishes.h"

#include <glib/gi18n.h>

#include "control/patient-action.h"

/* Any program of the session can ask over D-Bus, as often as it likes. */
#define WISHES_MAX 16

typedef struct
{
  GAction *action;
  GVariant *value; /* NULL: none */
  gboolean is_state;
} Wish;

struct _EwWishes
{
  GObject parent_instance;
  GApplication *application; /* borrowed */
  EwControl *control;
  GPtrArray *waiting; /* of Wish; the application is held while there are any */
  guint look;
};

G_DEFINE_FINAL_TYPE (EwWishes, ew_wishes, G_TYPE_OBJECT)

enum
{
  REFUSED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
wish_free (gpointer data)
{
  Wish *wish = data;
  g_object_unref (wish->action);
  g_clear_pointer (&wish->value, g_variant_unref);
  g_free (wish);
}

static const gchar *
explain_membership (EwDaemon *daemon, gboolean joins)
{
  switch (ew_daemon_get_state (daemon))
    {
    case EW_STATE_NOT_ENROLLED:
      return joins ? NULL : _ ("This computer isn't in a mesh. Join one first.");
    case EW_STATE_REMOVED:
      return joins ? NULL : _ ("This computer was removed from its mesh. Join again with a new enrollment key.");
    default:
      return joins ? _ ("This computer is already in a mesh. Leave it first, then join.") : NULL;
    }
}

static const gchar *
explain_refusal (EwWishes *self, const gchar *action)
{
  EwDaemon *daemon = ew_control_get_daemon (self->control);
  const gchar *why = ew_daemon_get_unavailable_message (daemon);
  if (why == NULL)
    why = explain_membership (daemon, g_str_equal (action, "join"));
  if (why != NULL)
    return why;
  if (g_str_equal (action, "keep-mode") || g_str_equal (action, "undo-mode"))
    return ew_daemon_get_mode (daemon) == EW_MODE_VPN ? _ ("VPN mode was already kept.")
                                                      : _ ("VPN mode was already turned off.");
  if (g_str_equal (action, "open-portal"))
    return _ ("This network doesn't want a login any more.");
  if (g_str_equal (action, "lockdown"))
    return ew_daemon_get_mode (daemon) == EW_MODE_VPN
             ? _ ("VPN mode is only being tried. Keep it, then turn lockdown on.")
             : _ ("Lockdown needs VPN mode: with connector only this computer would have no internet. Switch to VPN "
                  "first.");
  if (g_str_equal (action, "lockdown-off"))
    return _ ("Lockdown was already turned off.");
  if (g_str_has_prefix (action, "add-"))
    return ew_daemon_get_administrator (daemon)
             ? _ ("Connect this computer to its mesh first, then try again.")
             : _ ("Only an administrator of the mesh can add nodes, and this computer isn't one.");
  return _ ("That isn't possible right now. Open Edgeway to see why.");
}

static gboolean
is_known (EwWishes *self)
{
  return ew_daemon_get_availability (ew_control_get_daemon (self->control)) != EW_AVAILABILITY_LOOKING;
}

static void
carry_out (EwWishes *self, GAction *action, GVariant *value, gboolean is_state)
{
  if (!g_action_get_enabled (action))
    g_signal_emit (self, signals[REFUSED], 0, explain_refusal (self, g_action_get_name (action)));
  else if (is_state)
    g_action_change_state (action, value);
  else
    g_action_activate (action, value);
}

static gboolean
on_look (gpointer user_data)
{
  EwWishes *self = user_data;
  g_autoptr (GPtrArray) wishes = NULL;
  self->look = 0;
  if (!is_known (self) || self->waiting->len == 0)
    return G_SOURCE_REMOVE;
  wishes = g_steal_pointer (&self->waiting);
  self->waiting = g_ptr_array_new_with_free_func (wish_free);
  for (guint i = 0; i < wishes->len; i++)
    {
      Wish *wish = wishes->pdata[i];
      carry_out (self, wish->action, wish->value, wish->is_state);
    }
  g_application_release (self->application);
  return G_SOURCE_REMOVE;
}

/* The same changes enable and disable actions: look at the actions after that. */
static void
on_changed (EwWishes *self)
{
  if (self->look == 0 && self->waiting->len > 0)
    self->look = g_idle_add (on_look, self);
}

static void
on_kept (EwWishes *self, GAction *action, GVariant *value, gboolean is_state)
{
  Wish *wish;
  if (is_known (self))
    {
      carry_out (self, action, value, is_state);
      return;
    }
  if (self->waiting->len >= WISHES_MAX)
    return;
  if (self->waiting->len == 0)
    g_application_hold (self->application);
  wish = g_new (Wish, 1);
  *wish = (Wish){ g_object_ref (action), value != NULL ? g_variant_ref_sink (value) : NULL, is_state };
  g_ptr_array_add (self->waiting, wish);
}

void
ew_wishes_add_actions (EwWishes *self, GActionGroup *inner)
{
  g_auto (GStrv) names = g_action_group_list_actions (inner);
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (EwPatientAction) action
        = ew_patient_action_new (g_action_map_lookup_action (G_ACTION_MAP (inner), names[i]));
      g_signal_connect_object (action, "kept", G_CALLBACK (on_kept), self, G_CONNECT_SWAPPED);
      g_action_map_add_action (G_ACTION_MAP (self->application), G_ACTION (action));
    }
}

static void
ew_wishes_dispose (GObject *object)
{
  EwWishes *self = EW_WISHES (object);
  g_clear_handle_id (&self->look, g_source_remove);
  g_clear_object (&self->control);
  G_OBJECT_CLASS (ew_wishes_parent_class)->dispose (object);
}

static void
ew_wishes_finalize (GObject *object)
{
  g_ptr_array_unref (EW_WISHES (object)->waiting);
  G_OBJECT_CLASS (ew_wishes_parent_class)->finalize (object);
}

static void
ew_wishes_class_init (EwWishesClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ew_wishes_dispose;
  G_OBJECT_CLASS (klass)->finalize = ew_wishes_finalize;
  signals[REFUSED]
    = g_signal_new ("refused", EW_TYPE_WISHES, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
ew_wishes_init (EwWishes *self)
{
  self->waiting = g_ptr_array_new_with_free_func (wish_free);
}

EwWishes *
ew_wishes_new (GApplication *application, EwControl *control)
{
  EwWishes *self = g_object_new (EW_TYPE_WISHES, NULL);
  self->application = application;
  self->control = g_object_ref (control);
  g_signal_connect_object (ew_control_get_daemon (control), "notify::availability", G_CALLBACK (on_changed), self,
                           G_CONNECT_SWAPPED);
  return self;
}
