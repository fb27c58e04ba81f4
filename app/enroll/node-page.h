/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first step of adding a node: its name, Next, and Cancel while the daemon makes it. What else is asked for, and
 * what comes next, is of the kinds derived from this. What is being made while the window closes is undone in the
 * background.
 */
#pragma once

#include "enroll/making.h"
#include "enroll/wizard-page.h"

G_BEGIN_DECLS

#define EW_TYPE_NODE_PAGE (ew_node_page_get_type ())
G_DECLARE_DERIVABLE_TYPE (EwNodePage, ew_node_page, EW, NODE_PAGE, EwWizardPage)

struct _EwNodePageClass
{
  EwWizardPageClass parent_class;
  /* Asks the daemon with an ew_make_…_async(), which gets the last three. FALSE: no call was made, and the page shows
     why. */
  gboolean (*make) (EwNodePage *self, const gchar *name, GCancellable *cancellable, GAsyncReadyCallback callback,
                    gpointer user_data);
  /* Goes on with what was made. node: transfer full. */
  void (*made) (EwNodePage *self, EwWizard *wizard, EwNewNode *node);
  /* The call has ended, with or without success: free what it needed. NULL: nothing to free. */
  void (*over) (EwNodePage *self);
};

/* To be called for every page after it was created: both are kept (a reference each). */
void ew_node_page_set_model (EwNodePage *self, EwDaemon *daemon, EwTopology *topology);
EwDaemon *ew_node_page_get_daemon (EwNodePage *self);     /* borrowed */
EwTopology *ew_node_page_get_topology (EwNodePage *self); /* borrowed */
/* Something that the page asks for was changed: an error that was shown is outdated. */
void ew_node_page_changed (EwNodePage *self);

G_END_DECLS
