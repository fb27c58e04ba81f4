/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * libcrypto behind the batch, one packet after the other. A context that keeps its key, the tag by one parameter. The
 * data goes through Update and Final, never EVP_Cipher(): what that does with no input differs between releases of
 * OpenSSL 3.0 (its issue 32258), and some neither write the tag nor check it.
 */
#include "proto/aead-private.h"
#include "proto/bytes.h"
#include "proto/crypto.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

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

bool
ew_aead_openssl_seal (EwAeadItem *item)
{
  if (!ew_aead_openssl_prepare (item->key))
    return false;
  EVP_CIPHER_CTX *c = item->key->context;
  uint8_t nonce[12] = { 0 };
  ew_store_le64 (nonce + 4, item->counter);
  OSSL_PARAM tag[2] = { OSSL_PARAM_octet_string (OSSL_CIPHER_PARAM_AEAD_TAG, item->data + item->len, EW_AEAD_TAG_SIZE),
                        OSSL_PARAM_END };
  int written;
  return EVP_EncryptInit_ex2 (c, NULL, NULL, nonce, NULL) == 1
         && (item->len == 0 || EVP_EncryptUpdate (c, item->data, &written, item->data, (int)item->len) == 1)
         && EVP_EncryptFinal_ex (c, item->data + item->len, &written) == 1 && EVP_CIPHER_CTX_get_params (c, tag) == 1;
}

bool
ew_aead_openssl_open (EwAeadItem *item)
{
  if (item->len < EW_AEAD_TAG_SIZE || !ew_aead_openssl_prepare (item->key))
    return false;
  EVP_CIPHER_CTX *c = item->key->context;
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
