/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The data path's ChaCha20-Poly1305 (RFC 8439), many packets a call and in place. The items carry their own keys, so
 * that a kernel of vectors takes packets of several sessions at once. Which code runs in the two functions is decided
 * once per process, by what the processor and its operating system support, and only if it gave the same bits as
 * libcrypto (aead-self-test.c); the fallback is libcrypto itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One direction of one session. Any number of threads may seal or open with one key at the same time; only making and
   freeing it is one thread's. (Where libcrypto works, a thread that meets another at the key takes memory of its own,
   once in its life.) */
typedef struct EwAeadKey EwAeadKey;

/* seal: for sealing, else for opening. NULL: out of memory. All the memory that the key will need is taken here, no
   packet takes any. */
EwAeadKey *ew_aead_key_new (const uint8_t key[32], bool seal);
void ew_aead_key_free (EwAeadKey *key); /* zeroes it; NULL is allowed */

typedef struct
{
  EwAeadKey *key;
  uint8_t *data;
  size_t len;       /* seal: of the plaintext, the tag is written to the 16 bytes after it; open: tag included */
  uint64_t counter; /* the nonce: four zero bytes, then this, little-endian */
  bool ok;          /* out: sealed; authentic. The data of an item that isn't ok isn't plaintext and can't be used */
} EwAeadItem;

/* Any number of packets, of any lengths up to 64 KiB; those of one call must not overlap. */
void ew_aead_seal_n (EwAeadItem *items, size_t n);
void ew_aead_open_n (EwAeadItem *items, size_t n);

typedef enum
{
  EW_AEAD_OPENSSL, /* everywhere */
  EW_AEAD_AVX2,    /* x86-64: 4 packets at once */
  EW_AEAD_AVX512,  /* x86-64 with AVX-512 F, BW, DQ, VL and IFMA: 8 packets at once */
} EwAeadBackend;
#define EW_AEAD_N_BACKENDS 3

/* What works here, for logs: "openssl", "avx2", "avx512". */
const char *ew_aead_backend_name (void);

/* For tests and benchmarks: from now on this one, in the whole process; no other thread may be sealing or opening.
   False, and nothing changes: the computer doesn't support it, or it failed its self-test. A key that was made under
   another backend may then take its memory with its first packet. */
bool ew_aead_use (EwAeadBackend backend);
