/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Step 3 of 3: what was added is online: a real ping, its mesh IP, what it shares; and one more, or done.
 */
#pragma once

#include "enroll/wizard-page.h"

G_BEGIN_DECLS

#define EW_TYPE_ONLINE_PAGE (ew_online_page_get_type ())
G_DECLARE_FINAL_TYPE (EwOnlinePage, ew_online_page, EW, ONLINE_PAGE, EwWizardPage)

/* phone: "add another" adds a phone, else a computer. */
GtkWidget *ew_online_page_new (EwDaemon *daemon, EwTopology *topology, EwNode *node, gboolean phone);

G_END_DECLS
