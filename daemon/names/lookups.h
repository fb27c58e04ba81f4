/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Questions on their way to the edge's DNS, and what it said lately. One thread's; nothing in here waits: the owner
 * polls the descriptors and calls back.
 *
 * Each question has a UDP socket of its own, with a port that the kernel chooses at random, connected to the edge's
 * service address and bound to the tunnel's interface: a forger on the LAN cannot reach it (CVE-2019-14899).
 */
#pragma once

#include <poll.h>

#include "names/question.h"

G_BEGIN_DECLS

#define EW_LOOKUPS_MAX 64              /* at the same time */
#define EW_LOOKUPS_PATIENCE_US 1400000 /* after that the edge is silent */
#define EW_LOOKUPS_CACHED 512

typedef struct EwLookups EwLookups;

EwLookups *ew_lookups_new (void);
void ew_lookups_free (EwLookups *self);
/* Forgets all that is asked and cached. scope's networks and interface are copied, its conf isn't: it has to stay until
   the next call. n_service 0: no server to ask. port: 53, but in tests. */
void ew_lookups_configure (EwLookups *self, const EwQuestionScope *scope, const EwIp *service, gsize n_service,
                           guint16 port, const gchar *interface);

/* What is known of name (lower case; in the reverse zones with reverse); NULL: nothing. Borrowed until the next call.
   A look-up that failed a moment ago is known as TRY_AGAIN. now: of g_get_monotonic_time(). */
const EwNamesReply *ew_lookups_find (EwLookups *self, const gchar *name, gboolean reverse, gboolean v6, gint64 now);
/* Asks, unless it is being asked. FALSE: it can't be. */
gboolean ew_lookups_start (EwLookups *self, const gchar *name, gboolean reverse, gboolean v6, gint64 now);

/* Fills at most EW_LOOKUPS_MAX descriptors and returns their number. */
guint ew_lookups_poll (EwLookups *self, struct pollfd *fds);
/* When to call ew_lookups_dispatch() at the latest; G_MAXINT64: no need. */
gint64 ew_lookups_deadline (const EwLookups *self);
/* fds: as filled by ew_lookups_poll(), polled since; nothing was started in between. */
void ew_lookups_dispatch (EwLookups *self, const struct pollfd *fds, gint64 now);

G_END_DECLS
