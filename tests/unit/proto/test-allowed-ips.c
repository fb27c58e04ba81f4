/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Allowed IPs against a naive model that looks at every prefix, and the containers that they and the device use. */
#include <glib.h>
#include <string.h>
#include "proto/allowed-ips.h"
#include "proto/heap.h"
#include "proto/table.h"

/* Owners are only compared, so any pointers will do. */
#define OWNERS 8
static char owner_marks[OWNERS];
static EwAllowedIp *lists[OWNERS];

static EwPeer *
owner (unsigned i)
{
  return (EwPeer *)(void *)&owner_marks[i];
}

static EwPrefix
prefix (const char *text)
{
  EwPrefix p;
  g_assert_true (ew_prefix_parse (text, &p, NULL));
  return p;
}

static void
add (EwAllowedIps *ips, const char *text, unsigned to)
{
  EwPrefix p = prefix (text);
  g_assert_true (ew_allowed_ips_add (ips, &p, owner (to), &lists[to]));
}

/* -1: no owner. */
static int
lookup (EwAllowedIps *ips, const char *text)
{
  EwIp ip;
  g_assert_true (ew_ip_parse (text, &ip));
  char *found = (char *)ew_allowed_ips_lookup (ips, ip.family, ip.bytes);
  return found == NULL ? -1 : (int)(found - owner_marks);
}

static void
clear (EwAllowedIps *ips)
{
  for (unsigned i = 0; i < OWNERS; i++)
    {
      ew_allowed_ips_remove_list (ips, &lists[i]);
      g_assert_null (lists[i]);
    }
  g_assert_cmpuint (ips->count, ==, 0);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpuint (ips->root[i], ==, 0);
  ew_allowed_ips_clear (ips);
}

static void
test_longest_wins (void)
{
  EwAllowedIps ips;
  ew_allowed_ips_init (&ips, NULL);
  g_assert_cmpint (lookup (&ips, "10.0.0.1"), ==, -1);
  add (&ips, "0.0.0.0/0", 0);
  add (&ips, "10.0.0.0/8", 1);
  add (&ips, "10.1.0.0/16", 2);
  add (&ips, "10.1.2.0/24", 3);
  add (&ips, "10.1.2.3/32", 4);
  add (&ips, "10.1.2.128/25", 5);
  g_assert_cmpint (lookup (&ips, "192.0.2.1"), ==, 0);
  g_assert_cmpint (lookup (&ips, "10.2.0.1"), ==, 1);
  g_assert_cmpint (lookup (&ips, "10.1.3.1"), ==, 2);
  g_assert_cmpint (lookup (&ips, "10.1.2.2"), ==, 3);
  g_assert_cmpint (lookup (&ips, "10.1.2.3"), ==, 4);
  g_assert_cmpint (lookup (&ips, "10.1.2.200"), ==, 5);
  g_assert_cmpint (lookup (&ips, "fd00::1"), ==, -1); /* families do not mix */
  add (&ips, "::/0", 6);
  add (&ips, "fd00::/64", 7);
  add (&ips, "fd00::5/128", 1);
  add (&ips, "fd00:0:0:0:8000::/65", 2);
  g_assert_cmpint (lookup (&ips, "2001:db8::1"), ==, 6);
  g_assert_cmpint (lookup (&ips, "fd00::1"), ==, 7);
  g_assert_cmpint (lookup (&ips, "fd00::5"), ==, 1);
  g_assert_cmpint (lookup (&ips, "fd00::8000:0:0:1"), ==, 2);
  g_assert_cmpint (lookup (&ips, "10.1.2.3"), ==, 4);
  clear (&ips);
}

