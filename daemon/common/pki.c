/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Certificates with OpenSSL; the TLS library behind GIO may be another.
 */
#include "common/pki.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define SERIAL_BITS 127 /* positive and at most 20 bytes, RFC 5280 section 4.1.2.2 */
#define CHAIN_MAX 8
#define ORGANIZATION "Edgeway" /* of every certificate that is made here */
#define ISSUER_MAX 120
/* Computers without a clock join, too: no date is ever asked, so the dates say just that (RFC 5280 section 4.1.2.5). */
#define NOT_BEFORE "20200101000000Z"
#define NOT_AFTER "99991231235959Z"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_MD_CTX, EVP_MD_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BIO, BIO_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GENERAL_NAMES, GENERAL_NAMES_free)

/* "Cannot WHAT: OpenSSL's reason." The queue of errors is emptied. */
static gboolean
fail (GError **error, const gchar *what)
{
  const gchar *reason = ERR_reason_error_string (ERR_peek_last_error ());
  g_set_error (error, EW_ERROR, EW_ERROR_INTERNAL, "Can't %s: %s.", what, reason != NULL ? reason : "it isn't valid");
  ERR_clear_error ();
  return FALSE;
}

/* PEM in and out. */

static EVP_PKEY *
key_from_pem (const gchar *pem)
{
  g_autoptr (BIO) bio = BIO_new_mem_buf (pem, -1);
  /* An empty pass phrase: an encrypted key fails instead of asking on the terminal. */
  return PEM_read_bio_PrivateKey (bio, NULL, NULL, (void *)"");
}

static X509 *
certificate_from_pem (const gchar *pem)
{
  g_autoptr (BIO) bio = BIO_new_mem_buf (pem, -1);
  return PEM_read_bio_X509 (bio, NULL, NULL, (void *)"");
}

static gchar *
take_text (BIO *bio)
{
  char *data;
  long length = BIO_get_mem_data (bio, &data);
  return g_strndup (data, (gsize)length);
}

static gchar *
key_to_pem (EVP_PKEY *key)
{
  g_autoptr (BIO) bio = BIO_new (BIO_s_secmem ()); /* zeroed when freed */
  return PEM_write_bio_PKCS8PrivateKey (bio, key, NULL, NULL, 0, NULL, NULL) == 1 ? take_text (bio) : NULL;
}

static gchar *
certificate_to_pem (X509 *certificate)
{
  g_autoptr (BIO) bio = BIO_new (BIO_s_mem ());
  return PEM_write_bio_X509 (bio, certificate) == 1 ? take_text (bio) : NULL;
}

/* Certificates made. */

