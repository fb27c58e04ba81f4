/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "teller.h"

#include <edgeway-config.h>
#include <glib/gi18n.h>

#include "control/guard-watch.h"
#include "control/notice.h"
#include "control/notices.h"
#include "control/wishes.h"
#include "open-app.h"

/* The service was running a moment ago; it only has to answer. */
#define FOUND_WITHIN_S 30

struct _EwTeller
{
  GObject parent_instance;
  GApplication *application; /* borrowed: it owns our owner */
  gchar *daemon_bus;
  EwControl *control;
  EwWishes *wishes;
  EwNotices *notices;
  GSimpleActionGroup *actions;
  GArray *watches;   /* guint, of names on the bus */
  GHashTable *there; /* the names that are owned */
  gboolean holding;
  gboolean was_trying; /* seen while holding */
  guint found_timer;
};

G_DEFINE_FINAL_TYPE (EwTeller, ew_teller, G_TYPE_OBJECT)

static void
open_map (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EwTeller *self = user_data;

  ew_open_app (self->application, self->daemon_bus);
}

void
ew_teller_refuse (EwTeller *self, const gchar *sentence)
{
  ew_notice_send (self->application, "call", _ ("Nothing Was Changed"), sentence, NULL, NULL);
}

static void
on_other_appeared (GDBusConnection *bus, const gchar *name, const gchar *owner, gpointer user_data)
{
  EwTeller *self = user_data;

  g_hash_table_add (self->there, g_strdup (name));
  ew_notices_set_active (self->notices, FALSE);
}

static void
on_other_vanished (GDBusConnection *bus, const gchar *name, gpointer user_data)
{
  EwTeller *self = user_data;

  g_hash_table_remove (self->there, name);
  if (g_hash_table_size (self->there) == 0)
    ew_notices_set_active (self->notices, TRUE);
}

static void
stop_holding (EwTeller *self)
{
  g_clear_handle_id (&self->found_timer, g_source_remove);
  if (self->holding)
    {
      self->holding = FALSE;
      g_application_release (self->application); /* a pending notification holds the application itself */
    }
}

static void
on_guard_changed (EwTeller *self)
{
  if (!self->holding)
    return;
  if (ew_guard_watch_get_phase (ew_control_get_guard (self->control)) == EW_GUARD_COUNTING)
    {
      self->was_trying = TRUE;
      g_clear_handle_id (&self->found_timer, g_source_remove);
    }
  else if (self->was_trying)
    stop_holding (self);
}

static gboolean
on_not_found (gpointer user_data)
{
  EwTeller *self = user_data;

  self->found_timer = 0;
  stop_holding (self);
  return G_SOURCE_REMOVE;
}

void
ew_teller_hold_while_trying (EwTeller *self)
{
  if (self->holding)
    return;
  self->holding = TRUE;
  g_application_hold (self->application);
  self->found_timer = g_timeout_add_seconds (FOUND_WITHIN_S, on_not_found, self);
  on_guard_changed (self);
}

void
ew_teller_stop (EwTeller *self)
{
  for (guint i = 0; i < self->watches->len; i++)
    g_bus_unwatch_name (g_array_index (self->watches, guint, i));
  g_array_set_size (self->watches, 0);
  ew_notices_set_active (self->notices, FALSE);
}

static void
ew_teller_dispose (GObject *object)
{
  EwTeller *self = EW_TELLER (object);

  g_clear_handle_id (&self->found_timer, g_source_remove);
  if (self->notices != NULL)
    ew_teller_stop (self);
  if (self->control != NULL)
    {
      g_signal_handlers_disconnect_by_data (ew_control_get_guard (self->control), self);
      g_signal_handlers_disconnect_by_data (self->control, self);
    }
  g_clear_object (&self->notices);
  g_clear_object (&self->wishes);
  g_clear_object (&self->actions);
  g_clear_object (&self->control);
  G_OBJECT_CLASS (ew_teller_parent_class)->dispose (object);
}

static void
ew_teller_finalize (GObject *object)
{
  EwTeller *self = EW_TELLER (object);

  g_array_unref (self->watches);
  g_hash_table_unref (self->there);
  g_free (self->daemon_bus);
  G_OBJECT_CLASS (ew_teller_parent_class)->finalize (object);
}

static void
ew_teller_class_init (EwTellerClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ew_teller_dispose;
  G_OBJECT_CLASS (class)->finalize = ew_teller_finalize;
}

static void
ew_teller_init (EwTeller *self)
{
  self->watches = g_array_new (FALSE, FALSE, sizeof (guint));
  self->there = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

EwTeller *
ew_teller_new (GApplication *application, EwControl *control, const gchar *daemon_bus, const gchar *const *others)
{
  const GActionEntry entries[] = { { .name = "open-map", .activate = open_map } };
  EwTeller *self = g_object_new (EW_TYPE_TELLER, NULL);

  self->application = application;
  self->daemon_bus = g_strdup (daemon_bus);
  self->control = g_object_ref (control);
  self->actions = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self->actions), entries, G_N_ELEMENTS (entries), self);
  ew_control_add_actions (control, G_ACTION_MAP (self->actions));
  self->wishes = ew_wishes_new (application, control);
  ew_wishes_add_actions (self->wishes, G_ACTION_GROUP (self->actions));
  g_signal_connect_object (self->wishes, "refused", G_CALLBACK (ew_teller_refuse), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (control, "failed", G_CALLBACK (ew_teller_refuse), self, G_CONNECT_SWAPPED);
  self->notices = ew_notices_new (application, control, NULL, NULL);
  /* After the notices: they tell the end before the hold ends. */
  g_signal_connect_swapped (ew_control_get_guard (control), "changed", G_CALLBACK (on_guard_changed), self);
  g_signal_connect_swapped (ew_control_get_guard (control), "undone", G_CALLBACK (on_guard_changed), self);
  for (; *others != NULL; others++)
    {
      guint watch = g_bus_watch_name_on_connection (g_application_get_dbus_connection (application), *others,
                                                    G_BUS_NAME_WATCHER_FLAGS_NONE, on_other_appeared, on_other_vanished,
                                                    self, NULL);
      g_hash_table_add (self->there, g_strdup (*others)); /* until the bus has said otherwise */
      g_array_append_val (self->watches, watch);
    }
  return self;
}
