/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/online-page.h"

#include <glib/gi18n.h>
#include <string.h>

#include "access/toast.h"
#include "common/util.h"
#include "edgeway-config.h"
#include "enroll/phone-page.h"
#include "enroll/server-page.h"
#include "enroll/spoke-wheel.h"
#include "model/full-name.h"
#include "model/words.h"

#define PING_TIMEOUT_MS 5000
#define ANSWER_MAX 65536

struct _EwOnlinePage
{
  EwWizardPage parent_instance;
  EwDaemon *daemon;
  EwTopology *topology;
  EwNode *node;
  gboolean phone;
  GCancellable *calls; /* cancelled when the page goes */
  guint next_route;    /* of the node's, while they are being accepted here */
  AdwActionRow *address_row, *ssh_row, *routes_row;
  EwSpokeWheel *wheel;
  GtkWidget *accept, *done;
};

G_DEFINE_FINAL_TYPE (EwOnlinePage, ew_online_page, EW_TYPE_WIZARD_PAGE)

static void
update (EwOnlinePage *self)
{
  const gchar *name = ew_node_get_name (self->node), *address = ew_node_get_address (self->node);
  const gchar *const *routes = ew_node_get_routes (self->node);
  gboolean online = ew_node_get_state (self->node) == EW_NODE_ONLINE, shares = routes != NULL && routes[0] != NULL;
  g_autofree gchar *heading = g_strdup_printf (online ? _ ("%s Is Online") : _ ("%s Has Joined"), name);
  g_autofree gchar *target = ew_reachable_name (self->daemon, name, address);
  g_autofree gchar *ssh = g_strdup_printf ("ssh %s", target != NULL ? target : "");
  g_autofree gchar *list = shares ? g_strjoinv (", ", (GStrv)routes) : g_strdup ("");

  ew_wizard_page_set_heading (EW_WIZARD_PAGE (self), heading);
  adw_action_row_set_subtitle (self->address_row, address != NULL ? address : "");
  gtk_widget_set_visible (GTK_WIDGET (self->address_row), address != NULL);
  adw_action_row_set_subtitle (self->ssh_row, ssh);
  gtk_widget_set_visible (GTK_WIDGET (self->ssh_row), !self->phone && address != NULL);
  adw_action_row_set_subtitle (self->routes_row, list);
  gtk_widget_set_visible (GTK_WIDGET (self->routes_row), shares);
}

/* The ping. */

static void
show_ping (EwOnlinePage *self, gdouble total_ms)
{
  const gchar *edge = ew_daemon_get_edge_name (self->daemon);
  g_autofree gchar *ms = ew_words_latency (total_ms);
  g_autofree gchar *body = edge != NULL && *edge != '\0'
                             ? g_strdup_printf (_ ("A ping through %s came back in %s."), edge, ms)
                             : g_strdup_printf (_ ("A ping through the edge came back in %s."), ms);
  ew_wizard_page_set_body (EW_WIZARD_PAGE (self), body);
}

static gdouble
read_total (GVariant *answer)
{
  const gchar *text;
  g_autoptr (JsonObject) object = NULL;
  JsonNode *total;
  g_variant_get (answer, "(&s)", &text);
  object = ew_json_parse_object (text, strlen (text), ANSWER_MAX, NULL);
  total = object != NULL ? json_object_get_member (object, "total_ms") : NULL;
  return total != NULL && JSON_NODE_HOLDS_VALUE (total) ? json_node_get_double (total) : -1;
}

static void
on_pinged (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwOnlinePage) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);

  if (ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self)) == NULL)
    return; /* closed in the meantime */
  if (answer != NULL && read_total (answer) >= 0)
    show_ping (self, read_total (answer));
  else
    ew_wizard_page_set_body (
      EW_WIZARD_PAGE (self),
      _ ("It's connected to the edge, but doesn't answer pings. A firewall there may block them."));
}

static void
start_ping (EwOnlinePage *self)
{
  if (ew_daemon_get_state (self->daemon) != EW_STATE_CONNECTED || ew_node_get_state (self->node) != EW_NODE_ONLINE)
    {
      ew_wizard_page_set_body (EW_WIZARD_PAGE (self), _ ("It's now part of the mesh."));
      return;
    }
  ew_wizard_page_set_body (EW_WIZARD_PAGE (self), _ ("Pinging it…"));
  ew_daemon_call_async (self->daemon, "Ping",
                        g_variant_new ("(su)", ew_node_get_name (self->node), (guint)PING_TIMEOUT_MS), self->calls,
                        on_pinged, g_object_ref (self));
}

