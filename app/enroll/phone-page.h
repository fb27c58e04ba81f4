/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Add a phone, step 1 of 3: its name and its mode. Next makes its key pair here and asks the edge to add the node.
 */
#pragma once

#include "enroll/node-page.h"

G_BEGIN_DECLS

#define EW_TYPE_PHONE_PAGE (ew_phone_page_get_type ())
G_DECLARE_FINAL_TYPE (EwPhonePage, ew_phone_page, EW, PHONE_PAGE, EwNodePage)

GtkWidget *ew_phone_page_new (EwDaemon *daemon, EwTopology *topology);

G_END_DECLS
