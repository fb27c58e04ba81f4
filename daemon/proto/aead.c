/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A context that keeps its key, the tag by one parameter. The data goes through Update and Final, never EVP_Cipher():
 * what that does with no input differs between releases of OpenSSL 3.0, and some neither write the tag nor check it.
 */
#include "proto/aead.h"
#include "proto/bytes.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

#define TAG_SIZE 16

struct EwAeadKey
{
  EVP_CIPHER_CTX *context;
};

EwAeadKey *
ew_aead_key_new (const uint8_t key[32], bool seal)
{
  EwAeadKey *self = calloc (1, sizeof *self);
  if (self == NULL)
    return NULL;
  self->context = EVP_CIPHER_CTX_new ();
  if (self->context == NULL
      || EVP_CipherInit_ex (self->context, EVP_chacha20_poly1305 (), NULL, key, NULL, seal ? 1 : 0) != 1)
    {
      ew_aead_key_free (self);
      return NULL;
    }
  return self;
}

void
ew_aead_key_free (EwAeadKey *key)
{
  if (key == NULL)
    return;
  EVP_CIPHER_CTX_free (key->context); /* cleanses the key schedule */
  free (key);
}

static bool
seal_one (EwAeadItem *item)
{
  EVP_CIPHER_CTX *c = item->key->context;
  uint8_t nonce[12] = { 0 };
  int n;
  ew_store_le64 (nonce + 4, item->counter);
  OSSL_PARAM tag[2]
    = { OSSL_PARAM_octet_string (OSSL_CIPHER_PARAM_AEAD_TAG, item->data + item->len, TAG_SIZE), OSSL_PARAM_END };
  return EVP_EncryptInit_ex2 (c, NULL, NULL, nonce, NULL) == 1
         && (item->len == 0 || EVP_EncryptUpdate (c, item->data, &n, item->data, (int)item->len) == 1)
         && EVP_EncryptFinal_ex (c, item->data + item->len, &n) == 1 && EVP_CIPHER_CTX_get_params (c, tag) == 1;
}

static bool
open_one (EwAeadItem *item)
{
  if (item->len < TAG_SIZE)
    return false;
  EVP_CIPHER_CTX *c = item->key->context;
  size_t len = item->len - TAG_SIZE;
  uint8_t nonce[12] = { 0 };
  int n;
  ew_store_le64 (nonce + 4, item->counter);
  OSSL_PARAM tag[2]
    = { OSSL_PARAM_octet_string (OSSL_CIPHER_PARAM_AEAD_TAG, item->data + len, TAG_SIZE), OSSL_PARAM_END };
  return EVP_DecryptInit_ex2 (c, NULL, NULL, nonce, tag) == 1
         && (len == 0 || EVP_DecryptUpdate (c, item->data, &n, item->data, (int)len) == 1)
         && EVP_DecryptFinal_ex (c, item->data + len, &n) == 1;
}

void
ew_aead_seal_n (EwAeadItem *items, size_t n)
{
  for (size_t i = 0; i < n; i++)
    items[i].ok = seal_one (&items[i]);
}

void
ew_aead_open_n (EwAeadItem *items, size_t n)
{
  for (size_t i = 0; i < n; i++)
    items[i].ok = open_one (&items[i]);
}