/* Its networks, on this computer. */

static void accept_next (EwOnlinePage *self);

static void
on_accepted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwOnlinePage) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);

  if (ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self)) == NULL)
    return;
  if (answer != NULL)
    accept_next (self);
  else
    {
      gtk_widget_set_sensitive (self->accept, TRUE);
      ew_wizard_page_show_call_error (EW_WIZARD_PAGE (self), error);
    }
}

static void
accept_next (EwOnlinePage *self)
{
  const gchar *const *routes = ew_node_get_routes (self->node);
  if (routes != NULL && self->next_route < g_strv_length ((GStrv)routes))
    ew_daemon_call_async (self->daemon, "AcceptRoute", g_variant_new ("(s)", routes[self->next_route++]), self->calls,
                          on_accepted, g_object_ref (self));
  else
    gtk_button_set_label (GTK_BUTTON (self->accept), _ ("Used Here"));
}

static void
on_accept (EwOnlinePage *self)
{
  self->next_route = 0;
  gtk_widget_set_sensitive (self->accept, FALSE);
  ew_wizard_page_set_error (EW_WIZARD_PAGE (self), NULL);
  accept_next (self);
}

/* Buttons. */

static void
copy (EwOnlinePage *self, AdwActionRow *row, const gchar *said)
{
  EwWizard *wizard = ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self));
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), adw_action_row_get_subtitle (row));
  if (wizard != NULL)
    ew_wizard_toast (wizard, ew_toast_copied (GTK_WIDGET (self), said));
}

static void
on_copy_address (EwOnlinePage *self)
{
  copy (self, self->address_row, _ ("Mesh IP copied"));
}

static void
on_copy_ssh (EwOnlinePage *self)
{
  copy (self, self->ssh_row, _ ("SSH command copied"));
}

static void
on_another (EwOnlinePage *self)
{
  EwWizard *wizard = ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self));
  if (wizard != NULL)
    ew_wizard_replace (wizard, self->phone ? ew_phone_page_new (self->daemon, self->topology)
                                           : ew_server_page_new (self->daemon, self->topology));
}

GtkWidget *
ew_online_page_new (EwDaemon *daemon, EwTopology *topology, EwNode *node, gboolean phone)
{
  static const gchar *const followed[] = { "notify::state", "notify::name", "notify::addresses", "notify::routes" };
  EwOnlinePage *self
    = g_object_new (EW_TYPE_ONLINE_PAGE, "title", phone ? _ ("Add a Phone") : _ ("Add a Computer"), NULL);
  self->daemon = g_object_ref (daemon);
  self->topology = g_object_ref (topology);
  self->node = g_object_ref (node);
  self->phone = phone;
  for (gsize i = 0; i < G_N_ELEMENTS (followed); i++)
    g_signal_connect_object (node, followed[i], G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (daemon, "notify::names", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  ew_spoke_wheel_set_node (self->wheel, topology, node);
  update (self);
  start_ping (self);
  return GTK_WIDGET (self);
}

static void
ew_online_page_dispose (GObject *object)
{
  EwOnlinePage *self = EW_ONLINE_PAGE (object);
  g_cancellable_cancel (self->calls);
  g_clear_object (&self->calls);
  g_clear_object (&self->daemon);
  g_clear_object (&self->topology);
  g_clear_object (&self->node);
  G_OBJECT_CLASS (ew_online_page_parent_class)->dispose (object);
}

static void
ew_online_page_class_init (EwOnlinePageClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);
  G_OBJECT_CLASS (class)->dispose = ew_online_page_dispose;
  g_type_ensure (EW_TYPE_SPOKE_WHEEL);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/online-page.ui");
  gtk_widget_class_bind_template_child (widget_class, EwOnlinePage, address_row);
  gtk_widget_class_bind_template_child (widget_class, EwOnlinePage, ssh_row);
  gtk_widget_class_bind_template_child (widget_class, EwOnlinePage, routes_row);
  gtk_widget_class_bind_template_child (widget_class, EwOnlinePage, accept);
  gtk_widget_class_bind_template_child (widget_class, EwOnlinePage, wheel);
  gtk_widget_class_bind_template_child (widget_class, EwOnlinePage, done);
  gtk_widget_class_bind_template_callback (widget_class, on_accept);
  gtk_widget_class_bind_template_callback (widget_class, on_copy_address);
  gtk_widget_class_bind_template_callback (widget_class, on_copy_ssh);
  gtk_widget_class_bind_template_callback (widget_class, on_another);
}

static void
ew_online_page_init (EwOnlinePage *self)
{
  self->calls = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
}
