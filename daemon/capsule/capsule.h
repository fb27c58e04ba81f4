/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Datagrams inside a stream of bytes: the capsule protocol (RFC 9297 section 3) as connect-udp uses it (RFC 9298
 * section 5). Pure.
 *
 *   capsule:  type (varint) | length (varint) | value, length bytes
 *   DATAGRAM: type 0; its value is context ID (varint) | payload; context 0 is one UDP datagram
 *
 * Capsules of other types and datagrams of other contexts are skipped as they come, however long they say they are.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_CAPSULE_PAYLOAD_MAX 65527 /* RFC 9298 section 5: what a UDP datagram can hold; more ends the stream */
#define EW_CAPSULE_HEAD_MAX 6        /* of those that are written: type 1, length at most 4, context 1 */

typedef enum
{
  EW_CAPSULE_MORE,     /* all that was given is read */
  EW_CAPSULE_DATAGRAM, /* one is there */
  EW_CAPSULE_BROKEN    /* no capsule can be that: the stream has to end */
} EwCapsuleResult;

typedef struct
{
  guint8 head[24]; /* of the capsule at hand: three varints */
  guint n_head;
  guint64 left;    /* bytes of its value that are still to come, without the context */
  gboolean inside; /* its head is complete */
  gboolean wanted; /* it's a datagram of context 0 */
  guint8 *payload; /* the part of one that came in pieces; NULL: none so far */
  gsize n_payload;
} EwCapsuleReader; /* zeroed: at the beginning */

void ew_capsule_reader_clear (EwCapsuleReader *self);
/* Takes bytes from the front of *data. With EW_CAPSULE_DATAGRAM, *datagram lies in those, or, where it came in pieces,
   in memory of the reader's that stays until the next call. To be called until it returns something else. */
EwCapsuleResult ew_capsule_read (EwCapsuleReader *self, const guint8 **data, gsize *length, const guint8 **datagram,
                                 gsize *datagram_length);
/* Whether the stream may end here (RFC 9297 section 3.3: one that is cut inside a capsule is malformed). */
gboolean ew_capsule_reader_may_end (const EwCapsuleReader *self);

/* Writes what comes before a payload of length ≤ EW_CAPSULE_PAYLOAD_MAX bytes. Returns its size. */
gsize ew_capsule_write_head (guint8 head[EW_CAPSULE_HEAD_MAX], gsize length);
gsize ew_capsule_head_size (gsize length);

G_END_DECLS
