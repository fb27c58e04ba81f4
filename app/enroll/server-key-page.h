/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Add a computer, step 2 of 3: the commands to run there, and the key apart from them; waits until it is online.
 * Leaving before that asks: the key stays valid, or it is revoked.
 */
#pragma once

#include "enroll/making.h"
#include "enroll/wizard-page.h"

G_BEGIN_DECLS

#define EW_TYPE_SERVER_KEY_PAGE (ew_server_key_page_get_type ())
G_DECLARE_FINAL_TYPE (EwServerKeyPage, ew_server_key_page, EW, SERVER_KEY_PAGE, EwWizardPage)

/* Takes node. networks: those offered with it. */
GtkWidget *ew_server_key_page_new (EwDaemon *daemon, EwTopology *topology, EwNewNode *node,
                                   const gchar *const *networks);

G_END_DECLS
