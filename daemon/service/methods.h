/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one table: D-Bus method → polkit action → handler. A method that is not in it is refused.
 */
#pragma once

#include "service/call.h"

G_BEGIN_DECLS

/* NULL: refused. */
const EwMethod *ew_methods_find (const gchar *name);

/* All rows, in the XML's order; ended by a row without a name. */
const EwMethod *ew_methods_get_all (void);

/* The handlers by what they are about. */
void ew_handle_enroll (EwCall *call, GVariant *parameters);
void ew_handle_leave (EwCall *call, GVariant *parameters);
void ew_handle_connect (EwCall *call, GVariant *parameters);
void ew_handle_disconnect (EwCall *call, GVariant *parameters);
void ew_handle_set_mode (EwCall *call, GVariant *parameters);
void ew_handle_set_lockdown (EwCall *call, GVariant *parameters);
void ew_handle_set_proxy (EwCall *call, GVariant *parameters);
void ew_handle_set_proxy_password (EwCall *call, GVariant *parameters);
void ew_handle_answer_proxy (EwCall *call, GVariant *parameters);
void ew_handle_change_split (EwCall *call, GVariant *parameters);
void ew_handle_set_lan (EwCall *call, GVariant *parameters);
void ew_handle_open_portal (EwCall *call, GVariant *parameters);
void ew_handle_close_portal (EwCall *call, GVariant *parameters);
void ew_handle_confirm_mode (EwCall *call, GVariant *parameters);
void ew_handle_undo_mode (EwCall *call, GVariant *parameters);
void ew_handle_get_status (EwCall *call, GVariant *parameters);
void ew_handle_get_phrase (EwCall *call, GVariant *parameters);
void ew_handle_cancel_prompt (EwCall *call, GVariant *parameters);
void ew_handle_open_topology (EwCall *call, GVariant *parameters);
void ew_handle_ping (EwCall *call, GVariant *parameters);
void ew_handle_diagnose (EwCall *call, GVariant *parameters);
void ew_handle_fix (EwCall *call, GVariant *parameters);
void ew_handle_revert_fixes (EwCall *call, GVariant *parameters);

void ew_handle_add_node (EwCall *call, GVariant *parameters);
void ew_handle_renew_node (EwCall *call, GVariant *parameters);
void ew_handle_list_keys (EwCall *call, GVariant *parameters);
void ew_handle_revoke_key (EwCall *call, GVariant *parameters);
void ew_handle_list_nodes (EwCall *call, GVariant *parameters);
void ew_handle_show_node (EwCall *call, GVariant *parameters);
void ew_handle_rename_node (EwCall *call, GVariant *parameters);
void ew_handle_set_node_mtu (EwCall *call, GVariant *parameters);
void ew_handle_remove_node (EwCall *call, GVariant *parameters);
void ew_handle_create_config (EwCall *call, GVariant *parameters);
void ew_handle_add_route (EwCall *call, GVariant *parameters);
void ew_handle_remove_route (EwCall *call, GVariant *parameters);
void ew_handle_list_routes (EwCall *call, GVariant *parameters);
void ew_handle_accept_route (EwCall *call, GVariant *parameters);
void ew_handle_refuse_route (EwCall *call, GVariant *parameters);
void ew_handle_add_name (EwCall *call, GVariant *parameters);
void ew_handle_remove_name (EwCall *call, GVariant *parameters);
void ew_handle_list_names (EwCall *call, GVariant *parameters);
void ew_handle_accept_domain (EwCall *call, GVariant *parameters);
void ew_handle_refuse_domain (EwCall *call, GVariant *parameters);
void ew_handle_add_service (EwCall *call, GVariant *parameters);
void ew_handle_edit_service (EwCall *call, GVariant *parameters);
void ew_handle_remove_service (EwCall *call, GVariant *parameters);
void ew_handle_list_services (EwCall *call, GVariant *parameters);
void ew_handle_show_service (EwCall *call, GVariant *parameters);
void ew_handle_publish (EwCall *call, GVariant *parameters);
void ew_handle_unpublish (EwCall *call, GVariant *parameters);
void ew_handle_list_published (EwCall *call, GVariant *parameters);

G_END_DECLS
