/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/networks.h"

#include <glib/gi18n.h>

#include "access/ellipsis.h"
#include "edgeway-config.h"
#include "enroll/checks.h"
#include "enroll/network-check.h"
#include "enroll/wizard-page.h"

#define NETWORKS_MAX 50 /* of a node: daemon/edge/API.md, Routes */

struct _EwNetworks
{
  AdwBin parent_instance;
  EwTopology *topology;
  GPtrArray *rows; /* AdwActionRow, borrowed; the title is the network */
  AdwExpanderRow *expander;
  AdwEntryRow *entry;
  GtkWidget *add;
  GtkLabel *note;
};

static guint changed_signal;

G_DEFINE_FINAL_TYPE (EwNetworks, ew_networks, ADW_TYPE_BIN)

static const gchar *
row_network (EwNetworks *self, guint i)
{
  return adw_preferences_row_get_title (g_ptr_array_index (self->rows, i));
}

static gchar *
check_rows (EwNetworks *self, const gchar *cidr)
{
  for (guint i = 0; i < self->rows->len; i++)
    if (ew_networks_overlap (cidr, row_network (self, i)))
      return g_strdup_printf (_ ("Overlaps with %s below."), row_network (self, i));
  return NULL;
}

/* The network in the entry; NULL: *problem says why. */
static gchar *
read_entry (EwNetworks *self, gchar **problem)
{
  g_autofree gchar *cidr = NULL;
  *problem = ew_check_new_network (self->topology, gtk_editable_get_text (GTK_EDITABLE (self->entry)), &cidr);
  if (*problem == NULL)
    *problem = check_rows (self, cidr);
  if (*problem == NULL && self->rows->len >= NETWORKS_MAX)
    *problem
      = g_strdup_printf (_ ("A node can share at most %d networks. Combine some into a larger one."), NETWORKS_MAX);
  return *problem == NULL ? g_steal_pointer (&cidr) : NULL;
}

static void
show_note (EwNetworks *self, const gchar *problem)
{
  ew_wizard_set_field (
    GTK_WIDGET (self->entry), self->note, problem,
    _ ("The server forwards traffic to it after that is accepted there, and each computer uses it after it's "
       "accepted there. The next page has the command."));
  gtk_widget_set_visible (GTK_WIDGET (self->note), adw_expander_row_get_enable_expansion (self->expander));
}

/* While a network is being typed, complain only about what is complete and wrong. */
static void
on_entry_changed (EwNetworks *self)
{
  g_autofree gchar *problem = NULL, *cidr = read_entry (self, &problem);
  gtk_widget_set_sensitive (self->add, cidr != NULL);
  show_note (self, strchr (gtk_editable_get_text (GTK_EDITABLE (self->entry)), '/') != NULL ? problem : NULL);
  g_signal_emit (self, changed_signal, 0);
}

static void
on_remove (GtkWidget *button, EwNetworks *self)
{
  GtkWidget *row = gtk_widget_get_ancestor (button, ADW_TYPE_ACTION_ROW);
  g_ptr_array_remove (self->rows, row);
  adw_expander_row_remove (self->expander, row);
  gtk_widget_grab_focus (GTK_WIDGET (self->entry));
  on_entry_changed (self);
}

static void
add_row (EwNetworks *self, const gchar *cidr)
{
  GtkWidget *row = adw_action_row_new (), *button = gtk_button_new_from_icon_name ("user-trash-symbolic");
  g_autofree gchar *size = ew_network_size (cidr), *label = g_strdup_printf (_ ("Remove %s"), cidr);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), cidr);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), size);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  g_signal_connect (button, "clicked", G_CALLBACK (on_remove), self);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
  adw_expander_row_add_row (self->expander, row);
  g_ptr_array_add (self->rows, row);
}

static gboolean
add (EwNetworks *self)
{
  g_autofree gchar *problem = NULL, *cidr = read_entry (self, &problem);
  if (cidr != NULL)
    {
      add_row (self, cidr);
      gtk_editable_set_text (GTK_EDITABLE (self->entry), "");
    }
  else
    show_note (self, problem);
  gtk_widget_grab_focus (GTK_WIDGET (self->entry));
  return cidr != NULL;
}

static void
on_add (EwNetworks *self)
{
  add (self);
}

static void
on_enabled (EwNetworks *self)
{
  on_entry_changed (self);
  if (adw_expander_row_get_enable_expansion (self->expander))
    gtk_widget_grab_focus (GTK_WIDGET (self->entry));
}

gboolean
ew_networks_commit (EwNetworks *self)
{
  gboolean typed = *gtk_editable_get_text (GTK_EDITABLE (self->entry)) != '\0';
  if (!adw_expander_row_get_enable_expansion (self->expander) || (!typed && self->rows->len > 0))
    return TRUE;
  return add (self);
}

GStrv
ew_networks_get (EwNetworks *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  if (adw_expander_row_get_enable_expansion (self->expander))
    for (guint i = 0; i < self->rows->len; i++)
      g_strv_builder_add (builder, row_network (self, i));
  return g_strv_builder_end (builder);
}

void
ew_networks_set_topology (EwNetworks *self, EwTopology *topology)
{
  g_set_object (&self->topology, topology);
}

static void
ew_networks_dispose (GObject *object)
{
  g_clear_object (&EW_NETWORKS (object)->topology);
  G_OBJECT_CLASS (ew_networks_parent_class)->dispose (object);
}

static void
ew_networks_finalize (GObject *object)
{
  g_ptr_array_unref (EW_NETWORKS (object)->rows);
  G_OBJECT_CLASS (ew_networks_parent_class)->finalize (object);
}

static void
ew_networks_class_init (EwNetworksClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);
  G_OBJECT_CLASS (class)->dispose = ew_networks_dispose;
  G_OBJECT_CLASS (class)->finalize = ew_networks_finalize;
  changed_signal = g_signal_new ("changed", EW_TYPE_NETWORKS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/networks.ui");
  gtk_widget_class_bind_template_child (widget_class, EwNetworks, expander);
  gtk_widget_class_bind_template_child (widget_class, EwNetworks, entry);
  gtk_widget_class_bind_template_child (widget_class, EwNetworks, add);
  gtk_widget_class_bind_template_child (widget_class, EwNetworks, note);
  gtk_widget_class_bind_template_callback (widget_class, on_entry_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_add);
  gtk_widget_class_bind_template_callback (widget_class, on_enabled);
}

static void
ew_networks_init (EwNetworks *self)
{
  self->rows = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  ew_ellipsis_add_row_tooltip (GTK_WIDGET (self->entry));
  on_entry_changed (self);
}
