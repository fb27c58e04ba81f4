/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers in bytes, whatever the alignment and the byte order; and time that never overflows.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define EW_TIME_OFF UINT64_MAX /* a deadline that is not set, an event that never was */

static inline uint32_t
ew_load_le32 (const uint8_t *p)
{
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t
ew_load_le64 (const uint8_t *p)
{
  return ew_load_le32 (p) | (uint64_t)ew_load_le32 (p + 4) << 32;
}

static inline void
ew_store_le32 (uint8_t *p, uint32_t x)
{
  for (unsigned i = 0; i < 4; i++)
    p[i] = (uint8_t)(x >> 8 * i);
}

static inline void
ew_store_le64 (uint8_t *p, uint64_t x)
{
  ew_store_le32 (p, (uint32_t)x);
  ew_store_le32 (p + 4, (uint32_t)(x >> 32));
}

static inline uint16_t
ew_load_be16 (const uint8_t *p)
{
  return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
ew_load_be32 (const uint8_t *p)
{
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t
ew_load_be64 (const uint8_t *p)
{
  uint64_t x = 0;
  for (unsigned i = 0; i < 8; i++)
    x = x << 8 | p[i];
  return x;
}

static inline void
ew_store_be16 (uint8_t *p, uint16_t x)
{
  p[0] = (uint8_t)(x >> 8);
  p[1] = (uint8_t)x;
}

static inline void
ew_store_be32 (uint8_t *p, uint32_t x)
{
  ew_store_be16 (p, (uint16_t)(x >> 16));
  ew_store_be16 (p + 2, (uint16_t)x);
}

static inline void
ew_store_be64 (uint8_t *p, uint64_t x)
{
  ew_store_be32 (p, (uint32_t)(x >> 32));
  ew_store_be32 (p + 4, (uint32_t)x);
}

/* True when `since` was `age` or longer ago; never for EW_TIME_OFF's opposite, a clock that went back. since
   EW_TIME_OFF means never, which is longer ago than anything. */
static inline bool
ew_time_passed (uint64_t since, uint64_t age, uint64_t now)
{
  return since == EW_TIME_OFF || (now >= since && now - since >= age);
}
