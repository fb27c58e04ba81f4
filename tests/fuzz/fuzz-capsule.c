/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A stream of capsules in one piece, and in pieces of a size that the first byte says: the same datagrams come out.
 */
#include <string.h>
#include "capsule/capsule.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static guint
read_all (const guint8 *data, gsize size, gsize piece, GChecksum *seen)
{
  EwCapsuleReader reader = { 0 };
  EwCapsuleResult result = EW_CAPSULE_MORE;
  guint n = 0;
  for (gsize at = 0; at < size && result != EW_CAPSULE_BROKEN; at += piece)
    {
      g_autofree guint8 *copy = g_memdup2 (data + at, MIN (piece, size - at));
      const guint8 *next = copy, *datagram;
      gsize left = MIN (piece, size - at), length;
      while ((result = ew_capsule_read (&reader, &next, &left, &datagram, &length)) == EW_CAPSULE_DATAGRAM)
        {
          g_assert_true (length <= EW_CAPSULE_PAYLOAD_MAX);
          g_checksum_update (seen, datagram, (gssize)length);
          n++;
        }
    }
  ew_capsule_reader_clear (&reader);
  return n;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (GChecksum) whole = g_checksum_new (G_CHECKSUM_SHA256), pieces = g_checksum_new (G_CHECKSUM_SHA256);
  if (size < 2)
    return 0;
  const guint n = read_all (data + 1, size - 1, size, whole);
  g_assert_cmpuint (read_all (data + 1, size - 1, data[0] + 1u, pieces), ==, n);
  g_assert_cmpstr (g_checksum_get_string (whole), ==, g_checksum_get_string (pieces));
  return 0;
}
