/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/joined-page.h"

#include <glib/gi18n.h>
#include <string.h>

#include "access/spinner.h"
#include "access/toast.h"
#include "common/util.h"
#include "enroll/spoke-wheel.h"
#include "edgeway-config.h"
#include "model/full-name.h"
#include "model/words.h"

#define ANSWER_MAX (1024 * 1024) /* daemon/edge/API.md: an answer's size */

struct _EwJoinedPage
{
  EwWizardPage parent_instance;
  EwDaemon *daemon;
  EwTopology *topology;
  EwSpokeWheel *wheel; /* once the map has come */
  GCancellable *calls; /* cancelled when the page goes */
  AdwActionRow *name_row, *address_row, *state_row;
  GtkWidget *connect, *spinner, *done;
  GtkWidget *offers; /* an AdwPreferencesGroup: what an administrator offered through this computer */
};

G_DEFINE_FINAL_TYPE (EwJoinedPage, ew_joined_page, EW_TYPE_WIZARD_PAGE)

static void
update (EwJoinedPage *self)
{
  EwState state = ew_daemon_get_state (self->daemon);
  const gchar *const *addresses = ew_daemon_get_addresses (self->daemon);
  g_autofree gchar *words = ew_words_state (self->daemon), *detail = ew_words_state_detail (self->daemon);
  g_autofree gchar *heading = g_strdup_printf (_ ("Joined %s"), ew_daemon_get_mesh (self->daemon));
  g_autofree gchar *full = ew_full_name (self->daemon, ew_daemon_get_node_name (self->daemon));
  gboolean has_address = addresses != NULL && addresses[0] != NULL;
  gboolean waiting = state == EW_STATE_CONNECTING || state == EW_STATE_RECONNECTING;

  ew_wizard_page_set_heading (EW_WIZARD_PAGE (self), heading);
  /* With the suffix: the edge has chosen it, and the person should see which names belong to the mesh. */
  adw_action_row_set_subtitle (self->name_row, full != NULL ? full : ew_daemon_get_node_name (self->daemon));
  gtk_widget_set_visible (GTK_WIDGET (self->address_row), has_address);
  adw_action_row_set_subtitle (self->address_row, has_address ? addresses[0] : "");
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->state_row), words);
  /* The time connected is left out: this page doesn't update it. */
  if (state == EW_STATE_CONNECTED)
    adw_action_row_set_subtitle (self->state_row, ew_daemon_get_edge_name (self->daemon));
  else
    adw_action_row_set_subtitle (self->state_row, detail != NULL ? detail : "");
  gtk_widget_set_visible (self->connect, state == EW_STATE_DISCONNECTED);
  gtk_widget_set_visible (self->spinner, waiting);
}

static void
show_wheel (EwJoinedPage *self)
{
  EwNode *own = ew_topology_get_self (self->topology);

  if (own != NULL)
    ew_spoke_wheel_set_node (self->wheel, self->topology, own);
  gtk_widget_set_visible (GTK_WIDGET (self->wheel), own != NULL);
}

static void
on_called (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwJoinedPage) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);

  if (ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self)) == NULL)
    return; /* closed in the meantime */
  gtk_widget_set_sensitive (self->connect, TRUE);
  ew_wizard_page_show_call_error (EW_WIZARD_PAGE (self), error);
}

static void
on_connect (EwJoinedPage *self)
{
  gtk_widget_set_sensitive (self->connect, FALSE);
  ew_daemon_call_async (self->daemon, "Connect", NULL, self->calls, on_called, g_object_ref (self));
}

static void
on_copy (EwJoinedPage *self)
{
  EwWizard *wizard = ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self));
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)),
                          adw_action_row_get_subtitle (self->address_row));
  if (wizard != NULL)
    ew_wizard_toast (wizard, ew_toast_copied (GTK_WIDGET (self), _ ("Mesh IP copied")));
}

/* Networks to forward. */

typedef struct
{
  EwJoinedPage *page; /* a reference */
  GtkSwitch *choice;  /* a reference */
} Choice;

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Choice *answered = user_data;
  g_autoptr (EwJoinedPage) self = answered->page;
  g_autoptr (GtkSwitch) choice = answered->choice;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);

  if (ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self)) == NULL)
    return; /* closed in the meantime */
  gtk_widget_set_sensitive (GTK_WIDGET (choice), TRUE);
  if (answer != NULL)
    gtk_switch_set_state (choice, gtk_switch_get_active (choice));
  else
    gtk_switch_set_active (choice, gtk_switch_get_state (choice));
  ew_wizard_page_show_call_error (EW_WIZARD_PAGE (self), error);
}

