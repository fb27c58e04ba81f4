/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the edges can be reached: every endpoint of the document's edges as numbers. Names are looked up beside the
 * tunnel's life, never in its way: what they had last is kept on disk and used first.
 *
 * Where an edge answered last is a candidate as well, after all others, until it has answered from one of those: an
 * edge that gives out a wrong address, but is still where it was, isn't lost. Who answers there is proved by its key.
 */
#pragma once

#include "account/document.h"
#include "account/keystore.h"

G_BEGIN_DECLS

typedef struct
{
  guint edge; /* index into document->edges */
  EwEndpoint endpoint;
  gboolean remembered; /* not the document's: the edge answered last from there */
} EwCandidate;

/* Array of EwCandidate, in the order to be tried (transfer full). */
GArray *ew_candidates_new (const EwDocument *document, EwKeystore *cache);
/* Array of EwIp: the edges' own addresses, their APIs' included (transfer full). */
GArray *ew_edge_addresses (const EwDocument *document, EwKeystore *cache);
/* Looks up the names among the endpoints, puts what it finds into cache; the result is TRUE when something changed. No
 * errors. */
void ew_endpoints_resolve_async (const EwDocument *document, EwKeystore *cache, gboolean by_proxy,
                                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean ew_endpoints_resolve_finish (GAsyncResult *result);

/* Whether this computer has a route there at all (asks the kernel, sends nothing). mark: SO_MARK, where it may be set.
 */
gboolean ew_endpoint_has_route (const EwEndpoint *endpoint, guint32 mark);
/* Whether packets there would leave from the address local now. */
gboolean ew_endpoint_leaves_from (const EwEndpoint *endpoint, const EwIp *local, guint32 mark);
/* Whether this computer's own firewall refuses to send there: an empty datagram, which an edge ignores, is sent. */
gboolean ew_endpoint_is_refused (const EwEndpoint *endpoint, guint32 mark);
/* The same by an empty datagram, which an edge ignores. The socket, which hears ICMP's errors about it; -1: there is no
   way. The caller closes it. */
int ew_endpoint_send_empty (const EwEndpoint *endpoint, guint32 mark, gboolean *refused);
/* What it has heard: an errno, 0: nothing. */
int ew_endpoint_read_error (int fd);

G_END_DECLS
