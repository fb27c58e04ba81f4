/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this edge hands out to a computer that has only apt, on the API's port and without a login:
 *
 *   GET /install                the script (data/install/install.sh.in), with the mesh's CA and this edge's address
 *   GET /packages/systems       a line for each system that there are packages for: SYSTEM ARCHITECTURES VERSION
 *   GET /packages/SYSTEM/FILE   its apt repository: Packages, and the files that it lists
 *
 * Nothing of it is secret. The user who fetches the script knows its SHA-256 from an administrator's app; what the
 * script fetches comes over TLS that is checked against the CA in it.
 *
 * Bounds: DOWNLOADS_MAX at once, a few of one network, so many bytes of one address (serve.c), and a rate for all
 * together (edge/http/pace.h). Where all places are taken, the network with the most gives one up. A file is read and
 * sent in pieces; a client that reads nothing for 30 s is disconnected.
 */
#pragma once

#include <json-glib/json-glib.h>
#include "edge/http/server.h"

G_BEGIN_DECLS

typedef struct EwPackages EwPackages;

typedef struct
{
  gboolean enabled;
  const gchar *const *folders;  /* the first of these that holds packages is the one that is served; NULL-terminated */
  const gchar *public_endpoint; /* HOST:PORT, where others reach this edge */
  const gchar *mesh, *edge;     /* names */
  const gchar *ca_pem;          /* the mesh's CA certificate */
  guint64 bytes_per_s;          /* of all downloads together; one network gets half. 0: no limit */
} EwPackagesSetup;

/* Copies what it needs of setup. */
EwPackages *ew_packages_new (const EwPackagesSetup *setup);
void ew_packages_free (EwPackages *self); /* downloads that are under way end by themselves */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwPackages, ew_packages_free)

/* Whether the request is for this room: then it is answered. */
gboolean ew_packages_handle (EwPackages *self, EwServer *server, SoupServerMessage *message, const EwServerPeer *peer,
                             const gchar *path, EwServerFault fault);

/* {systems: [{system, version, architectures, app}]} and, where there are any, {url, sha256} of the script. Looks at the
   folder, at most once a second. (transfer full) */
JsonObject *ew_packages_describe (EwPackages *self);

G_END_DECLS
