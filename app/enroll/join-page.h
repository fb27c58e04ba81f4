/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Join with a key: the page parses the key and shows what it contains, and sends nothing before Join.
 */
#pragma once

#include "enroll/wizard-page.h"

G_BEGIN_DECLS

#define EW_TYPE_JOIN_PAGE (ew_join_page_get_type ())
G_DECLARE_FINAL_TYPE (EwJoinPage, ew_join_page, EW, JOIN_PAGE, EwWizardPage)

/* steps: how many steps there are, of which this is the last but one; 0: the page shows no step. */
GtkWidget *ew_join_page_new (EwDaemon *daemon, guint steps);
/* The text is wiped from the entry once it is a key; the page keeps it until it is left, and zeroes it then.
   FALSE: the person has begun, or it is joining: the key is not used. */
gboolean ew_join_page_set_key (EwJoinPage *self, const gchar *key_or_link);

G_END_DECLS
