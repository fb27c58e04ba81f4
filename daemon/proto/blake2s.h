/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * BLAKE2s (RFC 7693), the only hash of WireGuard: unkeyed with 32 bytes out for hashes, HMAC and HKDF, keyed with 16
 * bytes out for MACs. libcrypto's keyed variant costs a fetch and an allocation a call; this one costs the compression.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define EW_BLAKE2S_BLOCK_SIZE 64
#define EW_BLAKE2S_HASH_SIZE 32

typedef struct
{
  uint32_t h[8];
  uint64_t count; /* bytes compressed so far; WireGuard hashes far less than 2^64 */
  uint8_t block[EW_BLAKE2S_BLOCK_SIZE];
  size_t filled, out_len;
} EwBlake2s;

/* out_len 1…32, key_len 0…32 (0: unkeyed; key may then be NULL). */
void ew_blake2s_init (EwBlake2s *state, size_t out_len, const void *key, size_t key_len);
void ew_blake2s_update (EwBlake2s *state, const void *data, size_t len);
/* Writes out_len bytes and zeroes the state. */
void ew_blake2s_final (EwBlake2s *state, uint8_t *out);
/* All three at once. */
void ew_blake2s (uint8_t *out, size_t out_len, const void *key, size_t key_len, const void *data, size_t len);
