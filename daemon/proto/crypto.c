/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/crypto.h"
#include "proto/blake2s.h"
#include "proto/bytes.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#define TAG_SIZE 16

bool
ew_secret_equal (const void *a, const void *b, size_t n)
{
  return CRYPTO_memcmp (a, b, n) == 0;
}

bool
ew_secret_is_zero (const void *a, size_t n)
{
  const volatile uint8_t *p = a;
  uint8_t any = 0;
  for (size_t i = 0; i < n; i++)
    any |= p[i];
  return any == 0;
}

void
ew_secret_zero (void *a, size_t n)
{
  OPENSSL_cleanse (a, n);
}

/* Starts one of HMAC's two hashes: the key's block, mixed with pad. */
static void
hmac_start (EwBlake2s *s, const uint8_t block[EW_BLAKE2S_BLOCK_SIZE], uint8_t pad)
{
  uint8_t mixed[EW_BLAKE2S_BLOCK_SIZE];
  for (size_t i = 0; i < sizeof mixed; i++)
    mixed[i] = block[i] ^ pad;
  ew_blake2s_init (s, EW_BLAKE2S_HASH_SIZE, NULL, 0);
  ew_blake2s_update (s, mixed, sizeof mixed);
  ew_secret_zero (mixed, sizeof mixed);
}

void
ew_hmac (uint8_t out[32], const uint8_t *key, size_t key_len, const uint8_t *data, size_t len)
{
  uint8_t block[EW_BLAKE2S_BLOCK_SIZE] = { 0 }, inner[EW_BLAKE2S_HASH_SIZE];
  EwBlake2s s;
  if (key_len > sizeof block)
    ew_blake2s (block, EW_BLAKE2S_HASH_SIZE, NULL, 0, key, key_len);
  else if (key_len > 0)
    memcpy (block, key, key_len);
  hmac_start (&s, block, 0x36);
  ew_blake2s_update (&s, data, len);
  ew_blake2s_final (&s, inner);
  hmac_start (&s, block, 0x5c);
  ew_blake2s_update (&s, inner, sizeof inner);
  ew_blake2s_final (&s, out);
  ew_secret_zero (block, sizeof block);
  ew_secret_zero (inner, sizeof inner);
}

void
ew_kdf (uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t chaining_key[32], const uint8_t *input, size_t len)
{
  uint8_t *outs[3] = { out1, out2, out3 };
  uint8_t secret[32], block[33];
  size_t block_len = 0;
  ew_hmac (secret, chaining_key, 32, input, len);
  for (uint8_t i = 0; i < 3 && outs[i] != NULL; i++)
    {
      block[block_len++] = (uint8_t)(i + 1);
      ew_hmac (block, secret, sizeof secret, block, block_len);
      block_len = 32;
      memcpy (outs[i], block, 32);
    }
  ew_secret_zero (secret, sizeof secret);
  ew_secret_zero (block, sizeof block);
}

void
ew_x25519_clamp (uint8_t private_key[32])
{
  private_key[0] &= 248;
  private_key[31] = (private_key[31] & 127) | 64;
}

/* The key is libcrypto's; an EVP_PKEY under another name, so that no other file sees its types. */
static EVP_PKEY *
pkey (const EwX25519Key *key)
{
  return (EVP_PKEY *)key;
}

EwX25519Key *
ew_x25519_key_new (const uint8_t private_key[32])
{
  return (EwX25519Key *)EVP_PKEY_new_raw_private_key (EVP_PKEY_X25519, NULL, private_key, 32);
}

void
ew_x25519_key_free (EwX25519Key *key)
{
  EVP_PKEY_free (pkey (key)); /* cleanses */
}

bool
ew_x25519_key_get_public (const EwX25519Key *key, uint8_t out[32])
{
  size_t len = 32;
  return EVP_PKEY_get_raw_public_key (pkey (key), out, &len) == 1 && len == 32;
}

bool
ew_x25519_key_agree (const EwX25519Key *key, uint8_t out[32], const uint8_t public_key[32])
{
  size_t len = 32;
  EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key (EVP_PKEY_X25519, NULL, public_key, 32);
  EVP_PKEY_CTX *context = theirs != NULL ? EVP_PKEY_CTX_new (pkey (key), NULL) : NULL;
  /* The peer's key isn't checked: any 32 bytes are a public key of X25519, and a zero result is refused. */
  bool ok = context != NULL && EVP_PKEY_derive_init (context) == 1
            && EVP_PKEY_derive_set_peer_ex (context, theirs, 0) == 1 && EVP_PKEY_derive (context, out, &len) == 1
            && len == 32 && !ew_secret_is_zero (out, 32);
  EVP_PKEY_CTX_free (context);
  EVP_PKEY_free (theirs);
  if (!ok)
    ew_secret_zero (out, 32);
  return ok;
}

bool
ew_x25519_public (uint8_t out[32], const uint8_t private_key[32])
{
  EwX25519Key *key = ew_x25519_key_new (private_key);
  bool ok = key != NULL && ew_x25519_key_get_public (key, out);
  ew_x25519_key_free (key);
  return ok;
}

/* Looked up once: a look-up costs as much as sealing a small message. */
static EVP_CIPHER *cipher;

static void
fetch_cipher (void)
{
  cipher = EVP_CIPHER_fetch (NULL, "ChaCha20-Poly1305", NULL);
}

