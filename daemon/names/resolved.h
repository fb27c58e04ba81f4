/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * systemd-resolved, over D-Bus (org.freedesktop.resolve1(5)): what it is told of one link, and whether it answers.
 * Nothing here waits: every call has a time-out of its own, and one that runs out makes resolved "hung" until an answer
 * comes. A link's settings live in resolved, survive its restart and disappear with the link; they are set again only
 * where another resolved has come up without them.
 *
 * Timers: ew_resolved_call_ms a call; a missing bus, or a resolved that hangs, is tried again after 1 s, then 2, 4, …
 * up to a minute.
 */
#pragma once

#include <gio/gio.h>
#include "proto/address.h"

G_BEGIN_DECLS

/* So long an answer may take; tests have less patience. */
extern guint ew_resolved_call_ms;

typedef enum
{
  EW_RESOLVED_UNKNOWN, /* not asked yet */
  EW_RESOLVED_ABSENT,  /* no program owns its name, or there is no bus */
  EW_RESOLVED_ANSWERS,
  EW_RESOLVED_HUNG
} EwResolvedState;

typedef struct
{
  guint link; /* interface index */
  const EwIp *servers;
  gsize n_servers;
  const gchar *suffix;         /* names below it are the link's; it isn't signed */
  const gchar *const *domains; /* further ones */
  gboolean default_route;      /* names of no link's domains are this link's, too */
} EwResolvedLink;

typedef struct EwResolved EwResolved;

/* address: of the bus; NULL: the system's. changed: in the thread's default main context, when the state, the error or
   what is set has changed. */
EwResolved *ew_resolved_new (const gchar *address, void (*changed) (gpointer user_data), gpointer user_data);
void ew_resolved_free (EwResolved *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwResolved, ew_resolved_free)

EwResolvedState ew_resolved_get_state (EwResolved *self);
/* link NULL: none any more, and what was set is reverted. The same as before: nothing happens. */
void ew_resolved_set_link (EwResolved *self, const EwResolvedLink *link);
/* Everything of the link was taken. */
gboolean ew_resolved_is_set (EwResolved *self);
/* The domains of the other links and of none, for search or for routing, as they were when resolved was last looked at; "~."
   is ".". (transfer full) */
GStrv ew_resolved_get_domains (EwResolved *self, guint link);
/* Why resolved refuses the link's settings, in its own words; NULL: it doesn't. */
const gchar *ew_resolved_get_error (EwResolved *self);
/* Sends RevertLink for a link that an earlier run has left. */
void ew_resolved_revert (EwResolved *self, guint link);
/* The same, waiting for the answer, for a program without a main loop; a missing bus or resolved isn't an error. */
gboolean ew_resolved_revert_now (const gchar *address, guint link, GError **error);
/* It keeps "the server failed" for 10 s, whoever has asked: what is looked up after this is asked for again. Best
   effort. */
void ew_resolved_forget_failures (EwResolved *self);
/* Asks whether the link still has its settings, and whether resolved answers. */
void ew_resolved_look (EwResolved *self);

G_END_DECLS
