/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/load.h"
#include "proto/blake2s.h"
#include "proto/bytes.h"
#include "proto/crypto.h"

#include <stdlib.h>
#include <string.h>

#define UNIT EW_NSEC_PER_SEC

void
ew_load_init (EwLoadMeter *meter)
{
  memset (meter, 0, sizeof *meter);
  meter->under_load_ns = EW_TIME_OFF;
}

static void
drain (EwLoadMeter *meter, uint64_t now_ns)
{
  uint64_t elapsed = now_ns > meter->updated_ns ? now_ns - meter->updated_ns : 0;
  uint64_t worked_off = elapsed > 10 * EW_NSEC_PER_SEC ? UINT64_MAX : elapsed * EW_LOAD_HANDSHAKES_PER_SECOND;
  meter->queued = meter->queued > worked_off ? meter->queued - worked_off : 0;
  meter->updated_ns = now_ns;
}

EwLoad
ew_load_count (EwLoadMeter *meter, uint64_t now_ns)
{
  drain (meter, now_ns);
  if (meter->queued + UNIT > EW_LOAD_QUEUE * UNIT)
    return EW_LOAD_FULL;
  meter->queued += UNIT;
  if (meter->queued >= EW_LOAD_QUEUE / 8 * UNIT)
    meter->under_load_ns = now_ns;
  else if (ew_time_passed (meter->under_load_ns, EW_LOAD_STICKY, now_ns))
    return EW_LOAD_NORMAL;
  return EW_LOAD_UNDER_LOAD;
}

/* Replayed initiations get only cookie replies: they must not fill the queue for senders that have a cookie. */
void
ew_load_count_cookie (EwLoadMeter *meter)
{
  const uint64_t spared = UNIT - UNIT / EW_LOAD_COOKIE_SHARE;
  meter->queued = meter->queued > spared ? meter->queued - spared : 0;
}

/* A set-associative table: an address lives in one of WAYS places of its set. Buckets that have filled up again say
   nothing and may be taken over; so an entry is worth keeping for a quarter of a second only. */
#define SETS 2048
#define WAYS 8
#define COST (EW_NSEC_PER_SEC / EW_RATE_PER_SECOND)
#define TOKENS_MAX (COST * EW_RATE_BURST)

typedef struct
{
  uint8_t key[8];
  uint64_t tokens_ns, updated_ns; /* tokens as the time that earns them */
} Bucket;

struct EwRateLimiter
{
  uint8_t seed[32];
  Bucket buckets[SETS][WAYS];
};

EwRateLimiter *
ew_rate_limiter_new (const uint8_t seed[32])
{
  EwRateLimiter *limiter = calloc (1, sizeof *limiter);
  if (limiter == NULL)
    return NULL;
  memcpy (limiter->seed, seed, 32);
  for (unsigned i = 0; i < SETS * WAYS; i++)
    limiter->buckets[i / WAYS][i % WAYS].tokens_ns = TOKENS_MAX;
  return limiter;
}

void
ew_rate_limiter_free (EwRateLimiter *limiter)
{
  free (limiter);
}

/* A hash the sender cannot steer names the address: 64 bits of it, and its set. */
static Bucket *
find_set (EwRateLimiter *limiter, const EwEndpoint *from, uint8_t key[8])
{
  uint8_t source[10] = { (uint8_t)from->kind, from->remote.family }, digest[16];
  if (from->kind == EW_ENDPOINT_MEMORY)
    ew_store_le64 (source + 2, from->id);
  else
    memcpy (source + 2, from->remote.bytes, from->remote.family == EW_FAMILY_V4 ? 4 : 8);
  source[0] = from->kind == EW_ENDPOINT_MEMORY; /* UDP and streams of one address share */
  ew_blake2s (digest, sizeof digest, limiter->seed, sizeof limiter->seed, source, sizeof source);
  memcpy (key, digest, 8);
  return limiter->buckets[ew_load_le32 (digest + 8) % SETS];
}

static void
refill (Bucket *bucket, uint64_t now_ns)
{
  uint64_t elapsed = now_ns > bucket->updated_ns ? now_ns - bucket->updated_ns : 0;
  bucket->tokens_ns = elapsed >= TOKENS_MAX ? TOKENS_MAX : bucket->tokens_ns + elapsed;
  if (bucket->tokens_ns > TOKENS_MAX)
    bucket->tokens_ns = TOKENS_MAX;
  bucket->updated_ns = now_ns;
}

bool
ew_rate_limiter_allow (EwRateLimiter *limiter, const EwEndpoint *from, uint64_t now_ns)
{
  uint8_t key[8];
  Bucket *set = find_set (limiter, from, key), *bucket = NULL;
  for (unsigned i = 0; i < WAYS; i++)
    {
      refill (&set[i], now_ns);
      if (memcmp (set[i].key, key, sizeof key) == 0)
        bucket = &set[i];
    }
  for (unsigned i = 0; i < WAYS && bucket == NULL; i++)
    if (set[i].tokens_ns == TOKENS_MAX)
      {
        bucket = &set[i];
        memcpy (bucket->key, key, sizeof key);
      }
  if (bucket == NULL || bucket->tokens_ns < COST)
    return false;
  bucket->tokens_ns -= COST;
  return true;
}
