/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * "Remove nas?", for administrators; for this computer, where the way out is.
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"

G_BEGIN_DECLS

/* What is asked, and of whom: all borrowed, method a constant. */
typedef struct
{
  const gchar *once; /* ew_dialog_present()'s */
  const gchar *method, *argument;
  const gchar *name, *body;
} EwRemovalWords;

/* Asks, then calls the method with the argument; a refusal is a toast in overlay (may be NULL). */
void ew_remove_dialog_ask (GtkWindow *parent, EwDaemon *daemon, const EwRemovalWords *words, AdwToastOverlay *overlay);
/* The same for a node. */
void ew_remove_dialog_present (GtkWindow *parent, EwDaemon *daemon, EwNode *node, AdwToastOverlay *overlay);

G_END_DECLS
