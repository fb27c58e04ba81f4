/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node-menu.h"

#include <glib/gi18n.h>

static void
add_for (GMenu *section, const gchar *label, const gchar *action, const gchar *id)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);

  g_menu_item_set_action_and_target (item, action, "s", id);
  g_menu_append_item (section, item);
}

static void
add (GMenu *section, const gchar *label, const gchar *action, EwNode *node)
{
  add_for (section, label, action, ew_node_get_id (node));
}

static void
add_section (GMenu *menu, GMenu *section)
{
  if (g_menu_model_get_n_items (G_MENU_MODEL (section)) > 0)
    g_menu_append_section (menu, NULL, G_MENU_MODEL (section));
}

GMenuModel *
ew_node_menu_new (EwNode *node, EwDaemon *daemon, gboolean show_path)
{
  GMenu *menu = g_menu_new ();
  g_autoptr (GMenu) show = g_menu_new (), copy = g_menu_new (), administer = g_menu_new ();
  gboolean self = ew_node_is_self (node), addressed = ew_node_get_address (node) != NULL;

  add (show, _ ("_Details"), "win.show-details", node);
  if (show_path && !self)
    add (show, _ ("_Show Path"), "win.show-path", node);
  if (!self && ew_node_get_state (node) == EW_NODE_ONLINE)
    add (show, _ ("_Ping"), "win.ping", node);
  if (addressed)
    add (copy, _ ("Copy _Mesh IP"), "win.copy-address", node);
  add (copy, _ ("Copy _Name"), "win.copy-name", node);
  if (addressed && !self && !ew_node_is_plain (node))
    add (copy, _ ("Copy SSH _Command"), "win.copy-ssh", node);
  if (ew_daemon_get_administrator (daemon))
    {
      add (administer, _ ("_Rename…"), "win.rename-node", node);
      if (!self)
        add (administer, _ ("Re_move from the Mesh…"), "win.remove-node", node);
    }
  add_section (menu, show);
  add_section (menu, copy);
  add_section (menu, administer);
  return G_MENU_MODEL (menu);
}

GMenuModel *
ew_edge_menu_new (EwEdge *edge)
{
  GMenu *menu = g_menu_new ();
  g_autoptr (GMenu) show = g_menu_new (), copy = g_menu_new ();
  const gchar *id = ew_edge_get_id (edge);

  add_for (show, _ ("_Details"), "win.show-details", id);
  if (ew_edge_get_online (edge))
    add_for (show, _ ("_Ping"), "win.ping", id);
  if (ew_edge_get_address (edge) != NULL)
    add_for (copy, _ ("Copy _Mesh IP"), "win.copy-address", id);
  add_for (copy, _ ("Copy _Name"), "win.copy-name", id);
  if (ew_edge_get_address (edge) != NULL)
    add_for (copy, _ ("Copy SSH _Command"), "win.copy-ssh", id);
  add_section (menu, show);
  add_section (menu, copy);
  return G_MENU_MODEL (menu);
}

GMenuModel *
ew_service_menu_new (EwService *service, EwDaemon *daemon)
{
  GMenu *menu = g_menu_new ();
  g_autoptr (GMenu) show = g_menu_new (), copy = g_menu_new (), administer = g_menu_new ();
  g_autofree gchar *url = ew_service_get_url (service, daemon);
  const gchar *id = ew_service_get_id (service);

  add_for (show, _ ("_Details"), "win.show-details", id);
  if (url != NULL)
    add_for (show, _ ("_Open in Browser"), "win.open-service", id);
  if (ew_service_get_address (service) != NULL)
    add_for (copy, _ ("Copy _Address"), "win.copy-service-address", id);
  add_for (copy, _ ("Copy _Name"), "win.copy-service-name", id);
  if (ew_daemon_get_administrator (daemon))
    {
      add_for (administer, _ ("_Edit…"), "win.edit-service", id);
      add_for (administer, _ ("Re_move…"), "win.remove-service", id);
    }
  add_section (menu, show);
  add_section (menu, copy);
  add_section (menu, administer);
  return G_MENU_MODEL (menu);
}
