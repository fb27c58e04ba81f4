/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * polkit's password prompt on this terminal, where no graphical one is there to ask.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _EwTextAgent EwTextAgent;

/* Registers for this process; where there is a screen, as a fallback to its own agent. Without a terminal, without
   polkit or in a build without libpolkit-agent-1 the agent asks nothing, and polkit decides by itself. Never NULL. */
EwTextAgent *ew_text_agent_new (void);
void ew_text_agent_free (EwTextAgent *self);

G_END_DECLS
