/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "value-row.h"

#include <glib/gi18n.h>

#include "access/ellipsis.h"
#include "access/hyphens.h"
#include "copy.h"

#define WIDTH_CHARS_MIN 16 /* what is kept of a value beside a long title; of larger text fewer */
#define NORMAL_DPI 96

struct _EwValueRow
{
  AdwActionRow parent;
  gchar *value, *said;
  GtkWidget *label, *copy;
};

enum
{
  PROP_VALUE = 1,
  PROP_SAID,
  N_PROPS,
};
static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (EwValueRow, ew_value_row, ADW_TYPE_ACTION_ROW)

static void
on_copy (EwValueRow *self)
{
  if (self->value != NULL)
    ew_copy_text (GTK_WIDGET (self), self->value, self->said);
}

/* This many letters take the same share of a narrow screen whatever their size. */
static gint
width_chars (EwValueRow *self, const gchar *value)
{
  glong chars = WIDTH_CHARS_MIN;
  gint dpi = 0; /* of text: dots an inch, times 1024 */

  g_object_get (gtk_widget_get_settings (GTK_WIDGET (self)), "gtk-xft-dpi", &dpi, NULL);
  if (dpi > NORMAL_DPI * 1024)
    chars = chars * NORMAL_DPI * 1024 / dpi;
  return (gint)MIN (g_utf8_strlen (value, -1), chars);
}

static void
show_value (EwValueRow *self)
{
  const gchar *value = self->value != NULL ? self->value : "";
  g_autofree gchar *spoken = NULL;

  gtk_widget_set_visible (GTK_WIDGET (self), *value != '\0');
  if (self->copy == NULL)
    {
      gtk_label_set_label (GTK_LABEL (self->label), value);
      gtk_label_set_width_chars (GTK_LABEL (self->label), width_chars (self, value));
      return;
    }
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), value);
  spoken = g_strdup_printf (_ ("Copy %s"), value);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->copy), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
}

void
ew_value_row_set_value (EwValueRow *self, const gchar *value)
{
  if (g_strcmp0 (self->value, value) == 0)
    return;
  g_free (self->value);
  self->value = g_strdup (value);
  show_value (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_VALUE]);
}

static void
add_copy (EwValueRow *self)
{
  ew_hyphens_keep_out (GTK_WIDGET (self)); /* what is copied */
  self->copy = gtk_button_new_from_icon_name ("edit-copy-symbolic");
  gtk_widget_set_valign (self->copy, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (self->copy, _ ("Copy"));
  gtk_widget_add_css_class (self->copy, "flat");
  g_signal_connect_swapped (self->copy, "clicked", G_CALLBACK (on_copy), self);
  adw_action_row_add_suffix (ADW_ACTION_ROW (self), self->copy);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (self), self->copy);
}

static void
add_label (EwValueRow *self)
{
  self->label = gtk_label_new (NULL);
  gtk_label_set_ellipsize (GTK_LABEL (self->label),
                           PANGO_ELLIPSIZE_END); /* a value that wraps gives its width to the title */
  gtk_label_set_xalign (GTK_LABEL (self->label), 1);
  ew_ellipsis_add_tooltip (self->label);
  gtk_widget_add_css_class (self->label, "dim-label");
  gtk_widget_add_css_class (self->label, "numeric");
  adw_action_row_add_suffix (ADW_ACTION_ROW (self), self->label);
}

static void
ew_value_row_constructed (GObject *object)
{
  EwValueRow *self = EW_VALUE_ROW (object);

  G_OBJECT_CLASS (ew_value_row_parent_class)->constructed (object);
  if (self->said != NULL)
    add_copy (self);
  else
    add_label (self);
  show_value (self);
  g_signal_connect_object (gtk_widget_get_settings (GTK_WIDGET (self)), "notify::gtk-xft-dpi", G_CALLBACK (show_value),
                           self, G_CONNECT_SWAPPED);
}

static void
ew_value_row_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EwValueRow *self = EW_VALUE_ROW (object);

  if (id == PROP_VALUE)
    g_value_set_string (value, self->value);
  else if (id == PROP_SAID)
    g_value_set_string (value, self->said);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
ew_value_row_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  EwValueRow *self = EW_VALUE_ROW (object);

  if (id == PROP_VALUE)
    ew_value_row_set_value (self, g_value_get_string (value));
  else if (id == PROP_SAID)
    self->said = g_value_dup_string (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
ew_value_row_finalize (GObject *object)
{
  EwValueRow *self = EW_VALUE_ROW (object);

  g_free (self->value);
  g_free (self->said);
  G_OBJECT_CLASS (ew_value_row_parent_class)->finalize (object);
}

static void
ew_value_row_class_init (EwValueRowClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  object_class->constructed = ew_value_row_constructed;
  object_class->get_property = ew_value_row_get_property;
  object_class->set_property = ew_value_row_set_property;
  object_class->finalize = ew_value_row_finalize;
  properties[PROP_VALUE] = g_param_spec_string ("value", NULL, NULL, NULL, flags | G_PARAM_EXPLICIT_NOTIFY);
  properties[PROP_SAID] = g_param_spec_string ("said", NULL, NULL, NULL, flags | G_PARAM_CONSTRUCT_ONLY);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
ew_value_row_init (EwValueRow *self)
{
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (self), FALSE); /* names and addresses aren't markup */
}

GtkWidget *
ew_value_row_new_copyable (const gchar *what, const gchar *value, const gchar *said)
{
  return g_object_new (EW_TYPE_VALUE_ROW, "said", said, "subtitle", what, "value", value, NULL);
}
