/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * This computer has joined: its name, its mesh IP and its connection, live. Closing leads to the map.
 */
#pragma once

#include "enroll/wizard-page.h"
#include "model/topology.h"

G_BEGIN_DECLS

#define EW_TYPE_JOINED_PAGE (ew_joined_page_get_type ())
G_DECLARE_FINAL_TYPE (EwJoinedPage, ew_joined_page, EW, JOINED_PAGE, EwWizardPage)

/* steps: how many steps there are, of which this is the last; 0: the page shows no step. */
GtkWidget *ew_joined_page_new (EwDaemon *daemon, EwTopology *topology, guint steps);

G_END_DECLS
