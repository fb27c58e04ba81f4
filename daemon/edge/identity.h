/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this edge is by: its WireGuard key, the mesh's CA, its API certificate. Each is one file in the state directory,
 * 0600, written atomically, private key and certificate in the same file: whenever a first start is killed, each is
 * there whole or not at all, and the next start makes what is missing. They are not in the store: a copy of the store
 * doesn't contain the keys.
 *
 *   wireguard.key   base64, as `wg genkey` writes it
 *   ca.pem          the CA's private key, then its certificate; the pin is its public key's
 *   api.pem         this edge's private key, then its certificate and the CA's
 */
#pragma once

#include <gio/gio.h>
#include "proto/device.h"

G_BEGIN_DECLS

typedef struct
{
  guint8 private_key[EW_KEY_SIZE], public_key[EW_KEY_SIZE];
  gchar *ca_key_pem, *ca_certificate_pem;
  GTlsCertificate *certificate;
} EwIdentity;

/* existing: the mesh is made already, so a missing WireGuard key or CA is a loss to report and never to replace. The
   store is open, so no other process makes them at the same time. */
EwIdentity *ew_identity_load (const gchar *state_dir, const gchar *mesh, const gchar *edge_name, gboolean existing,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ew_identity_free (EwIdentity *identity); /* zeroes the keys */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwIdentity, ew_identity_free)

G_END_DECLS
