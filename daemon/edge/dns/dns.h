/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who asks, and how queries get from the mesh's own zone to all other names.
 *
 *   node ── TUN ── server ── zone: a name of the mesh ───────────── answer
 *                    └────── forwarder: any other name ── resolver ── answer
 *
 * A message is bytes from its header to its end, without the two bytes of length that TCP puts before it.
 */
#pragma once

#include <gio/gio.h>
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_DNS_PORT 53
#define EW_DNS_MESSAGE_MAX 65535 /* RFC 1035, 4.2.2 */
#define EW_DNS_ID_LENGTH 31      /* a node's ID is shorter */

/* Who asks. A plain value: copy it to keep it. */
typedef struct
{
  gchar node[EW_DNS_ID_LENGTH + 1]; /* the node's ID, its address's owner; "": the edge's own host */
  EwIp ip;                          /* its source address */
  guint16 port;
  gboolean tcp;
} EwDnsAsker;

/* The forwarder. All calls are made, and all answers given, in one thread with one thread-default main context: the DNS
 * server's. */
typedef struct EwDnsForward EwDnsForward;

/* answer (borrowed during the call): a whole message of any size, with the query's ID, question (the asker's case) and,
 * where the query had one, an OPT record; what is too large for UDP is cut to TC by the server. NULL: nothing is
 * answered (the asker has more questions open than it may). Called once for every question, never before
 * ew_dns_forward_async() has returned. */
typedef void (*EwDnsForwardDone) (gpointer user_data, const guint8 *answer, gsize len);

/* query: a whole message that has been checked: QR 0, opcode QUERY, one question of class IN, EDNS version 0 or none; and
 * its name isn't in the mesh's zones. asker and query are borrowed during the call. Without a
 * forwarder the server answers REFUSED and does not call this. */
void ew_dns_forward_async (EwDnsForward *self, const EwDnsAsker *asker, const guint8 *query, gsize len,
                           EwDnsForwardDone done, gpointer user_data);
/* Ends it: questions that are still open are answered with NULL before it returns. In the server's thread. */
void ew_dns_forward_free (EwDnsForward *self);

/* Makes the forwarder in the server's thread; NULL: none. */
typedef EwDnsForward *(*EwDnsForwardMake) (gpointer user_data);

/* How the server reaches the forwarder: so neither is linked with the other, and tests can replace it. */
typedef struct
{
  EwDnsForwardMake make;
  void (*async) (EwDnsForward *self, const EwDnsAsker *asker, const guint8 *query, gsize len, EwDnsForwardDone done,
                 gpointer user_data);
  void (*free) (EwDnsForward *self);
} EwDnsForwardCalls;

G_END_DECLS
