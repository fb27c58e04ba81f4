/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/server-page.h"

#include "edgeway-config.h"
#include "enroll/networks.h"
#include "enroll/server-key-page.h"

struct _EwServerPage
{
  EwNodePage parent_instance;
  EwNetworks *networks;
  GtkCheckButton *server;
  AdwComboRow *valid;
};

G_DEFINE_FINAL_TYPE (EwServerPage, ew_server_page, EW_TYPE_NODE_PAGE)

static guint
valid_seconds (EwServerPage *self)
{
  static const guint choices[] = { 3600, 86400, 7 * 86400 };
  return choices[MIN (adw_combo_row_get_selected (self->valid), G_N_ELEMENTS (choices) - 1)];
}

static gboolean
is_server (EwServerPage *self)
{
  return gtk_check_button_get_active (self->server);
}

static void
on_kind (EwServerPage *self)
{
  gtk_widget_set_visible (GTK_WIDGET (self->networks), is_server (self));
  ew_node_page_changed (EW_NODE_PAGE (self));
}

/* A laptop shares no networks, whatever was typed before it was chosen. */
static GStrv
chosen_networks (EwServerPage *self)
{
  return is_server (self) ? ew_networks_get (self->networks) : g_new0 (gchar *, 1);
}

static gboolean
ew_server_page_make (EwNodePage *page, const gchar *name, GCancellable *cancellable, GAsyncReadyCallback callback,
                     gpointer user_data)
{
  EwServerPage *self = EW_SERVER_PAGE (page);
  g_auto (GStrv) networks = NULL;

  if (is_server (self) && !ew_networks_commit (self->networks))
    return FALSE;
  networks = chosen_networks (self);
  ew_make_computer_async (ew_node_page_get_daemon (page), name, is_server (self) ? "server" : "device",
                          valid_seconds (self), (const gchar *const *)networks, cancellable, callback, user_data);
  return TRUE;
}

static void
ew_server_page_made (EwNodePage *page, EwWizard *wizard, EwNewNode *node)
{
  g_auto (GStrv) networks = chosen_networks (EW_SERVER_PAGE (page));

  ew_wizard_push (wizard, ew_server_key_page_new (ew_node_page_get_daemon (page), ew_node_page_get_topology (page),
                                                  node, (const gchar *const *)networks));
}

GtkWidget *
ew_server_page_new (EwDaemon *daemon, EwTopology *topology)
{
  EwServerPage *self = g_object_new (EW_TYPE_SERVER_PAGE, NULL);

  ew_node_page_set_model (EW_NODE_PAGE (self), daemon, topology);
  ew_networks_set_topology (self->networks, topology);
  return GTK_WIDGET (self);
}

static void
ew_server_page_class_init (EwServerPageClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  EW_NODE_PAGE_CLASS (class)->make = ew_server_page_make;
  EW_NODE_PAGE_CLASS (class)->made = ew_server_page_made;
  g_type_ensure (EW_TYPE_NETWORKS);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/server-page.ui");
  gtk_widget_class_bind_template_child (widget_class, EwServerPage, networks);
  gtk_widget_class_bind_template_child (widget_class, EwServerPage, server);
  gtk_widget_class_bind_template_child (widget_class, EwServerPage, valid);
  gtk_widget_class_bind_template_callback (widget_class, on_kind);
  gtk_widget_class_bind_template_callback_full (widget_class, "on_changed", G_CALLBACK (ew_node_page_changed));
}

static void
ew_server_page_init (EwServerPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
