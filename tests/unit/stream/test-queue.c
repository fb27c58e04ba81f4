/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream/queue.h"

#include <string.h>
#include "capsule/capsule.h"

#define MS G_GUINT64_CONSTANT (1000000)

static guint8 out[128 * 1024];

static void
push (EwStreamQueue *queue, gsize length, guint8 fill, guint64 now)
{
  g_autofree guint8 *data = g_malloc (length + 1);
  memset (data, fill, length);
  ew_stream_queue_push (queue, data, length, FALSE, now);
}

/* The fills of the datagrams in what was packed. */
static gchar *
read_fills (gsize filled)
{
  EwCapsuleReader reader = { 0 };
  const guint8 *data = out, *datagram;
  gsize size;
  GString *text = g_string_new (NULL);
  while (ew_capsule_read (&reader, &data, &filled, &datagram, &size) == EW_CAPSULE_DATAGRAM)
    g_string_append_printf (text, "%u ", size > 0 ? datagram[size - 1] : 0);
  g_assert_true (ew_capsule_reader_may_end (&reader));
  ew_capsule_reader_clear (&reader);
  return g_string_free (text, FALSE);
}

static void
test_order (void)
{
  EwStreamQueue queue = { 0 };
  push (&queue, 1452, 1, 0);
  push (&queue, 0, 0, 0);
  push (&queue, 32, 2, 0);
  gsize filled = ew_stream_queue_pack (&queue, out, 16384, 1);
  g_autofree gchar *fills = read_fills (filled);
  g_assert_cmpstr (fills, ==, "1 0 2 ");
  g_assert_cmpuint (queue.bulk.n, ==, 0);
  g_assert_cmpuint (ew_stream_queue_pack (&queue, out, 16384, 1), ==, 0);
  ew_stream_queue_clear (&queue);
}

/* Whole capsules only; the rest stays for the next. */
static void
test_room (void)
{
  EwStreamQueue queue = { 0 };
  for (guint8 i = 1; i <= 12; i++)
    push (&queue, 1452, i, 0);
  g_autofree gchar *first = read_fills (ew_stream_queue_pack (&queue, out, 16384, 1));
  g_assert_cmpstr (first, ==, "1 2 3 4 5 6 7 8 9 10 11 ");
  g_autofree gchar *second = read_fills (ew_stream_queue_pack (&queue, out, 16384, 1));
  g_assert_cmpstr (second, ==, "12 ");
  push (&queue, EW_CAPSULE_PAYLOAD_MAX, 13, 0);
  g_assert_cmpuint (ew_stream_queue_pack (&queue, out, 16384, 1), ==, 0);
  g_autofree gchar *third = read_fills (ew_stream_queue_pack (&queue, out, sizeof out, 1));
  g_assert_cmpstr (third, ==, "13 ");
  ew_stream_queue_clear (&queue);
}

static void
test_age (void)
{
  EwStreamQueue queue = { 0 };
  push (&queue, 100, 1, 1000 * MS);
  push (&queue, 100, 2, 1050 * MS);
  push (&queue, 100, 3, 1100 * MS);
  g_autofree gchar *fills = read_fills (ew_stream_queue_pack (&queue, out, 16384, 1150 * MS));
  g_assert_cmpstr (fills, ==, "2 3 ");
  g_assert_cmpuint (queue.dropped, ==, 1);
  push (&queue, 100, 4, 2000 * MS);
  g_assert_cmpuint (ew_stream_queue_pack (&queue, out, 16384, 2101 * MS), ==, 0);
  g_assert_cmpuint (queue.dropped, ==, 2);
  /* A clock that was read earlier by another thread. */
  push (&queue, 100, 5, 3000 * MS);
  g_autofree gchar *late = read_fills (ew_stream_queue_pack (&queue, out, 16384, 2999 * MS));
  g_assert_cmpstr (late, ==, "5 ");
  ew_stream_queue_clear (&queue);
}

