/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capsule/capsule.h"

#include <string.h>

#define TYPE_DATAGRAM 0 /* RFC 9297 section 3.5 */
#define CONTEXT_UDP 0   /* RFC 9298 section 4 */

/* RFC 9000 section 16. Returns the size, 0: not all there. */
static guint
read_varint (const guint8 *data, gsize length, guint64 *value)
{
  if (length == 0)
    return 0;
  const guint size = 1u << (data[0] >> 6);
  if (length < size)
    return 0;
  *value = data[0] & 0x3f;
  for (guint i = 1; i < size; i++)
    *value = *value << 8 | data[i];
  return size;
}

/* FALSE: more is needed, or *broken. */
static gboolean
read_head (EwCapsuleReader *self, gboolean *broken)
{
  guint64 type, size, context;
  guint at = read_varint (self->head, self->n_head, &type), next;

  if (at == 0 || (next = read_varint (self->head + at, self->n_head - at, &size)) == 0)
    return FALSE;
  at += next;
  self->wanted = FALSE;
  self->left = size;
  if (type == TYPE_DATAGRAM)
    {
      const guint present = MIN (self->n_head - at, (guint)MIN (size, G_MAXUINT));
      next = read_varint (self->head + at, present, &context);
      /* A value too short for its context ID. */
      *broken = next == 0 && (size == 0 || (present == size && size < 8));
      if (next == 0)
        return FALSE;
      self->left = size - next;
      self->wanted = context == CONTEXT_UDP;
      *broken = self->wanted && self->left > EW_CAPSULE_PAYLOAD_MAX;
    }
  self->inside = !*broken;
  return self->inside;
}

/* Byte for byte, so that nothing of the value gets into it. */
static gboolean
take_head (EwCapsuleReader *self, const guint8 **data, gsize *length, gboolean *broken)
{
  while (*length > 0 && !self->inside && !*broken)
    {
      self->head[self->n_head++] = **data;
      ++*data;
      --*length;
      (void)read_head (self, broken);
    }
  return self->inside;
}

static void
end_capsule (EwCapsuleReader *self)
{
  self->inside = FALSE;
  self->n_head = 0;
  self->n_payload = 0;
}

/* A datagram's value, or a part of it. TRUE: *datagram is whole. */
static gboolean
take_payload (EwCapsuleReader *self, const guint8 **data, gsize *length, const guint8 **datagram, gsize *size)
{
  const gsize part = (gsize)MIN (self->left, *length);

  if (self->n_payload == 0 && part == self->left)
    {
      *datagram = *data;
      *size = part;
    }
  else
    {
      if (self->payload == NULL)
        self->payload = g_malloc (EW_CAPSULE_PAYLOAD_MAX);
      memcpy (self->payload + self->n_payload, *data, part);
      self->n_payload += part;
      *datagram = self->payload;
      *size = self->n_payload;
    }
  *data += part;
  *length -= part;
  self->left -= part;
  return self->left == 0;
}

EwCapsuleResult
ew_capsule_read (EwCapsuleReader *self, const guint8 **data, gsize *length, const guint8 **datagram, gsize *size)
{
  gboolean broken = FALSE;

  for (;;)
    {
      if (!self->inside && !take_head (self, data, length, &broken))
        return broken ? EW_CAPSULE_BROKEN : EW_CAPSULE_MORE;
      if (self->wanted)
        {
          if (!take_payload (self, data, length, datagram, size))
            return EW_CAPSULE_MORE;
          end_capsule (self);
          return EW_CAPSULE_DATAGRAM;
        }
      const gsize part = (gsize)MIN (self->left, *length);
      *data += part;
      *length -= part;
      self->left -= part;
      if (self->left > 0)
        return EW_CAPSULE_MORE;
      end_capsule (self);
    }
}

gboolean
ew_capsule_reader_may_end (const EwCapsuleReader *self)
{
  return !self->inside && self->n_head == 0;
}

void
ew_capsule_reader_clear (EwCapsuleReader *self)
{
  g_clear_pointer (&self->payload, g_free);
  *self = (EwCapsuleReader){ 0 };
}

gsize
ew_capsule_head_size (gsize length)
{
  return length + 1 < 1 << 6 ? 3 : length + 1 < 1 << 14 ? 4 : 6;
}

gsize
ew_capsule_write_head (guint8 head[EW_CAPSULE_HEAD_MAX], gsize length)
{
  const gsize size = length + 1; /* the context ID */
  gsize at = 0;

  head[at++] = TYPE_DATAGRAM;
  if (size < 1 << 6)
    head[at++] = (guint8)size;
  else if (size < 1 << 14)
    {
      head[at++] = (guint8)(0x40 | size >> 8);
      head[at++] = (guint8)size;
    }
  else
    {
      head[at++] = (guint8)(0x80 | size >> 24);
      head[at++] = (guint8)(size >> 16);
      head[at++] = (guint8)(size >> 8);
      head[at++] = (guint8)size;
    }
  head[at++] = CONTEXT_UDP;
  return at;
}
