/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the handshake and the cookies are made of, beside BLAKE2s (blake2s.h) and the data path's AEAD (aead.h).
 * Handshake rate: clarity before speed, but X25519 dominates anyway.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Compares n secret bytes in a time that depends on n only. */
bool ew_secret_equal (const void *a, const void *b, size_t n);
bool ew_secret_is_zero (const void *a, size_t n);
/* Overwrites n bytes; the compiler may not leave it out. */
void ew_secret_zero (void *a, size_t n);

/* HMAC (RFC 2104) with BLAKE2s-256; the key is any length. */
void ew_hmac (uint8_t out[32], const uint8_t *key, size_t key_len, const uint8_t *data, size_t len);
/* KDF_n of the whitepaper (section 5.4), which is HKDF (RFC 5869): from chaining key and input to up to three outputs;
   those that are NULL are not made. An output may be the chaining key itself. */
void ew_kdf (uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t chaining_key[32], const uint8_t *input,
             size_t len);

/* X25519 (RFC 7748). The private key is clamped in use. */
void ew_x25519_clamp (uint8_t private_key[32]);
/* False when libcrypto has no memory. */
bool ew_x25519_public (uint8_t out[32], const uint8_t private_key[32]);
/* A private key made ready: libcrypto computes its public half whenever it takes one, which costs half an agreement. */
typedef struct EwX25519Key EwX25519Key;
EwX25519Key *ew_x25519_key_new (const uint8_t private_key[32]); /* NULL: libcrypto has no memory */
void ew_x25519_key_free (EwX25519Key *key);                     /* zeroes it; NULL is allowed */
bool ew_x25519_key_get_public (const EwX25519Key *key, uint8_t out[32]);
/* False for a public key of low order, whose result would be zero (out is then zeroed). */
bool ew_x25519_key_agree (const EwX25519Key *key, uint8_t out[32], const uint8_t public_key[32]);

/* ChaCha20-Poly1305 (RFC 8439) of a small message, out of place: out has len + 16 bytes. counter is the nonce's last 8
   bytes, little-endian; the first four are zero. */
bool ew_seal (uint8_t *out, const uint8_t key[32], uint64_t counter, const uint8_t *ad, size_t ad_len,
              const uint8_t *in, size_t len);
/* len counts the tag. False: not authentic; out (len - 16 bytes) is then zeroed. */
bool ew_open (uint8_t *out, const uint8_t key[32], uint64_t counter, const uint8_t *ad, size_t ad_len,
              const uint8_t *in, size_t len);

/* HChaCha20 and XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha section 2); libcrypto has neither. */
void ew_hchacha20 (uint8_t out[32], const uint8_t key[32], const uint8_t nonce[16]);
bool ew_xseal (uint8_t *out, const uint8_t key[32], const uint8_t nonce[24], const uint8_t *ad, size_t ad_len,
               const uint8_t *in, size_t len);
bool ew_xopen (uint8_t *out, const uint8_t key[32], const uint8_t nonce[24], const uint8_t *ad, size_t ad_len,
               const uint8_t *in, size_t len);