/* It never grows beyond its bound, and what is dropped is the oldest; around the ring's end as well. */
static void
test_bytes (void)
{
  EwStreamQueue queue = { 0 };
  guint n = 0;
  for (guint i = 0; i < 1000; i++)
    push (&queue, 1400, (guint8)i, MS);
  g_assert_cmpuint (queue.bulk.size, <=, EW_STREAM_QUEUE_BYTES);
  g_assert_cmpuint (queue.bulk.used, <=, EW_STREAM_QUEUE_BYTES);
  g_assert_cmpuint (queue.dropped + queue.bulk.n, ==, 1000);
  g_assert_true (ew_stream_queue_is_full (&queue, 1400));
  const guint first = 1000 - queue.bulk.n;
  for (gsize filled; (filled = ew_stream_queue_pack (&queue, out, 16384, MS)) > 0;)
    {
      g_autofree gchar *fills = read_fills (filled);
      g_auto (GStrv) each = g_strsplit (g_strchomp (fills), " ", 0);
      for (gchar **fill = each; *fill; fill++, n++)
        g_assert_cmpuint (g_ascii_strtoull (*fill, NULL, 10), ==, (guint8)(first + n));
    }
  g_assert_cmpuint (n, ==, 1000 - first);
  ew_stream_queue_clear (&queue);
}

/* A queue that stays long loses one datagram, then more and more often; one that gets short again loses none. */
static void
test_standing (void)
{
  EwStreamQueue queue = { 0 };
  guint64 drops_at[64], now = 1000 * MS;
  guint n = 0;
  for (guint i = 0; i < 700; i++, now += MS)
    {
      push (&queue, 100, 1, now);
      if (i < 30) /* then each waits for 30 ms */
        continue;
      const guint64 before = queue.dropped;
      g_assert_cmpuint (ew_stream_queue_pack (&queue, out, 110, now), >, 0);
      if (queue.dropped > before)
        {
          drops_at[n++] = now;
          push (&queue, 100, 1, now - 29 * MS); /* as long as before */
        }
    }
  g_assert_cmpuint (n, >=, 4);
  for (guint i = 2; i < n; i++)
    g_assert_cmpuint (drops_at[i] - drops_at[i - 1], <=, drops_at[i - 1] - drops_at[i - 2] + MS);
  while (ew_stream_queue_pack (&queue, out, sizeof out, now) > 0)
    ;
  const guint64 before = queue.dropped;
  for (guint i = 0; i < 300; i++, now += MS)
    {
      push (&queue, 100, 1, now);
      g_assert_cmpuint (ew_stream_queue_pack (&queue, out, sizeof out, now + MS), >, 0);
    }
  g_assert_cmpuint (queue.dropped, ==, before);
  ew_stream_queue_clear (&queue);
}

static void
push_sparse (EwStreamQueue *queue, gsize length, guint8 fill, guint64 now)
{
  g_autofree guint8 *data = g_malloc (length);
  memset (data, fill, length);
  ew_stream_queue_push (queue, data, length, TRUE, now);
}

/* Before what waits longer; not so many that the others never leave, and never more than its bound. */
static void
test_sparse (void)
{
  EwStreamQueue queue = { 0 };
  for (guint8 i = 1; i <= 12; i++)
    push (&queue, 1452, i, 0);
  push_sparse (&queue, 100, 50, 1);
  push_sparse (&queue, 100, 51, 2);
  g_autofree gchar *first = read_fills (ew_stream_queue_pack (&queue, out, 16384, 3));
  g_assert_cmpstr (first, ==, "50 51 1 2 3 4 5 6 7 8 9 10 11 ");
  for (guint i = 0; i < 1000; i++)
    push_sparse (&queue, 1400, 60, 4);
  g_assert_cmpuint (queue.sparse.size, <=, EW_STREAM_QUEUE_SPARSE_BYTES);
  g_autofree gchar *second = read_fills (ew_stream_queue_pack (&queue, out, 16384, 5));
  g_assert_cmpstr (second, ==, "60 60 60 60 60 12 ");
  g_assert_false (ew_stream_queue_is_empty (&queue));
  g_assert_cmpuint (ew_stream_queue_pack (&queue, out, 16384, 200 * MS), ==, 0);
  g_assert_true (ew_stream_queue_is_empty (&queue));
  push_sparse (&queue, EW_CAPSULE_PAYLOAD_MAX, 70, 0); /* isn't, whatever is said */
  g_assert_cmpuint (queue.sparse.n, ==, 0);
  g_assert_cmpuint (queue.bulk.n, ==, 1);
  ew_stream_queue_clear (&queue);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stream-queue/order", test_order);
  g_test_add_func ("/stream-queue/room", test_room);
  g_test_add_func ("/stream-queue/age", test_age);
  g_test_add_func ("/stream-queue/bytes", test_bytes);
  g_test_add_func ("/stream-queue/standing", test_standing);
  g_test_add_func ("/stream-queue/sparse", test_sparse);
  return g_test_run ();
}
