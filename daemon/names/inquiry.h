/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Collects what evidence.h is about, only during a diagnosis: files of the C library's, what systemd-resolved says of
 * its links, and a few questions to this network's own name servers and to the edge, all at once and within
 * EW_INQUIRY_MS; and whether the C library finds one of the mesh's names, within EW_NAMES_CHECK_SECONDS. No name server
 * on the internet is asked.
 */
#pragma once

#include "names/evidence.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define EW_INQUIRY_MS 2500
#define EW_INQUIRY_SERVERS 4   /* of this network that are asked */
#define EW_INQUIRY_GATEWAYS 32 /* domains of gateways about which the edge is asked */

typedef struct
{
  const gchar *suffix, *own_name;
  const gchar *interface; /* the tunnel's */
  guint link;
  gboolean vpn;     /* all names are the edge's */
  const EwIp *edge; /* where it answers names, and the addresses of its own name; none: the tunnel doesn't work */
  gsize n_edge;
  const EwIp *resolvers; /* this computer's name servers */
  gsize n_resolvers;
  const EwNamesGateway *gateways; /* domains of gateways that this computer uses; answered is ignored */
  gsize n_gateways;
  guint32 mark; /* of packets that stay outside the tunnel */
} EwInquiry;

/* inquiry is read before this returns. */
void ew_names_inquire_async (const EwInquiry *inquiry, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
/* NULL: cancelled. (transfer full) */
EwNamesEvidence *ew_names_inquire_finish (GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
