/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/methods.h"

#define TOPOLOGY "org.edgeway.topology"
#define CONNECT "org.edgeway.connect"
#define MODE "org.edgeway.mode"
#define ENROLL "org.edgeway.enroll"
#define FIX "org.edgeway.fix"
#define ADMINISTER "org.edgeway.administer"

static const EwMethod methods[] = {
  { "Enroll", ENROLL, ew_handle_enroll },
  { "Leave", ENROLL, ew_handle_leave },
  { "Connect", CONNECT, ew_handle_connect },
  { "Disconnect", CONNECT, ew_handle_disconnect },
  { "SetMode", MODE, ew_handle_set_mode },
  { "SetLockdown", MODE, ew_handle_set_lockdown },
  { "ChangeSplit", MODE, ew_handle_change_split },
  { "SetLan", MODE, ew_handle_set_lan },
  { "OpenPortal", MODE, ew_handle_open_portal },
  { "ClosePortal", MODE, ew_handle_close_portal },
  { "SetProxy", CONNECT, ew_handle_set_proxy },
  { "SetProxyPassword", CONNECT, ew_handle_set_proxy_password },
  { "AnswerProxy", CONNECT, ew_handle_answer_proxy },
  { "ConfirmMode", MODE, ew_handle_confirm_mode },
  { "UndoMode", MODE, ew_handle_undo_mode },
  { "GetStatus", NULL, ew_handle_get_status },
  { "GetPhrase", NULL, ew_handle_get_phrase },
  { "CancelPrompt", NULL, ew_handle_cancel_prompt },
  { "OpenTopology", TOPOLOGY, ew_handle_open_topology },
  { "Ping", TOPOLOGY, ew_handle_ping },
  { "Diagnose", TOPOLOGY, ew_handle_diagnose },
  { "Fix", FIX, ew_handle_fix },
  { "RevertFixes", FIX, ew_handle_revert_fixes },
  { "AddNode", ADMINISTER, ew_handle_add_node },
  { "RenewNode", ADMINISTER, ew_handle_renew_node },
  { "ListKeys", ADMINISTER, ew_handle_list_keys },
  { "RevokeKey", ADMINISTER, ew_handle_revoke_key },
  { "ListNodes", TOPOLOGY, ew_handle_list_nodes },
  { "ShowNode", TOPOLOGY, ew_handle_show_node },
  { "RenameNode", ADMINISTER, ew_handle_rename_node },
  { "SetNodeMtu", ADMINISTER, ew_handle_set_node_mtu },
  { "RemoveNode", ADMINISTER, ew_handle_remove_node },
  { "CreateConfig", ADMINISTER, ew_handle_create_config },
  { "AddRoute", ADMINISTER, ew_handle_add_route },
  { "RemoveRoute", ADMINISTER, ew_handle_remove_route },
  { "ListRoutes", TOPOLOGY, ew_handle_list_routes },
  { "AcceptRoute", ADMINISTER, ew_handle_accept_route },
  { "RefuseRoute", ADMINISTER, ew_handle_refuse_route },
  { "AddName", ADMINISTER, ew_handle_add_name },
  { "RemoveName", ADMINISTER, ew_handle_remove_name },
  { "ListNames", TOPOLOGY, ew_handle_list_names },
  { "AcceptDomain", ADMINISTER, ew_handle_accept_domain },
  { "RefuseDomain", ADMINISTER, ew_handle_refuse_domain },
  { "AddService", ADMINISTER, ew_handle_add_service },
  { "EditService", ADMINISTER, ew_handle_edit_service },
  { "RemoveService", ADMINISTER, ew_handle_remove_service },
  { "ListServices", TOPOLOGY, ew_handle_list_services },
  { "ShowService", TOPOLOGY, ew_handle_show_service },
  { "Publish", ADMINISTER, ew_handle_publish },
  { "Unpublish", ADMINISTER, ew_handle_unpublish },
  { "ListPublished", TOPOLOGY, ew_handle_list_published },
  { NULL, NULL, NULL },
};

const EwMethod *
ew_methods_find (const gchar *name)
{
  for (const EwMethod *method = methods; method->name != NULL; method++)
    if (g_str_equal (method->name, name))
      return method;
  return NULL;
}

const EwMethod *
ew_methods_get_all (void)
{
  return methods;
}
