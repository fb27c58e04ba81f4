/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Leaving a page that made a node which has not joined yet: the person is asked, and the node is kept or removed.
 */
#pragma once

#include "enroll/wizard-page.h"

G_BEGIN_DECLS

typedef struct EwLeaving EwLeaving;

/* page: borrowed, outlives this. name: as people know the node; id: its ID or name, as RemoveNode takes it. */
EwLeaving *ew_leaving_new (EwWizardPage *page, EwDaemon *daemon, const gchar *name, const gchar *id);
void ew_leaving_free (EwLeaving *leaving);
/* over: the question is no longer needed; an open one is closed. */
void ew_leaving_set_over (EwLeaving *leaving, gboolean over);
/* The person wants to keep what was made. */
gboolean ew_leaving_is_kept (EwLeaving *leaving);
/* For may_leave: TRUE: leave at once. FALSE: a question is shown, and its answer leaves or stays. Going back offers
   remove only, closing keep too. Labels have mnemonics. */
gboolean ew_leaving_ask (EwLeaving *leaving, EwLeave how, const gchar *heading, const gchar *body, const gchar *remove,
                         const gchar *keep);

G_END_DECLS
