/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Add a phone, step 2 of 3: its configuration as a QR code or a file, shown this once; waits until it connects. Leaving
 * before that asks: the code stays valid, or the phone is removed.
 */
#pragma once

#include "enroll/making.h"
#include "enroll/wizard-page.h"

G_BEGIN_DECLS

#define EW_TYPE_PHONE_CODE_PAGE (ew_phone_code_page_get_type ())
G_DECLARE_FINAL_TYPE (EwPhoneCodePage, ew_phone_code_page, EW, PHONE_CODE_PAGE, EwWizardPage)

/* node, config (a wg-quick file, with the private key): copied; the copy of config is zeroed when the page is
   destroyed. NULL: the configuration does not fit a QR code. */
GtkWidget *ew_phone_code_page_new (EwDaemon *daemon, EwTopology *topology, const EwNewNode *node, const gchar *config,
                                   const gchar *const *public_networks);

G_END_DECLS
