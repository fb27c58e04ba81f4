/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "window/guard-note.h"

#include "access/wrap-box.h"

/* A change from this computer's own screen is usually confirmed within a few milliseconds: don't flash a note for
   that. */
#define SHOWN_AFTER_MS 400

struct _EwGuardNote
{
  AdwBin parent_instance;
  EwGuardWatch *watch;
  guint timer; /* of the first appearance, then of the countdown */
  GtkImage *icon;
  GtkLabel *text;
  GtkWidget *detail, *keep, *undo, *close;
};

G_DEFINE_FINAL_TYPE (EwGuardNote, ew_guard_note, ADW_TYPE_BIN)

static void
show_text (EwGuardNote *self)
{
  g_autofree gchar *text = ew_guard_watch_get_text (self->watch, g_get_real_time ());
  gtk_label_set_label (self->text, text != NULL ? text : "");
}

static gboolean
tick (gpointer user_data)
{
  show_text (user_data);
  return G_SOURCE_CONTINUE;
}

static void
show_phase (EwGuardNote *self)
{
  EwGuardPhase phase = ew_guard_watch_get_phase (self->watch);
  gboolean counting = phase == EW_GUARD_COUNTING;
  g_clear_handle_id (&self->timer, g_source_remove);
  if (phase != EW_GUARD_NONE)
    show_text (self);
  gtk_image_set_from_icon_name (self->icon, counting ? "edgeway-kind-shield-symbolic" : "edgeway-undone-symbolic");
  gtk_widget_set_visible (self->detail, counting && !ew_guard_watch_is_lockdown (self->watch));
  gtk_widget_set_visible (self->keep, counting);
  gtk_widget_set_visible (self->undo, counting);
  gtk_widget_set_visible (self->close, !counting);
  gtk_widget_set_visible (GTK_WIDGET (self), phase != EW_GUARD_NONE);
  /* Becoming visible has come here again and started a timer already. */
  g_clear_handle_id (&self->timer, g_source_remove);
  if (counting && gtk_widget_get_mapped (GTK_WIDGET (self)))
    self->timer = g_timeout_add (500, tick, self);
}

static gboolean
appear (gpointer user_data)
{
  EwGuardNote *self = user_data;
  self->timer = 0;
  show_phase (self);
  return G_SOURCE_REMOVE;
}

static void
phase_changed (EwGuardNote *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  if (ew_guard_watch_get_phase (self->watch) == EW_GUARD_COUNTING && !gtk_widget_get_visible (GTK_WIDGET (self)))
    self->timer = g_timeout_add (SHOWN_AFTER_MS, appear, self);
  else
    show_phase (self);
}

static void
ew_guard_note_dismiss (EwGuardNote *self)
{
  ew_guard_watch_dismiss (self->watch);
}

static void
ew_guard_note_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (ew_guard_note_parent_class)->map (widget);
  if (EW_GUARD_NOTE (widget)->watch != NULL)
    show_phase (EW_GUARD_NOTE (widget));
}

static void
ew_guard_note_unmap (GtkWidget *widget)
{
  g_clear_handle_id (&EW_GUARD_NOTE (widget)->timer, g_source_remove);
  GTK_WIDGET_CLASS (ew_guard_note_parent_class)->unmap (widget);
}

void
ew_guard_note_set_watch (EwGuardNote *self, EwGuardWatch *watch)
{
  g_return_if_fail (self->watch == NULL);
  self->watch = g_object_ref (watch);
  g_signal_connect_object (watch, "changed", G_CALLBACK (phase_changed), self, G_CONNECT_SWAPPED);
  phase_changed (self);
}

static void
ew_guard_note_dispose (GObject *object)
{
  EwGuardNote *self = EW_GUARD_NOTE (object);
  g_clear_handle_id (&self->timer, g_source_remove);
  if (self->watch != NULL)
    g_signal_handlers_disconnect_by_data (self->watch, self);
  g_clear_object (&self->watch);
  G_OBJECT_CLASS (ew_guard_note_parent_class)->dispose (object);
}

static void
ew_guard_note_class_init (EwGuardNoteClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = ew_guard_note_dispose;
  widget_class->map = ew_guard_note_map;
  widget_class->unmap = ew_guard_note_unmap;
  g_type_ensure (EW_TYPE_WRAP_BOX);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/window/guard-note.ui");
  gtk_widget_class_bind_template_child (widget_class, EwGuardNote, icon);
  gtk_widget_class_bind_template_child (widget_class, EwGuardNote, text);
  gtk_widget_class_bind_template_child (widget_class, EwGuardNote, detail);
  gtk_widget_class_bind_template_child (widget_class, EwGuardNote, keep);
  gtk_widget_class_bind_template_child (widget_class, EwGuardNote, undo);
  gtk_widget_class_bind_template_child (widget_class, EwGuardNote, close);
  gtk_widget_class_bind_template_callback (widget_class, ew_guard_note_dismiss);
}

static void
ew_guard_note_init (EwGuardNote *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
