/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capsule/capsule.h"

#include <string.h>

static void
append_varint (GByteArray *bytes, guint64 value, guint size)
{
  for (guint i = 0; i < size; i++)
    {
      guint8 byte = (guint8)(value >> (8 * (size - 1 - i)));
      if (i == 0)
        byte |= (guint8)((size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3) << 6);
      g_byte_array_append (bytes, &byte, 1);
    }
}

static void
append_datagram (GByteArray *bytes, gsize length, guint8 fill)
{
  guint8 head[EW_CAPSULE_HEAD_MAX];
  g_autofree guint8 *payload = g_malloc (length + 1);
  memset (payload, fill, length);
  const gsize size = ew_capsule_write_head (head, length);
  g_assert_cmpuint (size, ==, ew_capsule_head_size (length));
  g_byte_array_append (bytes, head, (guint)size);
  g_byte_array_append (bytes, payload, (guint)length);
}

/* What the reader finds, "LENGTH:FILL " each, where the bytes come in pieces of that size. */
static gchar *
read_in_pieces (const GByteArray *bytes, gsize piece, gboolean *may_end, gboolean *broken)
{
  EwCapsuleReader reader = { 0 };
  GString *found = g_string_new (NULL);
  EwCapsuleResult result = EW_CAPSULE_MORE;
  for (gsize at = 0; at < bytes->len && result != EW_CAPSULE_BROKEN; at += piece)
    {
      g_autofree guint8 *copy = g_memdup2 (bytes->data + at, MIN (piece, bytes->len - at));
      const guint8 *data = copy, *datagram;
      gsize length = MIN (piece, bytes->len - at), size;
      while ((result = ew_capsule_read (&reader, &data, &length, &datagram, &size)) == EW_CAPSULE_DATAGRAM)
        {
          for (gsize i = 1; i < size; i++)
            g_assert_cmpuint (datagram[i], ==, datagram[0]);
          g_string_append_printf (found, "%" G_GSIZE_FORMAT ":%u ", size, size > 0 ? datagram[0] : 0);
        }
      g_assert_true (result == EW_CAPSULE_BROKEN || length == 0);
    }
  *may_end = ew_capsule_reader_may_end (&reader);
  *broken = result == EW_CAPSULE_BROKEN;
  ew_capsule_reader_clear (&reader);
  return g_string_free (found, FALSE);
}

static void
test_every_split (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  append_datagram (bytes, 0, 0);
  append_datagram (bytes, 62, 1);
  append_datagram (bytes, 63, 2);
  append_varint (bytes, 0x2c, 1); /* an unknown type */
  append_varint (bytes, 5, 8);    /* its length, longer than needed */
  g_byte_array_append (bytes, (const guint8 *)"?????", 5);
  append_datagram (bytes, 1452, 3);
  append_varint (bytes, 0, 2); /* DATAGRAM, its type in two bytes */
  append_varint (bytes, 4, 1);
  append_varint (bytes, 7, 1); /* of another context */
  g_byte_array_append (bytes, (const guint8 *)"???", 3);
  append_varint (bytes, 0, 1);
  append_varint (bytes, 4 + 2, 1);
  append_varint (bytes, 0, 4); /* context 0 in four bytes */
  g_byte_array_append (bytes, (const guint8 *)"\4\4", 2);
  for (gsize piece = 1; piece <= bytes->len; piece++)
    {
      gboolean may_end, broken;
      g_autofree gchar *found = read_in_pieces (bytes, piece, &may_end, &broken);
      g_assert_cmpstr (found, ==, "0:0 62:1 63:2 1452:3 2:4 ");
      g_assert_true (may_end && !broken);
    }
}

static void
test_truncated (void)
{
  g_autoptr (GByteArray) whole = g_byte_array_new ();
  append_datagram (whole, 100, 1);
  for (guint length = 1; length < whole->len; length++)
    {
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      gboolean may_end, broken;
      g_byte_array_append (bytes, whole->data, length);
      g_autofree gchar *found = read_in_pieces (bytes, 7, &may_end, &broken);
      g_assert_cmpstr (found, ==, "");
      g_assert_true (!may_end && !broken);
    }
}

static void
test_largest (void)
{
  const struct
  {
    guint64 length;
    gboolean broken;
  } cases[] = { { EW_CAPSULE_PAYLOAD_MAX, FALSE },
                { EW_CAPSULE_PAYLOAD_MAX + 1, TRUE },
                { G_GUINT64_CONSTANT (1) << 61, TRUE } };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      gboolean may_end, broken;
      append_varint (bytes, 0, 1);
      append_varint (bytes, cases[i].length + 1, 8);
      append_varint (bytes, 0, 1);
      g_byte_array_set_size (bytes, bytes->len + (guint)MIN (cases[i].length, 70000));
      memset (bytes->data + bytes->len - 65527, 9, 65527);
      g_autofree gchar *found = read_in_pieces (bytes, 60000, &may_end, &broken);
      g_assert_cmpstr (found, ==, cases[i].broken ? "" : "65527:9 ");
      g_assert_cmpint (broken, ==, cases[i].broken);
    }
}

/* A value that ends before its context ID. */
static void
test_no_context (void)
{
  static const guint8 none[] = { 0, 0 }, half[] = { 0, 1, 0x40 };
  gboolean may_end, broken;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_byte_array_append (bytes, none, sizeof none);
  g_autofree gchar *first = read_in_pieces (bytes, 1, &may_end, &broken);
  g_assert_true (broken);
  g_byte_array_set_size (bytes, 0);
  g_byte_array_append (bytes, half, sizeof half);
  g_autofree gchar *second = read_in_pieces (bytes, 3, &may_end, &broken);
  g_assert_true (broken);
}

/* However long it says it is, nothing of it is kept. */
static void
test_skipped (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  EwCapsuleReader reader = { 0 };
  const guint8 *data, *datagram;
  gsize length, size;
  append_varint (bytes, 0x1f, 1);
  append_varint (bytes, (G_GUINT64_CONSTANT (1) << 62) - 1, 8);
  g_byte_array_set_size (bytes, 1 << 20);
  data = bytes->data;
  length = bytes->len;
  g_assert_cmpint (ew_capsule_read (&reader, &data, &length, &datagram, &size), ==, EW_CAPSULE_MORE);
  g_assert_cmpuint (length, ==, 0);
  g_assert_null (reader.payload);
  ew_capsule_reader_clear (&reader);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/capsule/every-split", test_every_split);
  g_test_add_func ("/capsule/truncated", test_truncated);
  g_test_add_func ("/capsule/largest", test_largest);
  g_test_add_func ("/capsule/no-context", test_no_context);
  g_test_add_func ("/capsule/skipped", test_skipped);
  return g_test_run ();
}
