/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Events on their way from the data thread to the creator's GMainContext: a bounded ring and an eventfd. The data
 * thread never touches GLib's main loop and never waits for the control thread; if that one sleeps, the oldest events
 * are lost, and a caller that needs certainty asks for the peer's status.
 */
#pragma once

#include <glib.h>
#include "engine/engine.h"

G_BEGIN_DECLS

typedef struct EwEvents EwEvents;

typedef struct
{
  void (*on_event) (void *user, const EwEngineEvent *event); /* may be NULL */
  void (*on_tun_lost) (void *user);                          /* may be NULL */
  void *user;
} EwEventsHandler;

/* Handlers run in the GMainContext that is the thread default now. */
EwEvents *ew_events_new (const EwEventsHandler *handler, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* No handler runs after this; may be called from inside one. The data thread must be done with it. */
void ew_events_close (EwEvents *events);

/* From the data thread. */
void ew_events_post (EwEvents *events, const EwEngineEvent *event);
void ew_events_post_tun_lost (EwEvents *events);

G_END_DECLS