static void
test_moves_and_removals (void)
{
  EwAllowedIps ips;
  EwPrefix host = prefix ("10.0.0.1/32"), net = prefix ("10.0.0.0/24"), odd = { .ip = host.ip, .length = 24 };
  EwPrefix wrong[] = { { .ip = { .family = EW_FAMILY_V4 }, .length = 33 },
                       { .ip = { .family = EW_FAMILY_V6 }, .length = 129 },
                       { .length = 0 } };
  ew_allowed_ips_init (&ips, NULL);
  add (&ips, "10.0.0.1/32", 0);
  add (&ips, "10.0.0.0/24", 0);
  add (&ips, "10.0.0.1/32", 1); /* taken from 0 */
  g_assert_cmpint (lookup (&ips, "10.0.0.1"), ==, 1);
  ew_allowed_ips_remove (&ips, &host, owner (0)); /* not 0's any more */
  g_assert_cmpint (lookup (&ips, "10.0.0.1"), ==, 1);
  ew_allowed_ips_remove (&ips, &host, owner (1));
  g_assert_cmpint (lookup (&ips, "10.0.0.1"), ==, 0);
  g_assert_true (ew_allowed_ips_add (&ips, &odd, owner (2), &lists[2])); /* host bits are ignored */
  g_assert_null (lists[0]);
  g_assert_true (ew_prefix_equal (&lists[2]->prefix, &net));
  for (unsigned i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_assert_false (ew_allowed_ips_add (&ips, &wrong[i], owner (0), &lists[0]));
      ew_allowed_ips_remove (&ips, &wrong[i], owner (0));
    }
  clear (&ips);
}

typedef struct
{
  EwPrefix prefix;
  unsigned owner;
} ModelEntry;

static int
model_lookup (GArray *model, const EwIp *ip)
{
  int best = -1, length = -1;
  for (guint i = 0; i < model->len; i++)
    {
      ModelEntry *e = &g_array_index (model, ModelEntry, i);
      if (e->prefix.length > length && ew_prefix_contains (&e->prefix, ip))
        {
          best = (int)e->owner;
          length = e->prefix.length;
        }
    }
  return best;
}

/* Few distinct bits, so that prefixes nest and meet. */
static EwIp
random_ip (void)
{
  EwIp ip = { .family = g_test_rand_bit () ? EW_FAMILY_V4 : EW_FAMILY_V6 };
  for (unsigned i = 0; i < (ip.family == EW_FAMILY_V4 ? 4 : 16); i++)
    ip.bytes[i] = g_test_rand_bit () ? 0 : (uint8_t)(1 << g_test_rand_int_range (0, 8));
  return ip;
}

static void
model_change (EwAllowedIps *ips, GArray *model)
{
  EwIp ip = random_ip ();
  guint found = model->len;
  ModelEntry entry = { .owner = (unsigned)g_test_rand_int_range (0, OWNERS) };
  int bits = ip.family == EW_FAMILY_V4 ? 32 : 128;
  entry.prefix = (EwPrefix){ ip, (uint8_t)(g_test_rand_bit () ? bits : g_test_rand_int_range (0, bits + 1)) };
  g_assert_true (ew_allowed_ips_add (ips, &entry.prefix, owner (entry.owner), &lists[entry.owner]));
  entry.prefix = lists[entry.owner]->prefix; /* host bits cleared */
  for (guint i = 0; i < model->len; i++)
    if (ew_prefix_equal (&g_array_index (model, ModelEntry, i).prefix, &entry.prefix))
      found = i;
  if (found < model->len)
    g_array_index (model, ModelEntry, found).owner = entry.owner;
  else
    g_array_append_val (model, entry);
  if (g_test_rand_int_range (0, 3) != 0)
    return;
  found = (guint)g_test_rand_int_range (0, (gint32)model->len);
  entry = g_array_index (model, ModelEntry, found);
  ew_allowed_ips_remove (ips, &entry.prefix, owner (entry.owner));
  g_array_remove_index_fast (model, found);
}

