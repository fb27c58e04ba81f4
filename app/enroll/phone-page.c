/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/phone-page.h"

#include <glib/gi18n.h>

#include "common/util.h"
#include "edgeway-config.h"
#include "enroll/phone-code-page.h"
#include "wg-config/wg-config.h"

#define VALID_S 86400 /* as `edgewayctl node config` */

struct _EwPhonePage
{
  EwNodePage parent_instance;
  EwKeyPair keys; /* of the phone being made */
  GtkCheckButton *vpn;
  AdwActionRow *vpn_row;
  GtkSwitch *names;
  gboolean names_chosen; /* set by the person */
};

G_DEFINE_FINAL_TYPE (EwPhonePage, ew_phone_page, EW_TYPE_NODE_PAGE)

static gboolean
ew_phone_page_make (EwNodePage *page, const gchar *name, GCancellable *cancellable, GAsyncReadyCallback callback,
                    gpointer user_data)
{
  EwPhonePage *self = EW_PHONE_PAGE (page);
  g_autoptr (GError) error = NULL;

  ew_key_pair_clear (&self->keys);
  if (!ew_key_pair_make (&self->keys, &error))
    {
      ew_wizard_page_set_error (EW_WIZARD_PAGE (self), error->message);
      return FALSE;
    }
  ew_make_phone_async (ew_node_page_get_daemon (page), name, self->keys.public_key, VALID_S, cancellable, callback,
                       user_data);
  return TRUE;
}

static void
on_unmade (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree gchar *name = user_data;
  g_autoptr (GError) error = NULL;
  if (!ew_unmake_finish (result, &error))
    g_message ("%s couldn't be removed from the mesh again: %s", name, error->message);
}

/* An edge that doesn't answer names isn't asked for them. */
static EwWgConfigFlags
get_flags (EwPhonePage *self, JsonObject *config)
{
  EwWgConfigFlags flags = gtk_check_button_get_active (self->vpn) ? EW_WG_CONFIG_VPN : 0;

  if (gtk_switch_get_active (self->names) && ew_wg_config_has_names (config))
    flags |= EW_WG_CONFIG_NAMES;
  return flags;
}

/* In VPN mode the network's own name server is often out of reach, so names go along unless the person says otherwise.
 */
static void
on_mode (EwPhonePage *self)
{
  if (self->names_chosen)
    return;
  gtk_switch_set_active (self->names, gtk_check_button_get_active (self->vpn));
  self->names_chosen = FALSE; /* not set by the person */
}

static void
on_names (EwPhonePage *self)
{
  self->names_chosen = TRUE;
}

/* Shows the code; where the configuration can't be used, the node is removed. */
static void
ew_phone_page_made (EwNodePage *page, EwWizard *wizard, EwNewNode *made)
{
  EwPhonePage *self = EW_PHONE_PAGE (page);
  EwDaemon *daemon = ew_node_page_get_daemon (page);
  g_autoptr (EwNewNode) node = made;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) public_networks = NULL;
  EwWgConfigFlags flags = get_flags (self, node->config);
  gchar *config = ew_wg_config_format (node->config, self->keys.private_key, flags, &public_networks, &error);
  GtkWidget *code = config != NULL ? ew_phone_code_page_new (daemon, ew_node_page_get_topology (page), node, config,
                                                             (const gchar *const *)public_networks)
                                   : NULL;
  g_autofree gchar *problem = NULL;

  ew_free_secret (config);
  if (code != NULL)
    {
      ew_wizard_push (wizard, code);
      return;
    }
  ew_unmake_async (daemon, node->id != NULL ? node->id : node->name, on_unmade, g_strdup (node->name));
  problem = error != NULL
              ? g_strdup_printf (_ ("Can't create a configuration: %s"), error->message)
              : g_strdup (_ ("The configuration doesn't fit in a QR code because the mesh has too many routes."));
  ew_wizard_page_set_error (EW_WIZARD_PAGE (self), problem);
}

static void
ew_phone_page_over (EwNodePage *page)
{
  ew_key_pair_clear (&EW_PHONE_PAGE (page)->keys);
}

GtkWidget *
ew_phone_page_new (EwDaemon *daemon, EwTopology *topology)
{
  EwPhonePage *self = g_object_new (EW_TYPE_PHONE_PAGE, NULL);
  const gchar *edge = ew_daemon_get_edge_name (daemon);
  g_autofree gchar *leaves = edge != NULL && *edge != '\0'
                               ? g_strdup_printf (_ ("All its internet traffic leaves from %s"), edge)
                               : g_strdup (_ ("All its internet traffic leaves from the edge"));

  ew_node_page_set_model (EW_NODE_PAGE (self), daemon, topology);
  adw_action_row_set_subtitle (self->vpn_row, leaves);
  return GTK_WIDGET (self);
}

static void
ew_phone_page_dispose (GObject *object)
{
  ew_key_pair_clear (&EW_PHONE_PAGE (object)->keys);
  G_OBJECT_CLASS (ew_phone_page_parent_class)->dispose (object);
}

static void
ew_phone_page_class_init (EwPhonePageClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = ew_phone_page_dispose;
  EW_NODE_PAGE_CLASS (class)->make = ew_phone_page_make;
  EW_NODE_PAGE_CLASS (class)->made = ew_phone_page_made;
  EW_NODE_PAGE_CLASS (class)->over = ew_phone_page_over;
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/enroll/phone-page.ui");
  gtk_widget_class_bind_template_child (widget_class, EwPhonePage, vpn);
  gtk_widget_class_bind_template_child (widget_class, EwPhonePage, vpn_row);
  gtk_widget_class_bind_template_child (widget_class, EwPhonePage, names);
  gtk_widget_class_bind_template_callback (widget_class, on_mode);
  gtk_widget_class_bind_template_callback (widget_class, on_names);
}

static void
ew_phone_page_init (EwPhonePage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
