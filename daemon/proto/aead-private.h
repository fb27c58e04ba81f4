/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Between aead.c, which chooses and gathers, and what does the work.
 */
#pragma once

#include <stdatomic.h>

#include "proto/aead.h"

#define EW_AEAD_TAG_SIZE 16

struct EwAeadKey
{
  uint8_t raw[32];
  struct evp_cipher_ctx_st *context; /* libcrypto's, many times as large as the rest: NULL where it has nothing to do */
  atomic_flag taken;                 /* the context, taken by a thread that seals or opens with it */
  bool seal;
};

/* One message for a kernel's Poly1305, with its own key. */
typedef struct
{
  const uint8_t *data;
  size_t len;         /* padded with zeros to whole blocks, the length's block follows (RFC 8439 section 2.8) */
  const uint8_t *key; /* 32 bytes */
  uint8_t tag[EW_AEAD_TAG_SIZE];
} EwPoly1305;

#define EW_AEAD_BESIDE 4

/* A vector kernel. It takes a few packets a call; these have been sorted, the longest first. */
typedef struct
{
  EwAeadBackend backend;
  const char *name;
  bool (*supported) (void); /* supported by the processor and the operating system */
  size_t group;             /* packets a call, at most */
  void (*seal_group) (EwAeadItem *const *items, size_t n);
  /* Items shorter than a tag do not come here. What is not authentic stays as it is or is zeroed. */
  void (*open_group) (EwAeadItem *const *items, size_t n);
  void (*poly1305) (EwPoly1305 *messages, size_t n); /* the longest first; a part of both, here for its test */
  /* Longer packets libcrypto does faster, where they are one, two, three, or more of about one length; NULL: none. */
  const size_t *longest;
} EwAeadKernel;

/* libcrypto, one packet after the other. What is not authentic it zeroes. */
bool ew_aead_openssl_prepare (EwAeadKey *key); /* allocates the key's memory; false: out of memory */
void ew_aead_openssl_release (EwAeadKey *key);
void ew_aead_openssl_seal_n (EwAeadItem *items, size_t n);
void ew_aead_openssl_open_n (EwAeadItem *items, size_t n);

/* Seals or opens with this kernel, and with libcrypto what that does faster if the key has a context for it; NULL: all
   with libcrypto. */
void ew_aead_kernel_seal_n (const EwAeadKernel *kernel, EwAeadItem *items, size_t n);
void ew_aead_kernel_open_n (const EwAeadKernel *kernel, EwAeadItem *items, size_t n);

/* Whether the kernel gives libcrypto's bits, in a few milliseconds. */
bool ew_aead_self_test (const EwAeadKernel *kernel);
/* The first of those up to a NULL that is supported and passes its self-test; NULL: none is. */
const EwAeadKernel *ew_aead_choose (const EwAeadKernel *const *kernels);

/* NULL: libcrypto's, or not built. Whether the computer supports it is checked separately. */
const EwAeadKernel *ew_aead_kernel (EwAeadBackend backend);

extern const EwAeadKernel ew_aead_avx2, ew_aead_avx512; /* defined on x86-64 only */