static void
test_against_model (void)
{
  EwAllowedIps ips;
  g_autoptr (GArray) model = g_array_new (FALSE, FALSE, sizeof (ModelEntry));
  ew_allowed_ips_init (&ips, NULL);
  for (unsigned round = 0; round < 1200; round++)
    {
      model_change (&ips, model);
      for (unsigned i = 0; i < 10; i++)
        {
          EwIp ip = random_ip ();
          char *found = (char *)ew_allowed_ips_lookup (&ips, ip.family, ip.bytes);
          g_assert_cmpint (found == NULL ? -1 : (int)(found - owner_marks), ==, model_lookup (model, &ip));
        }
    }
  guint listed = 0;
  for (unsigned i = 0; i < OWNERS; i++)
    for (EwAllowedIp *e = lists[i]; e != NULL; e = e->next)
      {
        g_assert_true (e->owner == owner (i));
        listed++;
      }
  g_assert_cmpuint (listed, ==, model->len);
  clear (&ips);
}

/* Prefixes all over the address space, of every length, and addresses inside one of them: common prefixes and the
   first different bit are anywhere. They come, and go again one by one. */
static void
test_spread_against_model (void)
{
  enum
  {
    N = 600
  };
  EwAllowedIps ips;
  g_autoptr (GArray) model = g_array_new (FALSE, FALSE, sizeof (ModelEntry));
  ew_allowed_ips_init (&ips, NULL);
  for (unsigned change = 0; change < 2 * N; change++)
    {
      guint at = model->len > 0 ? (guint)g_test_rand_int_range (0, (gint32)model->len) : 0;
      if (change < N)
        {
          ModelEntry entry = { .owner = change % OWNERS };
          entry.prefix.ip.family = change & 1 ? EW_FAMILY_V4 : EW_FAMILY_V6;
          guint bits = change & 1 ? 32 : 128;
          for (guint i = 0; i < bits / 8; i++)
            entry.prefix.ip.bytes[i] = (uint8_t)g_test_rand_int_range (0, 256);
          entry.prefix.length = (uint8_t)g_test_rand_int_range (0, (gint32)bits + 1);
          g_assert_true (ew_allowed_ips_add (&ips, &entry.prefix, owner (entry.owner), &lists[entry.owner]));
          entry.prefix = lists[entry.owner]->prefix;
          for (guint i = 0; i < model->len; i++) /* the short ones come twice */
            if (ew_prefix_equal (&g_array_index (model, ModelEntry, i).prefix, &entry.prefix))
              g_array_remove_index_fast (model, i);
          g_array_append_val (model, entry);
        }
      else if (model->len > 0)
        {
          const ModelEntry entry = g_array_index (model, ModelEntry, at);
          ew_allowed_ips_remove (&ips, &entry.prefix, owner (entry.owner));
          g_array_remove_index_fast (model, at);
        }
      g_assert_cmpuint (ips.count, ==, model->len);
      for (guint i = 0; i < 8 && model->len > 0; i++)
        {
          EwIp ip = g_array_index (model, ModelEntry, (guint)g_test_rand_int_range (0, (gint32)model->len)).prefix.ip;
          guint bit = (guint)g_test_rand_int_range (0, ip.family == EW_FAMILY_V4 ? 32 : 128);
          ip.bytes[bit / 8] ^= (uint8_t)(g_test_rand_bit () ? 0 : 0x80 >> bit % 8);
          char *found = (char *)ew_allowed_ips_lookup (&ips, ip.family, ip.bytes);
          g_assert_cmpint (found == NULL ? -1 : (int)(found - owner_marks), ==, model_lookup (model, &ip));
        }
    }
  g_assert_cmpuint (ips.root[0] | ips.root[1], ==, 0);
  clear (&ips);
}

