/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Start a new mesh: what it needs, the commands for the server that becomes its edge, and the way on with its first
 * key. Nothing is sent from here.
 */
#pragma once

#include "enroll/wizard-page.h"

G_BEGIN_DECLS

#define EW_TYPE_MESH_PAGE (ew_mesh_page_get_type ())
G_DECLARE_FINAL_TYPE (EwMeshPage, ew_mesh_page, EW, MESH_PAGE, EwWizardPage)

GtkWidget *ew_mesh_page_new (EwDaemon *daemon);

G_END_DECLS
