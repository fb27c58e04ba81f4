/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Add a computer, step 1 of 3: its name, whether it's a server or a person's, the networks behind a server, how long
 * its key is valid. Next makes it.
 */
#pragma once

#include "enroll/node-page.h"

G_BEGIN_DECLS

#define EW_TYPE_SERVER_PAGE (ew_server_page_get_type ())
G_DECLARE_FINAL_TYPE (EwServerPage, ew_server_page, EW, SERVER_PAGE, EwNodePage)

GtkWidget *ew_server_page_new (EwDaemon *daemon, EwTopology *topology);

G_END_DECLS