static gboolean
on_choice (GtkSwitch *choice, gboolean on, EwJoinedPage *self)
{
  GtkWidget *row = gtk_widget_get_ancestor (GTK_WIDGET (choice), ADW_TYPE_ACTION_ROW);
  Choice *asked;

  if (on == gtk_switch_get_state (choice))
    return FALSE; /* it only shows the current state */
  asked = g_new0 (Choice, 1);
  asked->page = g_object_ref (self);
  asked->choice = g_object_ref (choice);
  gtk_widget_set_sensitive (GTK_WIDGET (choice), FALSE);
  ew_daemon_call_async (self->daemon, on ? "AcceptRoute" : "RefuseRoute",
                        g_variant_new ("(s)", adw_preferences_row_get_title (ADW_PREFERENCES_ROW (row))), self->calls,
                        on_answered, asked);
  return TRUE; /* the state follows the daemon */
}

static void
add_offer (EwJoinedPage *self, const gchar *cidr)
{
  GtkWidget *row = adw_action_row_new (), *choice = gtk_switch_new ();
  g_autofree gchar *spoken = g_strdup_printf (_ ("Forward the mesh to %s"), cidr);

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), cidr);
  gtk_widget_set_valign (choice, GTK_ALIGN_CENTER);
  gtk_accessible_update_property (GTK_ACCESSIBLE (choice), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  g_signal_connect (choice, "state-set", G_CALLBACK (on_choice), self);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), choice);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self->offers), row);
  gtk_widget_set_visible (self->offers, TRUE);
}

static void
on_routes (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwJoinedPage) self = user_data;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, NULL);
  g_autoptr (JsonObject) object = NULL;
  const gchar *json = NULL;
  JsonArray *routes;

  if (answer == NULL || ew_wizard_page_get_wizard (EW_WIZARD_PAGE (self)) == NULL)
    return; /* the details page asks for it too */
  g_variant_get (answer, "(&s)", &json);
  object = ew_json_parse_object (json, strlen (json), ANSWER_MAX, NULL);
  routes = object != NULL ? ew_json_array (object, "routes") : NULL;
  for (guint i = 0; routes != NULL && i < json_array_get_length (routes); i++)
    {
      JsonNode *element = json_array_get_element (routes, i);
      JsonObject *route = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      const gchar *cidr = route != NULL ? ew_json_string (route, "cidr") : NULL;
      if (cidr != NULL && g_strcmp0 (ew_json_string (route, "state"), "unaccepted-forward") == 0)
        add_offer (self, cidr);
    }
}

GtkWidget *
ew_joined_page_new (EwDaemon *daemon, EwTopology *topology, guint steps)
{
  static const gchar *const followed[]
    = { "notify::state",     "notify::message",   "notify::mesh",  "notify::node-name",
        "notify::addresses", "notify::edge-name", "notify::suffix" };
  EwJoinedPage *self = g_object_new (EW_TYPE_JOINED_PAGE, NULL);
  g_set_object (&self->daemon, daemon);
  g_set_object (&self->topology, topology);
  if (steps > 0)
    ew_wizard_page_set_steps (EW_WIZARD_PAGE (self), steps, steps);
  for (gsize i = 0; i < G_N_ELEMENTS (followed); i++)
    g_signal_connect_object (daemon, followed[i], G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (topology, "items-changed", G_CALLBACK (show_wheel), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (topology, "notify::self", G_CALLBACK (show_wheel), self, G_CONNECT_SWAPPED);
  show_wheel (self);
  update (self);
  ew_daemon_call_async (daemon, "ListRoutes", NULL, self->calls, on_routes, g_object_ref (self));
  return GTK_WIDGET (self);
}

static void
ew_joined_page_dispose (GObject *object)
{
  EwJoinedPage *self = EW_JOINED_PAGE (object);
  g_cancellable_cancel (self->calls);
  g_clear_object (&self->calls);
  g_clear_object (&self->topology);
  g_clear_object (&self->daemon);
  G_OBJECT_CLASS (ew_joined_page_parent_class)->dispose (object);
}

static void
ew_joined_page_class_init (EwJoinedPageClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);
  G_OBJECT_CLASS (class)->dispose = ew_joined_page_dispose;
  g_type_ensure (EW_TYPE_SPINNER);
  g_type_ensure (EW_TYPE_SPOKE_WHEEL);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/joined-page.ui");
  gtk_widget_class_bind_template_child (widget_class, EwJoinedPage, wheel);
  gtk_widget_class_bind_template_child (widget_class, EwJoinedPage, name_row);
  gtk_widget_class_bind_template_child (widget_class, EwJoinedPage, address_row);
  gtk_widget_class_bind_template_child (widget_class, EwJoinedPage, state_row);
  gtk_widget_class_bind_template_child (widget_class, EwJoinedPage, connect);
  gtk_widget_class_bind_template_child (widget_class, EwJoinedPage, spinner);
  gtk_widget_class_bind_template_child (widget_class, EwJoinedPage, done);
  gtk_widget_class_bind_template_child (widget_class, EwJoinedPage, offers);
  gtk_widget_class_bind_template_callback (widget_class, on_connect);
  gtk_widget_class_bind_template_callback (widget_class, on_copy);
}

static void
ew_joined_page_init (EwJoinedPage *self)
{
  self->calls = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
}
