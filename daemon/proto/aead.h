/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The data path's ChaCha20-Poly1305 (RFC 8439), many packets a call and in place. Today libcrypto works behind it, one
 * packet after the other; the items carry their own keys so that a vector kernel can take packets of several sessions
 * at once behind the same two functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One direction of one session. Its cipher contexts live as long as the key: no allocation a packet. */
typedef struct EwAeadKey EwAeadKey;

/* seal: for sealing, else for opening. NULL: memory is gone. */
EwAeadKey *ew_aead_key_new (const uint8_t key[32], bool seal);
void ew_aead_key_free (EwAeadKey *key); /* zeroes it; NULL is allowed */

typedef struct
{
  EwAeadKey *key;
  uint8_t *data;
  size_t len;       /* seal: of the plaintext, the tag is written to the 16 bytes behind; open: tag included */
  uint64_t counter; /* the nonce: four zero bytes, then this, little-endian */
  bool ok;          /* out: sealed; authentic. The data of an item that is not ok must not be used */
} EwAeadItem;

void ew_aead_seal_n (EwAeadItem *items, size_t n);
void ew_aead_open_n (EwAeadItem *items, size_t n);
