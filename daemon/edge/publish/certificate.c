/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/publish/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

#define CHAIN_MAX 8

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BIO, BIO_free)

static gboolean refuse_certificate (GError **error, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
refuse_certificate (GError **error, const gchar *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree gchar *message = ew_phrase_valist (format, args);
  va_end (args);
  g_set_error_literal (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, message);
  ERR_clear_error ();
  return FALSE;
}

/* The first certificate. *n: how many follow each other in the text before one that isn't valid, and its end. */
static X509 *
read_chain (const gchar *pem, guint *n)
{
  g_autoptr (BIO) bio = BIO_new_mem_buf (pem, -1);
  g_autoptr (X509) first = NULL;
  X509 *next;
  for (*n = 0; *n <= CHAIN_MAX && (next = PEM_read_bio_X509 (bio, NULL, NULL, (void *)"")); (*n)++)
    if (first == NULL)
      first = next;
    else
      X509_free (next);
  ERR_clear_error ();
  return g_steal_pointer (&first);
}

static guint
count_blocks (const gchar *pem)
{
  guint n = 0;
  for (const gchar *at = pem; (at = strstr (at, "-----BEGIN ")); at++)
    n++;
  return n;
}

/* 0: it has none that can be read. */
static gint64
time_to_us (const ASN1_TIME *when)
{
  struct tm fields = { 0 };
  if (ASN1_TIME_to_tm (when, &fields) != 1)
    return 0;
  return (gint64)timegm (&fields) * G_USEC_PER_SEC;
}

static gboolean
check_dates (X509 *certificate, gint64 now_us, GError **error)
{
  gint64 begins_us = time_to_us (X509_get0_notBefore (certificate));
  gint64 ends_us = time_to_us (X509_get0_notAfter (certificate));
  g_autofree gchar *begins = ew_time_format (begins_us), *ends = ew_time_format (ends_us);
  if (ends_us <= now_us)
    return refuse_certificate (error, "This certificate ended at %s. Give one that is valid.", ends);
  return begins_us <= now_us
         || refuse_certificate (
           error, "This certificate isn't valid before %s. Give another, or check the clock of the edge's host.",
           begins);
}

static gboolean
check_name (X509 *certificate, const gchar *host, GError **error)
{
  g_autofree gchar *asked = g_str_has_prefix (host, "*.") ? g_strconcat ("any", host + 1, NULL) : g_strdup (host);
  return X509_check_host (certificate, asked, strlen (asked), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1
         || refuse_certificate (error, "This certificate isn't for %s. Give one that has this name.", host);
}

gboolean
ew_publish_check_certificate (const gchar *certificate, const gchar *key, const gchar *host, gint64 now_us,
                              GError **error)
{
  guint n;
  g_autoptr (X509) first = read_chain (certificate, &n);
  g_autoptr (BIO) bio = BIO_new_mem_buf (key, -1);
  /* An empty password: an encrypted key fails instead of asking on the terminal. */
  g_autoptr (EVP_PKEY) private_key = PEM_read_bio_PrivateKey (bio, NULL, NULL, (void *)"");
  if (first == NULL || n > CHAIN_MAX || n != count_blocks (certificate))
    return refuse_certificate (
      error, "The certificate must be PEM, one to %d certificates with the name's own first, and nothing else.",
      CHAIN_MAX);
  if (private_key == NULL || count_blocks (key) > 2) /* an EC key may have its parameters before it */
    return refuse_certificate (error, "The private key must be PEM, without a password, and nothing else.");
  if (X509_check_private_key (first, private_key) != 1)
    return refuse_certificate (error,
                               "The private key isn't this certificate's. Give the two that belong together; the "
                               "name's own certificate is the first in its file.");
  return check_name (first, host, error) && check_dates (first, now_us, error);
}

gint64
ew_publish_get_expiry (const gchar *certificate)
{
  guint n;
  g_autoptr (X509) first = read_chain (certificate, &n);
  return first ? time_to_us (X509_get0_notAfter (first)) : 0;
}
