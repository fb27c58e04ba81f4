/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A batch with libcrypto, one packet after the other. A context that keeps its key; the tag is passed as one parameter.
 * The data goes through Update and Final, never EVP_Cipher(): what that does with no input differs between releases of
 * OpenSSL 3.0 (its issue 32258), and some neither write the tag nor check it.
 *
 * A context is for one thread at a time, a key is not: the first thread gets the key's context, and one that comes
 * while it's in use keys its own.
 */
#include "proto/aead-private.h"
#include "proto/bytes.h"
#include "proto/crypto.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdatomic.h>

static pthread_once_t spare_once = PTHREAD_ONCE_INIT;
static pthread_key_t spare_key;
static bool spare_possible;

static void
free_spare (void *context)
{
  EVP_CIPHER_CTX_free (context);
}

static void
make_spare_key (void)
{
  spare_possible = pthread_key_create (&spare_key, free_spare) == 0;
}

bool
ew_aead_openssl_prepare (EwAeadKey *key)
{
  if (key->context != NULL)
    return true;
  key->context = EVP_CIPHER_CTX_new ();
  if (key->context != NULL
      && EVP_CipherInit_ex (key->context, EVP_chacha20_poly1305 (), NULL, key->raw, NULL, key->seal ? 1 : 0) == 1)
    return true;
  ew_aead_openssl_release (key);
  return false;
}

void
ew_aead_openssl_release (EwAeadKey *key)
{
  EVP_CIPHER_CTX_free (key->context); /* cleanses the key schedule */
  key->context = NULL;
}

/* This thread's own context, which it keeps until it ends, with this key. NULL: out of memory. */
static EVP_CIPHER_CTX *
spare_for (const EwAeadKey *key)
{
  pthread_once (&spare_once, make_spare_key);
  EVP_CIPHER_CTX *spare = spare_possible ? pthread_getspecific (spare_key) : NULL;
  if (spare == NULL)
    {
      spare = spare_possible ? EVP_CIPHER_CTX_new () : NULL;
      if (spare == NULL || EVP_CipherInit_ex (spare, EVP_chacha20_poly1305 (), NULL, NULL, NULL, 1) != 1
          || pthread_setspecific (spare_key, spare) != 0)
        {
          EVP_CIPHER_CTX_free (spare);
          return NULL;
        }
    }
  return EVP_CipherInit_ex (spare, NULL, NULL, key->raw, NULL, key->seal ? 1 : 0) == 1 ? spare : NULL;
}

static bool
seal_one (EVP_CIPHER_CTX *c, EwAeadItem *item)
{
  uint8_t nonce[12] = { 0 };
  ew_store_le64 (nonce + 4, item->counter);
  OSSL_PARAM tag[2] = { OSSL_PARAM_octet_string (OSSL_CIPHER_PARAM_AEAD_TAG, item->data + item->len, EW_AEAD_TAG_SIZE),
                        OSSL_PARAM_END };
  int written;
  return EVP_EncryptInit_ex2 (c, NULL, NULL, nonce, NULL) == 1
         && (item->len == 0 || EVP_EncryptUpdate (c, item->data, &written, item->data, (int)item->len) == 1)
         && EVP_EncryptFinal_ex (c, item->data + item->len, &written) == 1 && EVP_CIPHER_CTX_get_params (c, tag) == 1;
}

static bool
open_one (EVP_CIPHER_CTX *c, EwAeadItem *item)
{
  if (item->len < EW_AEAD_TAG_SIZE)
    return false;
  size_t len = item->len - EW_AEAD_TAG_SIZE;
  uint8_t nonce[12] = { 0 };
  ew_store_le64 (nonce + 4, item->counter);
  OSSL_PARAM tag[2]
    = { OSSL_PARAM_octet_string (OSSL_CIPHER_PARAM_AEAD_TAG, item->data + len, EW_AEAD_TAG_SIZE), OSSL_PARAM_END };
  int written;
  bool ok = EVP_DecryptInit_ex2 (c, NULL, NULL, nonce, tag) == 1
            && (len == 0 || EVP_DecryptUpdate (c, item->data, &written, item->data, (int)len) == 1)
            && EVP_DecryptFinal_ex (c, item->data + len, &written) == 1;
  if (!ok)
    ew_secret_zero (item->data, len); /* it was decrypted before the tag was seen */
  return ok;
}

static void
forget_key (EVP_CIPHER_CTX *spare)
{
  static const uint8_t none[32];
  EVP_CipherInit_ex (spare, NULL, NULL, none, NULL, 1);
}

/* The first thread gets the key's context, which costs nothing; another thread keys its spare and doesn't wait. Packets
   of one key that follow each other do it once. */
static void
each (EwAeadItem *items, size_t n, bool (*one) (EVP_CIPHER_CTX *c, EwAeadItem *item))
{
  for (size_t i = 0; i < n;)
    {
      EwAeadKey *key = items[i].key;
      bool first = !atomic_flag_test_and_set_explicit (&key->taken, memory_order_acquire);
      EVP_CIPHER_CTX *context = first ? ew_aead_openssl_prepare (key) ? key->context : NULL : spare_for (key);
      for (; i < n && items[i].key == key; i++)
        items[i].ok = context != NULL && one (context, &items[i]);
      if (first)
        atomic_flag_clear_explicit (&key->taken, memory_order_release);
      else if (context != NULL)
        forget_key (context); /* no key outlives its session in a spare */
    }
}

void
ew_aead_openssl_seal_n (EwAeadItem *items, size_t n)
{
  each (items, n, seal_one);
}

void
ew_aead_openssl_open_n (EwAeadItem *items, size_t n)
{
  each (items, n, open_one);
}
