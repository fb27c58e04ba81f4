/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the edge is found must not depend on the tunnel: in VPN mode every question of this computer goes to the edge,
 * and the edge's own name would need the edge to be found. So while that mode is in force this GResolver asks the name
 * servers of this computer's networks itself, through sockets with EW_HOST_FWMARK, which none of Edgeway's rules
 * routes into the tunnel. At all other times, and for all other kinds of questions, it delegates to the resolver that
 * it wraps.
 *
 * Their addresses are those of resolv.conf and, where a local name server is in between, of the files in which that
 * one's own servers are written. If a local server doesn't reveal them, it's asked in the usual way.
 */
#pragma once

#include <gio/gio.h>
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_TYPE_OUTSIDE_RESOLVER (ew_outside_resolver_get_type ())
G_DECLARE_FINAL_TYPE (EwOutsideResolver, ew_outside_resolver, EW, OUTSIDE_RESOLVER, GResolver)

/* around: the resolver at other times, kept. mark: of the sockets. */
EwOutsideResolver *ew_outside_resolver_new (GResolver *around, guint32 mark);
/* active: VPN mode is in force. ranges: name servers in these are the tunnel's, and not asked; copied. */
void ew_outside_resolver_set_active (EwOutsideResolver *self, gboolean active, const EwPrefix *ranges, gsize n_ranges);
/* The one that it was made around: what programs of this computer see. Borrowed. */
GResolver *ew_outside_resolver_get_system (EwOutsideResolver *self);

/* What name servers said, and for how long it holds. */
typedef struct
{
  GArray *ips; /* EwIp, one at least */
  guint32 ttl; /* seconds: the shortest of its records' */
} EwOutsideAnswer;
void ew_outside_answer_free (EwOutsideAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwOutsideAnswer, ew_outside_answer_free)

/* Asks the name servers themselves in any mode, for family's addresses: a GResolver doesn't say how long its answers
   hold. finish: NULL where none answers, or has any, or /etc/hosts has some. (transfer full) */
void ew_outside_resolver_ask_async (EwOutsideResolver *self, const gchar *name, guint8 family,
                                    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
EwOutsideAnswer *ew_outside_resolver_ask_finish (GAsyncResult *result);

/* Pure: the addresses in a DNS message that answers the question (id, name, of family's record); NULL: it doesn't
   answer it. EwIp, maybe none. *ttl becomes the shortest of all its records' where that is less. (transfer full) */
GArray *ew_outside_read_answer (const guint8 *message, gsize length, guint16 id, const gchar *name, guint8 family,
                                guint32 *ttl);
/* Pure: the addresses of name in hosts(5). EwIp. (transfer full) */
GArray *ew_outside_read_hosts (const gchar *text, gsize length, const gchar *name);

G_END_DECLS