static gboolean
set_serial (X509 *certificate)
{
  BIGNUM *number = BN_new ();
  gboolean ok = BN_rand (number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1
                && BN_to_ASN1_INTEGER (number, X509_get_serialNumber (certificate)) != NULL;
  BN_free (number);
  return ok;
}

static gboolean
add_name (X509_NAME *name, const gchar *field, const gchar *value)
{
  return X509_NAME_add_entry_by_txt (name, field, MBSTRING_UTF8, (const guchar *)value, -1, -1, 0) == 1;
}

/* unit: "CA" sets the mesh's name apart from an edge that is called the same. */
static gboolean
set_subject (X509 *certificate, const gchar *common_name, const gchar *unit)
{
  X509_NAME *name = X509_get_subject_name (certificate);
  return add_name (name, "O", ORGANIZATION) && add_name (name, "OU", unit) && add_name (name, "CN", common_name);
}

static gboolean
add_extension (X509 *certificate, X509 *issuer, int nid, const gchar *value)
{
  X509V3_CTX context;
  X509V3_set_ctx (&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid (NULL, &context, nid, value);
  gboolean ok = extension != NULL && X509_add_ext (certificate, extension, -1) == 1;
  X509_EXTENSION_free (extension);
  return ok;
}

/* Built from parts, not from a text in which a comma would begin another name. */
static gboolean
add_dns_name (X509 *certificate, const gchar *dns_name)
{
  g_autoptr (GENERAL_NAMES) names = sk_GENERAL_NAME_new_null ();
  GENERAL_NAME *name = GENERAL_NAME_new ();
  ASN1_IA5STRING *text = ASN1_IA5STRING_new ();
  if (ASN1_STRING_set (text, dns_name, -1) != 1)
    return FALSE;
  GENERAL_NAME_set0_value (name, GEN_DNS, text);
  sk_GENERAL_NAME_push (names, name);
  return X509_add1_ext_i2d (certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
}

static X509 *
certificate_begin (EVP_PKEY *key, const gchar *common_name, const gchar *unit)
{
  g_autoptr (X509) certificate = X509_new ();
  if (X509_set_version (certificate, X509_VERSION_3) != 1 || !set_serial (certificate)
      || !set_subject (certificate, common_name, unit) || X509_set_pubkey (certificate, key) != 1
      || ASN1_TIME_set_string (X509_getm_notBefore (certificate), NOT_BEFORE) != 1
      || ASN1_TIME_set_string (X509_getm_notAfter (certificate), NOT_AFTER) != 1)
    return NULL;
  return g_steal_pointer (&certificate);
}

gboolean
ew_pki_make_ca (const gchar *mesh, gchar **key_pem, gchar **certificate_pem, GError **error)
{
  if (!ew_name_check (mesh, error))
    return FALSE;
  g_autoptr (EVP_PKEY) key = EVP_EC_gen ("P-256");
  g_autoptr (X509) ca = key != NULL ? certificate_begin (key, mesh, "CA") : NULL;
  if (ca == NULL || X509_set_issuer_name (ca, X509_get_subject_name (ca)) != 1
      || !add_extension (ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
      || !add_extension (ca, ca, NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign")
      || !add_extension (ca, ca, NID_subject_key_identifier, "hash") || X509_sign (ca, key, EVP_sha256 ()) == 0)
    return fail (error, "create the mesh's certificate authority");
  *key_pem = key_to_pem (key);
  *certificate_pem = certificate_to_pem (ca);
  return TRUE;
}

static gboolean
add_edge_extensions (X509 *edge, X509 *ca, const gchar *edge_name)
{
  return add_extension (edge, ca, NID_basic_constraints, "critical,CA:FALSE")
         && add_extension (edge, ca, NID_key_usage, "critical,digitalSignature")
         && add_extension (edge, ca, NID_ext_key_usage, "serverAuth")
         && add_extension (edge, ca, NID_subject_key_identifier, "hash")
         && add_extension (edge, ca, NID_authority_key_identifier, "keyid:always") && add_dns_name (edge, edge_name);
}

gboolean
ew_pki_make_edge (const gchar *ca_key_pem, const gchar *ca_certificate_pem, const gchar *edge_name, gchar **key_pem,
                  gchar **chain_pem, GError **error)
{
  if (!ew_name_check (edge_name, error))
    return FALSE;
  g_autoptr (EVP_PKEY) ca_key = key_from_pem (ca_key_pem);
  g_autoptr (X509) ca = certificate_from_pem (ca_certificate_pem);
  if (ca_key == NULL || ca == NULL || X509_check_private_key (ca, ca_key) != 1)
    return fail (
      error, "use the mesh's certificate authority: its key or certificate is damaged, or they don't belong together");
  g_autoptr (EVP_PKEY) key = EVP_EC_gen ("P-256");
  g_autoptr (X509) edge = key != NULL ? certificate_begin (key, edge_name, "Edge") : NULL;
  if (edge == NULL || X509_set_issuer_name (edge, X509_get_subject_name (ca)) != 1
      || !add_edge_extensions (edge, ca, edge_name) || X509_sign (edge, ca_key, EVP_sha256 ()) == 0)
    return fail (error, "create the edge's certificate");
  g_autofree gchar *edge_pem = certificate_to_pem (edge), *ca_pem = certificate_to_pem (ca);
  *key_pem = key_to_pem (key);
  *chain_pem = g_strconcat (edge_pem, ca_pem, NULL);
  return TRUE;
}

/* Pins. */

static gboolean
get_pin (X509 *certificate, guint8 pin[EW_PIN_SIZE])
{
  guchar *der = NULL;
  int length = i2d_X509_PUBKEY (X509_get_X509_PUBKEY (certificate), &der);
  if (length <= 0)
    return FALSE;
  ew_sha256 (der, (gsize)length, pin);
  OPENSSL_free (der);
  return TRUE;
}

gboolean
ew_pki_get_pin (const gchar *certificate_pem, guint8 pin[EW_PIN_SIZE], GError **error)
{
  g_autoptr (X509) certificate = certificate_from_pem (certificate_pem);
  return (certificate != NULL && get_pin (certificate, pin)) || fail (error, "read the mesh's certificate");
}

static X509 *
certificate_from_tls (GTlsCertificate *tls)
{
  g_autoptr (GByteArray) der = NULL;
  g_object_get (tls, "certificate", &der, NULL);
  if (der == NULL)
    return NULL;
  const guchar *at = der->data;
  return d2i_X509 (NULL, &at, (long)der->len);
}

static gboolean
has_pin (X509 *certificate, const guint8 pin[EW_PIN_SIZE])
{
  guint8 found[EW_PIN_SIZE];
  return get_pin (certificate, found) && ew_equal_secret (found, pin, EW_PIN_SIZE);
}

/* ca: of the right pin. X509_check_issued() compares names, key identifiers and usages, X509_verify() the signature. */
static gboolean
vouches_for (X509 *ca, X509 *leaf)
{
  return X509_check_ca (ca) == 1 && X509_check_issued (ca, leaf) == X509_V_OK
         && X509_verify (leaf, X509_get0_pubkey (ca)) == 1;
}

gboolean
ew_pki_check_chain (GTlsCertificate *leaf, const guint8 pin[EW_PIN_SIZE], gchar **ca_pem, GError **error)
{
  g_autoptr (X509) edge = certificate_from_tls (leaf);
  GTlsCertificate *issuer = g_tls_certificate_get_issuer (leaf);
  for (guint i = 0; i < CHAIN_MAX && issuer != NULL && edge != NULL;
       i++, issuer = g_tls_certificate_get_issuer (issuer))
    {
      g_autoptr (X509) ca = certificate_from_tls (issuer);
      if (ca == NULL || !has_pin (ca, pin) || !vouches_for (ca, edge))
        continue;
      if (ca_pem != NULL)
        *ca_pem = certificate_to_pem (ca);
      return TRUE;
    }
  ERR_clear_error ();
  ew_set_error (
    error, EW_ERROR, EW_ERROR_PIN_MISMATCH,
    "The server that answered isn't an edge of this mesh: its certificate isn't from the mesh's own authority. Nothing "
    "was sent to it. Check the address, and whether something on the way intercepts TLS connections.");
  return FALSE;
}

/* Signatures. */

gchar *
ew_pki_sign (const gchar *ca_key_pem, const void *data, gsize length, GError **error)
{
  g_autoptr (EVP_PKEY) key = key_from_pem (ca_key_pem);
  g_autoptr (EVP_MD_CTX) context = EVP_MD_CTX_new ();
  guint8 signature[256]; /* ECDSA P-256 in DER: at most 72 */
  gsize size = sizeof signature;
  if (key == NULL || EVP_DigestSignInit (context, NULL, EVP_sha256 (), NULL, key) != 1
      || EVP_DigestSign (context, signature, &size, data, length) != 1)
    {
      fail (error, "sign with the key of the mesh's certificate authority");
      return NULL;
    }
  return g_base64_encode (signature, size);
}

gboolean
ew_pki_verify (const gchar *ca_certificate_pem, const void *data, gsize length, const gchar *signature, GError **error)
{
  g_autoptr (X509) ca = certificate_from_pem (ca_certificate_pem);
  g_autoptr (EVP_MD_CTX) context = EVP_MD_CTX_new ();
  gsize size = 0;
  g_autofree guint8 *bytes = signature != NULL ? g_base64_decode (signature, &size) : NULL;
  if (ca == NULL)
    return fail (error, "read the mesh's certificate");
  if (bytes != NULL && EVP_DigestVerifyInit (context, NULL, EVP_sha256 (), NULL, X509_get0_pubkey (ca)) == 1
      && EVP_DigestVerify (context, bytes, size, data, length) == 1)
    return TRUE;
  ERR_clear_error ();
  ew_set_error (error, EW_ERROR, EW_ERROR_PIN_MISMATCH,
                "The signature isn't from the mesh's own authority, so the signed data isn't used.");
  return FALSE;
}

gchar *
ew_pki_find_foreign_issuer (GTlsCertificate *leaf)
{
  g_autofree gchar *issuer = NULL;
  g_object_get (leaf, "issuer-name", &issuer, NULL);
  if (issuer == NULL || strstr (issuer, "O=" ORGANIZATION))
    return NULL;
  g_autofree gchar *valid = g_utf8_make_valid (issuer, -1);
  return ew_text_one_line (valid, ISSUER_MAX);
}

GError *
ew_pki_error_for_reader (const gchar *place, const gchar *issuer)
{
  return ew_error_new (EW_ERROR, EW_ERROR_PIN_MISMATCH,
                       "This network reads TLS: the certificate that comes from %s isn't the edge's (issued by %s), so "
                       "nothing is sent there. Ask whoever runs the network for an exception for %s.",
                       place, issuer, place);
}
