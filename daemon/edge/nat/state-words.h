/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How a flow's ends and its state are packed into the words of an entry. Inline: every packet does it.
 */
#pragma once

#include <netinet/in.h>
#include <string.h>

#include "edge/nat/states.h"

/* In the last word of the key. */
#define FAMILY_V6 (G_GUINT64_CONSTANT (1) << 40)
#define IS_REPLY (G_GUINT64_CONSTANT (1) << 41)
#define IN_USE (G_GUINT64_CONSTANT (1) << 42)
#define PENDING (G_GUINT64_CONSTANT (1) << 43) /* nobody's yet: another thread may be adding the same key */
#define PROTOCOL(word) ((guint8)((word) >> 32))

/* In the state. */
#define SEEN(state) ((guint32)(state))
#define GENERATION(state) ((guint16)((state) >> 32))
#define FLAGS(state) ((guint8)((state) >> 48))

static inline guint64
make_state (guint32 seen, guint16 generation, guint8 flags)
{
  return seen | (guint64)generation << 32 | (guint64)flags << 48;
}

static inline void
pack_tuple (guint64 words[5], const EwNatTuple *tuple)
{
  memcpy (words, tuple->source.bytes, 16);
  memcpy (words + 2, tuple->destination.bytes, 16);
  words[4] = (guint64)tuple->source_port | (guint64)tuple->destination_port << 16;
}

static inline void
pack_key (guint64 key[5], EwNatWay way, const EwNatTuple *tuple)
{
  pack_tuple (key, tuple);
  key[4] |= (guint64)tuple->protocol << 32 | (tuple->source.family == EW_FAMILY_V6 ? FAMILY_V6 : 0)
            | (way == EW_NAT_REPLY ? IS_REPLY : 0) | IN_USE;
}

static inline void
unpack_tuple (EwNatTuple *tuple, const guint64 words[5], guint64 last_of_key)
{
  const guint8 family = (last_of_key & FAMILY_V6) != 0 ? EW_FAMILY_V6 : EW_FAMILY_V4;

  tuple->source.family = tuple->destination.family = family;
  memcpy (tuple->source.bytes, words, 16);
  memcpy (tuple->destination.bytes, words + 2, 16);
  tuple->source_port = (guint16)words[4];
  tuple->destination_port = (guint16)(words[4] >> 16);
  tuple->protocol = PROTOCOL (last_of_key);
}

/* Multiply and fold. */
static inline guint64
mix (guint64 a, guint64 b)
{
  const unsigned __int128 product = (unsigned __int128)a * b;

  return (guint64)product ^ (guint64)(product >> 64);
}

static inline guint64
hash_words (guint64 seed, const guint64 words[5])
{
  guint64 hash = mix (words[4] ^ seed, G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) ^ seed);

  hash = mix (hash ^ words[0], G_GUINT64_CONSTANT (0xd6e8feb86659fd93) ^ words[1] ^ seed);
  return mix (hash ^ words[2], G_GUINT64_CONSTANT (0xa0761d6478bd642f) ^ words[3] ^ seed);
}

static inline gboolean
is_idle (guint64 last_of_key, guint64 state, guint32 now)
{
  const guint8 flags = FLAGS (state), closed = EW_NAT_CALLER_CLOSED | EW_NAT_TARGET_CLOSED;
  guint32 limit = EW_NAT_IDLE;

  if ((flags & EW_NAT_RESET) != 0 || (flags & closed) == closed)
    limit = EW_NAT_IDLE_CLOSED;
  else if ((flags & closed) != 0)
    limit = EW_NAT_IDLE_HALF;
  else if ((flags & (EW_NAT_REPLIED | EW_NAT_DIRECT)) == 0)
    limit = EW_NAT_IDLE_NEW;
  else if (PROTOCOL (last_of_key) == IPPROTO_TCP && (flags & EW_NAT_DIRECT) == 0)
    limit = EW_NAT_IDLE_TCP;
  return now - MIN (now, SEEN (state)) > limit;
}