/* 100,000 of each: single addresses, and subnets. */
static void
test_many (void)
{
  EwAllowedIps ips;
  enum
  {
    MANY = 100000
  };
  ew_allowed_ips_init (&ips, NULL);
  for (unsigned i = 0; i < MANY; i++)
    {
      EwPrefix host = { ew_ip_from_v4 (0x64400000 + i), 32 }, net = { ew_ip_from_v4 (0x0a000000 + i * 128), 25 };
      g_assert_true (ew_allowed_ips_add (&ips, &host, owner (i % OWNERS), &lists[i % OWNERS]));
      g_assert_true (ew_allowed_ips_add (&ips, &net, owner (i % OWNERS), &lists[i % OWNERS]));
    }
  gint64 start = g_get_monotonic_time ();
  unsigned x = 1;
  for (unsigned n = 0; n < 1000000; n++)
    {
      x = x * 1664525 + 1013904223;
      unsigned i = (x >> 8) % MANY;
      EwIp ip = ew_ip_from_v4 (n & 1 ? 0x64400000 + i : 0x0a000000 + i * 128 + 5);
      g_assert_true (ew_allowed_ips_lookup (&ips, EW_FAMILY_V4, ip.bytes) == owner (i % OWNERS));
    }
  g_test_message ("%" G_GINT64_FORMAT " ns a lookup", (g_get_monotonic_time () - start) / 1000);
  clear (&ips);
}

static void
test_table (void)
{
  EwTable table = { NULL };
  static char values[3000];
  gboolean in[G_N_ELEMENTS (values)] = { FALSE };
  for (unsigned round = 0; round < 60000; round++)
    {
      unsigned i = (unsigned)g_test_rand_int_range (0, G_N_ELEMENTS (values));
      uint32_t hash = i % 7 == 0 ? 5 : i * 2654435761u; /* many share one hash */
      if (!in[i])
        g_assert_true (ew_table_insert (&table, hash, &values[i]));
      else
        ew_table_remove (&table, hash, &values[i]);
      in[i] = !in[i];
      i = (unsigned)g_test_rand_int_range (0, G_N_ELEMENTS (values));
      hash = i % 7 == 0 ? 5 : i * 2654435761u;
      size_t cursor = EW_TABLE_START;
      void *found;
      while ((found = ew_table_next (&table, hash, &cursor)) != NULL && found != &values[i])
        ;
      g_assert_cmpint (found != NULL, ==, in[i]);
    }
  ew_table_remove (&table, 12345, values); /* not present: nothing happens */
  ew_table_clear (&table);
}

static void
test_heap (void)
{
  enum
  {
    N = 300
  };
  EwHeap heap = { 0 };
  EwHeapNode nodes[N];
  gboolean in[N] = { FALSE };
  for (unsigned round = 0; round < 20000; round++)
    {
      unsigned i = (unsigned)g_test_rand_int_range (0, N);
      if (!in[i])
        in[i] = ew_heap_add (&heap, &nodes[i]);
      else if (g_test_rand_int_range (0, 4) == 0)
        {
          ew_heap_remove (&heap, &nodes[i]);
          in[i] = FALSE;
        }
      else
        ew_heap_set (&heap, &nodes[i], (uint64_t)g_test_rand_int_range (0, 1000));
      uint64_t least = UINT64_MAX;
      for (unsigned k = 0; k < N; k++)
        if (in[k])
          least = MIN (least, nodes[k].due_ns);
      g_assert_true (heap.count == 0 || ew_heap_first (&heap)->due_ns == least);
    }
  ew_heap_clear (&heap);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/allowed-ips/longest-wins", test_longest_wins);
  g_test_add_func ("/allowed-ips/moves-and-removals", test_moves_and_removals);
  g_test_add_func ("/allowed-ips/against-model", test_against_model);
  g_test_add_func ("/allowed-ips/spread-against-model", test_spread_against_model);
  g_test_add_func ("/allowed-ips/many", test_many);
  g_test_add_func ("/allowed-ips/table", test_table);
  g_test_add_func ("/allowed-ips/heap", test_heap);
  return g_test_run ();
}