static const EVP_CIPHER *
get_cipher (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once (&once, fetch_cipher);
  return cipher;
}

static bool
aead_once (uint8_t *out, int encrypt, const uint8_t key[32], const uint8_t nonce[12], const uint8_t *ad, size_t ad_len,
           const uint8_t *in, size_t len, uint8_t *tag)
{
  int n = 0;
  EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new ();
  bool ok = c != NULL && get_cipher () != NULL && EVP_CipherInit_ex (c, get_cipher (), NULL, key, nonce, encrypt) == 1
            && (ad_len == 0 || EVP_CipherUpdate (c, NULL, &n, ad, (int)ad_len) == 1)
            && (encrypt || EVP_CIPHER_CTX_ctrl (c, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1)
            && (len == 0 || EVP_CipherUpdate (c, out, &n, in, (int)len) == 1)
            && EVP_CipherFinal_ex (c, out + len, &n) == 1
            && (!encrypt || EVP_CIPHER_CTX_ctrl (c, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) == 1);
  EVP_CIPHER_CTX_free (c); /* cleanses */
  return ok;
}

static bool
seal_with_nonce (uint8_t *out, const uint8_t key[32], const uint8_t nonce[12], const uint8_t *ad, size_t ad_len,
                 const uint8_t *in, size_t len)
{
  return aead_once (out, 1, key, nonce, ad, ad_len, in, len, out + len);
}

static bool
open_with_nonce (uint8_t *out, const uint8_t key[32], const uint8_t nonce[12], const uint8_t *ad, size_t ad_len,
                 const uint8_t *in, size_t len)
{
  uint8_t tag[TAG_SIZE], nothing[1];
  if (len < TAG_SIZE)
    return false;
  len -= TAG_SIZE;
  memcpy (tag, in + len, TAG_SIZE);
  bool ok = aead_once (len > 0 ? out : nothing, 0, key, nonce, ad, ad_len, in, len, tag);
  if (!ok && len > 0)
    ew_secret_zero (out, len);
  return ok;
}

bool
ew_seal (uint8_t *out, const uint8_t key[32], uint64_t counter, const uint8_t *ad, size_t ad_len, const uint8_t *in,
         size_t len)
{
  uint8_t nonce[12] = { 0 };
  ew_store_le64 (nonce + 4, counter);
  return seal_with_nonce (out, key, nonce, ad, ad_len, in, len);
}

bool
ew_open (uint8_t *out, const uint8_t key[32], uint64_t counter, const uint8_t *ad, size_t ad_len, const uint8_t *in,
         size_t len)
{
  uint8_t nonce[12] = { 0 };
  ew_store_le64 (nonce + 4, counter);
  return open_with_nonce (out, key, nonce, ad, ad_len, in, len);
}

static inline void
quarter_round (uint32_t *x, unsigned a, unsigned b, unsigned c, unsigned d)
{
#define ROTATE(v, n) ((v) << (n) | (v) >> (32 - (n)))
  x[a] += x[b];
  x[d] = ROTATE (x[d] ^ x[a], 16);
  x[c] += x[d];
  x[b] = ROTATE (x[b] ^ x[c], 12);
  x[a] += x[b];
  x[d] = ROTATE (x[d] ^ x[a], 8);
  x[c] += x[d];
  x[b] = ROTATE (x[b] ^ x[c], 7);
#undef ROTATE
}

void
ew_hchacha20 (uint8_t out[32], const uint8_t key[32], const uint8_t nonce[16])
{
  uint32_t x[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }; /* "expand 32-byte k" */
  for (unsigned i = 0; i < 8; i++)
    x[4 + i] = ew_load_le32 (key + 4 * i);
  for (unsigned i = 0; i < 4; i++)
    x[12 + i] = ew_load_le32 (nonce + 4 * i);
  for (unsigned i = 0; i < 10; i++)
    {
      for (unsigned k = 0; k < 4; k++)
        quarter_round (x, k, 4 + k, 8 + k, 12 + k);
      for (unsigned k = 0; k < 4; k++)
        quarter_round (x, k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4);
    }
  for (unsigned i = 0; i < 4; i++)
    {
      ew_store_le32 (out + 4 * i, x[i]);
      ew_store_le32 (out + 16 + 4 * i, x[12 + i]);
    }
  ew_secret_zero (x, sizeof x);
}

bool
ew_xseal (uint8_t *out, const uint8_t key[32], const uint8_t nonce[24], const uint8_t *ad, size_t ad_len,
          const uint8_t *in, size_t len)
{
  uint8_t subkey[32], rest[12] = { 0 };
  ew_hchacha20 (subkey, key, nonce);
  memcpy (rest + 4, nonce + 16, 8);
  bool ok = seal_with_nonce (out, subkey, rest, ad, ad_len, in, len);
  ew_secret_zero (subkey, sizeof subkey);
  return ok;
}

bool
ew_xopen (uint8_t *out, const uint8_t key[32], const uint8_t nonce[24], const uint8_t *ad, size_t ad_len,
          const uint8_t *in, size_t len)
{
  uint8_t subkey[32], rest[12] = { 0 };
  ew_hchacha20 (subkey, key, nonce);
  memcpy (rest + 4, nonce + 16, 8);
  bool ok = open_with_nonce (out, subkey, rest, ad, ad_len, in, len);
  ew_secret_zero (subkey, sizeof subkey);
  return ok;
}
