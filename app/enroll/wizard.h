/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The wizard: join a mesh, start one, add a server, add a phone. A window of its own, modal to the one it is transient
 * for. Every step can be left by Back, Cancel, Escape or the close button without harm: a node or a key that was made
 * and is not wanted is removed or revoked, or the person is asked.
 */
#pragma once

#include <adwaita.h>

#include "model/daemon.h"
#include "model/topology.h"

G_BEGIN_DECLS

typedef enum
{
  EW_WIZARD_JOIN,
  EW_WIZARD_NEW_MESH,
  EW_WIZARD_ADD_SERVER,
  EW_WIZARD_ADD_PHONE,
} EwWizardStart;

#define EW_TYPE_WIZARD (ew_wizard_get_type ())
G_DECLARE_FINAL_TYPE (EwWizard, ew_wizard, EW, WIZARD, AdwWindow)

/* Both are kept (a reference each). The caller sets transient-for and presents the window. The pages that wait for a
   node to come online look at the topology, which must be wanted (ew_topology_set_wanted) while they are open. */
EwWizard *ew_wizard_new (EwDaemon *daemon, EwTopology *topology, EwWizardStart start);
/* Fills in a key or an edgeway://enroll/ link, on the page to join with; from other starts it goes to that page.
   Nothing is sent. Text that isn't a key is shown as an error. Where the person has begun there, or a call is running,
   the key is not used, and the wizard says so. */
void ew_wizard_set_key (EwWizard *self, const gchar *key_or_link);

G_END_DECLS
