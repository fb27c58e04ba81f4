/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mesh's own certificate authority: ECDSA P-256. It signs each edge's API certificate and the list of edges.
 * Clients trust by the pin alone: SHA-256 of the CA's SubjectPublicKeyInfo; dates and public CAs don't matter.
 */
#pragma once

#include <gio/gio.h>
#include "common/enrollment-key.h"

G_BEGIN_DECLS

/* Makes a CA key (PKCS #8, to be freed with ew_free_secret()) and its self-signed certificate, PEM. mesh and edge_name
   are names as ew_name_check() has them. Errors: NAME_INVALID, INTERNAL. */
gboolean ew_pki_make_ca (const gchar *mesh, gchar **key_pem, gchar **certificate_pem, GError **error);
/* Makes an edge's key and certificate; the PEM holds the edge's certificate and the CA's. */
gboolean ew_pki_make_edge (const gchar *ca_key_pem, const gchar *ca_certificate_pem, const gchar *edge_name,
                           gchar **key_pem, gchar **chain_pem, GError **error);
gboolean ew_pki_get_pin (const gchar *certificate_pem, guint8 pin[EW_PIN_SIZE], GError **error);
/* Base64 ECDSA signature (DER) over SHA-256 of data. verify: EW_ERROR_PIN_MISMATCH if that CA didn't sign it. */
gchar *ew_pki_sign (const gchar *ca_key_pem, const void *data, gsize length, GError **error);
gboolean ew_pki_verify (const gchar *ca_certificate_pem, const void *data, gsize length, const gchar *signature,
                        GError **error);
/* The client's whole check of a TLS peer: some certificate of the chain has the pin, is a CA, and signed the leaf
   (directly). On success *ca_pem (transfer full, may be NULL) is the CA's certificate. EW_ERROR_PIN_MISMATCH otherwise.
 */
gboolean ew_pki_check_chain (GTlsCertificate *leaf, const guint8 pin[EW_PIN_SIZE], gchar **ca_pem, GError **error);
/* After that has failed: who issued the certificate, where that isn't an edge's, so that something on the way reads TLS.
   NULL: it may be another mesh's edge. Whoever copies an edge's certificate changes a sentence. (transfer full) */
gchar *ew_pki_find_foreign_issuer (GTlsCertificate *leaf);
/* EW_ERROR_PIN_MISMATCH that names it; place: HOST:PORT. */
GError *ew_pki_error_for_reader (const gchar *place, const gchar *issuer);
/* For a program whose TLS connections are all trusted by a pin: what GIO trusts by default is nobody from now on.
   Otherwise it reads the system's whole trust store for its first connection, 7 MB, even if that then is told to use
   none. Loads GIO's TLS, so it's to be called where that is needed. */
void ew_pki_trust_nobody (void);

G_END_DECLS
