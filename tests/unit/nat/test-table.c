/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The table of services: what is refused and what the sentence says, look-ups beside a model that looks at everything,
 * and numbers that stay.
 */
#include <netinet/in.h>
#include <string.h>

#include "common/error.h"
#include "edge/nat/table.h"

static const EwNatPorts port80 = { EW_NAT_TCP, 80, 80, 0 };

static EwIp
ip (const gchar *text)
{
  EwIp result = { 0 };

  if (text != NULL)
    g_assert_true (ew_ip_parse (text, &result));
  return result;
}

static const EwIp *
own_addresses (void)
{
  static EwIp own[2];

  own[0] = ip ("100.96.0.1");
  own[1] = ip ("fd12::1");
  return own;
}

static EwNatTable *
make_table (const EwNatService *services, gsize n, const EwNatTable *previous)
{
  g_autoptr (GError) error = NULL;
  EwNatTable *table = ew_nat_table_new (services, n, own_addresses (), previous, &error);

  g_assert_no_error (error);
  return table;
}

typedef struct
{
  const gchar *id, *v4, *v6, *target;
  EwNatPorts ports[2];
  guint16 port; /* the target's */
  const gchar *says;
} Refused;

static const Refused refused[] = {
  { "", "100.111.0.1", NULL, "100.96.1.1", { { 1, 80, 80 } }, 0, "A service has no ID*" },
  { "ha", NULL, NULL, "100.96.1.1", { { 1, 80, 80 } }, 0, "Service ha has no address*" },
  { "ha", "fdaa::1", NULL, "100.96.1.1", { { 1, 80, 80 } }, 0, "*fdaa::1 in the place of one of IPv4*" },
  { "ha", "100.96.0.1", NULL, "100.96.1.1", { { 1, 80, 80 } }, 0, "*100.96.0.1, which is the edge's own*" },
  { "ha", NULL, "fd12::1", "100.96.1.1", { { 1, 80, 80 } }, 0, "*fd12::1, which is the edge's own*" },
  { "ha", "224.0.0.1", NULL, "100.96.1.1", { { 1, 80, 80 } }, 0, "*224.0.0.1, which isn't a host's*" },
  { "ha", "127.0.0.1", NULL, "100.96.1.1", { { 1, 80, 80 } }, 0, "*127.0.0.1, which isn't a host's*" },
  { "ha", "100.111.0.1", NULL, "0.0.0.0", { { 1, 80, 80 } }, 0, "*target 0.0.0.0, which isn't a host's*" },
  { "ha", "100.111.0.1", NULL, "100.96.0.1", { { 1, 80, 80 } }, 0, "*target 100.96.0.1, which is the edge's own*" },
  { "ha", "100.111.0.1", NULL, "100.111.0.1", { { 1, 80, 80 } }, 0, "*has service ha as its target*" },
  { "ha", "100.111.0.1", NULL, "100.111.0.9", { { 1, 80, 80 } }, 0, "*has service other as its target*" },
  { "ha", "100.111.0.9", NULL, "100.96.1.1", { { 1, 80, 80 } }, 0, "*100.111.0.9, which is also service other's*" },
  { "other", "100.111.0.1", NULL, "100.96.1.1", { { 1, 80, 80 } }, 0, "Service other is given twice*" },
  { "ha", "100.111.0.1", NULL, "100.96.1.1", { { 0, 80, 80 } }, 0, "*ports of no protocol*" },
  { "ha", "100.111.0.1", NULL, "100.96.1.1", { { 4, 80, 80 } }, 0, "*ports of no protocol*" },
  { "ha", "100.111.0.1", NULL, "100.96.1.1", { { 1, 0, 80 } }, 0, "*the ports 0 to 80*" },
  { "ha", "100.111.0.1", NULL, "100.96.1.1", { { 1, 81, 80 } }, 0, "*the ports 81 to 80*" },
  { "ha", "100.111.0.1", NULL, "100.96.1.1", { { 1, 80, 89, 65530 } }, 0, "*80 to 89 beyond 65535*" },
  { "ha", "100.111.0.1", NULL, "100.96.1.1", { { 1, 80, 89 } }, 65530, "*80 to 89 to port 65530 and beyond*" },
  { "ha", "100.111.0.1", NULL, "100.96.1.1", { { 1, 80, 89 }, { 3, 89, 90 } }, 0, "*port 89 twice*" },
};

static void
test_refused (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      const Refused *row = &refused[i];
      g_autoptr (GError) error = NULL;
      const EwNatTarget targets[2]
        = { { .ips = { ip ("100.96.1.9") } }, { .ips = { ip (row->target) }, .port = row->port } };
      const EwNatService services[2] = {
        { .id = "other",
          .addresses = { ip ("100.111.0.9") },
          .ports = &port80,
          .n_ports = 1,
          .targets = targets,
          .n_targets = 1 },
        { .id = row->id,
          .addresses = { ip (row->v4), ip (row->v6) },
          .ports = row->ports,
          .n_ports = row->ports[1].first != 0 ? 2 : 1,
          .targets = targets + 1,
          .n_targets = 1 },
      };

      g_assert_null (ew_nat_table_new (services, 2, own_addresses (), NULL, &error));
      g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
      if (!g_pattern_match_simple (row->says, error->message))
        g_error ("%" G_GSIZE_FORMAT ": “%s” isn't “%s”", i, error->message, row->says);
    }
}

/* What a target's port belongs to, looked for among everything. 0: nobody's; -1: several services'. */
static gint
find_claim (const EwNatService *services, gsize n, const EwIp *target, guint16 port, guint16 *called)
{
  gint found = 0;

  for (gsize i = 0; i < n; i++)
    for (gsize t = 0; t < services[i].n_targets; t++)
      for (gsize r = 0; r < services[i].n_ports; r++)
        {
          const EwNatPorts *range = &services[i].ports[r];
          const EwNatTarget *to = &services[i].targets[t];
          const guint16 first = to->port != 0 ? to->port : range->to != 0 ? range->to : range->first;

          if (!ew_ip_equal (&to->ips[0], target) || port < first || port - first > range->last - range->first)
            continue;
          found = found == 0 ? (gint)i + 1 : -1;
          *called = (guint16)(range->first + port - first);
        }
  return found;
}

#define MODEL_SERVICES 12
#define MODEL_PORTS 60

static void
draw_services (EwNatService *services, EwNatPorts *ports, EwNatTarget *targets)
{
  static const gchar *const ids[MODEL_SERVICES] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l" };

  for (guint i = 0; i < MODEL_SERVICES; i++)
    {
      services[i] = (EwNatService){ .id = ids[i],
                                    .addresses = { ew_ip_from_v4 (0x646f0001u + i) },
                                    .ports = ports + 2 * i,
                                    .n_ports = 2,
                                    .targets = targets + 2 * i,
                                    .n_targets = 2 };
      for (guint k = 0; k < 2; k++)
        {
          const guint16 first = (guint16)(1 + 25 * k + (guint)g_test_rand_int_range (0, 10));

          ports[2 * i + k] = (EwNatPorts){ EW_NAT_TCP, first, (guint16)(first + g_test_rand_int_range (0, 12)),
                                           (guint16)g_test_rand_int_range (0, 30) };
          targets[2 * i + k]
            = (EwNatTarget){ .ips = { ew_ip_from_v4 (0x64600101u + (guint)g_test_rand_int_range (0, 5)) },
                             .port = (guint16)(g_test_rand_int_range (0, 3) == 0 ? g_test_rand_int_range (1, 40) : 0) };
        }
    }
}

static void
test_model (void)
{
  for (guint round = 0; round < 300; round++)
    {
      EwNatService services[MODEL_SERVICES];
      EwNatPorts ports[2 * MODEL_SERVICES];
      EwNatTarget targets[2 * MODEL_SERVICES];

      draw_services (services, ports, targets);
      g_autoptr (EwNatTable) table = make_table (services, MODEL_SERVICES, NULL);
      for (guint32 host = 0x64600101u; host < 0x64600106u; host++)
        for (guint16 port = 0; port < MODEL_PORTS; port++)
          {
            const EwIp target = ew_ip_from_v4 (host);
            guint32 index;
            guint16 called = 0;
            const gint expected = find_claim (services, MODEL_SERVICES, &target, port, &called);
            const EwNatWho who = ew_nat_table_who (table, &target, &index);
            const EwNatClaim *claim
              = who == EW_NAT_A_TARGET ? ew_nat_table_claim (table, index, IPPROTO_TCP, port) : NULL;

            g_assert_true ((claim != NULL) == (expected != 0));
            if (claim == NULL)
              continue;
            g_assert_null (ew_nat_table_claim (table, index, IPPROTO_UDP, port));
            const EwNatEntry *entry = ew_nat_table_numbered (table, claim->number);
            g_assert_true ((entry != NULL) == (expected > 0));
            if (entry == NULL)
              continue;
            g_assert_cmpstr (entry->id, ==, services[expected - 1].id);
            g_assert_cmpuint (claim->called + port - claim->first, ==, called);
          }
    }
}

static void
test_all_ports (void)
{
  const EwNatPorts all = { EW_NAT_TCP | EW_NAT_UDP, 1, 65535, 0 };
  const EwNatTarget target = { .ips = { ip ("100.96.1.1") }, .healthy = TRUE };
  const EwNatService service = {
    .id = "all", .addresses = { ip ("100.111.0.1") }, .ports = &all, .n_ports = 1, .targets = &target, .n_targets = 1
  };
  g_autoptr (EwNatTable) table = make_table (&service, 1, NULL);
  guint32 index;

  for (guint port = 1; port < 65536; port++)
    {
      const EwNatRange *range = ew_nat_entry_range (&table->entries[0], IPPROTO_UDP, (guint16)port);

      g_assert_nonnull (range);
      g_assert_cmpuint (ew_nat_target_port (&table->entries[0].targets[0], range, (guint16)port), ==, port);
    }
  g_assert_null (ew_nat_entry_range (&table->entries[0], IPPROTO_TCP, 0));
  g_assert_null (ew_nat_entry_range (&table->entries[0], IPPROTO_SCTP, 80));
  g_assert_cmpint (ew_nat_table_who (table, &target.ips[0], &index), ==, EW_NAT_A_TARGET);
  const EwNatClaim *claim = ew_nat_table_claim (table, index, IPPROTO_TCP, 65535);
  g_assert_nonnull (claim);
  g_assert_cmpuint (claim->first, ==, 1);
  g_assert_cmpuint (claim->last, ==, 65535);
}

/* A service's number is its own while it's there, whatever comes and goes beside it. */
static void
test_numbers (void)
{
  static gchar ids[64][8];
  const EwNatTarget target = { .ips = { ip ("100.96.1.1") }, .healthy = TRUE };
  g_autoptr (EwNatTable) table = make_table (NULL, 0, NULL);
  GHashTable *numbers = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    g_snprintf (ids[i], sizeof ids[i], "s%u", i);
  for (guint round = 0; round < 2000; round++)
    {
      EwNatService services[G_N_ELEMENTS (ids)];
      g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
      gsize n = 0;

      for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
        if (g_test_rand_int_range (0, 3) != 0)
          services[n++] = (EwNatService){ .id = ids[i],
                                          .addresses = { ew_ip_from_v4 (0x646f0001u + i) },
                                          .ports = &port80,
                                          .n_ports = 1,
                                          .targets = &target,
                                          .n_targets = 1 };
      EwNatTable *next = make_table (services, n, table);
      g_assert_cmpuint (next->generation, ==, table->generation + 1);
      GHashTable *after = g_hash_table_new (g_str_hash, g_str_equal);
      for (gsize i = 0; i < n; i++)
        {
          const guint number = next->entries[i].number,
                      before = GPOINTER_TO_UINT (g_hash_table_lookup (numbers, next->entries[i].id));

          g_assert_true (number >= 1 && number <= EW_NAT_NUMBER_MAX);
          g_assert_true (g_hash_table_add (seen, GUINT_TO_POINTER (number)));
          g_assert_true (before == 0 || before == number);
          g_assert_true (ew_nat_table_numbered (next, (guint16)number) == &next->entries[i]);
          g_assert_false (next->entries[i].recovers); /* the first table was empty */
          g_hash_table_insert (after, (gpointer)services[i].id, GUINT_TO_POINTER (number));
        }
      g_hash_table_unref (numbers);
      numbers = after;
      ew_nat_table_free (table);
      table = next;
    }
  g_hash_table_unref (numbers);
}

/* As many as there may be are found again. */
static void
test_many (void)
{
  g_autofree EwNatService *services = g_new0 (EwNatService, EW_NAT_SERVICES_MAX + 1);
  g_autofree EwNatTarget *targets = g_new0 (EwNatTarget, EW_NAT_SERVICES_MAX + 1);
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  guint32 index;

  for (guint i = 0; i <= EW_NAT_SERVICES_MAX; i++)
    {
      g_ptr_array_add (ids, g_strdup_printf ("s%u", i));
      targets[i] = (EwNatTarget){ .ips = { ew_ip_from_v4 (0x64600101u + i) }, .healthy = TRUE };
      services[i] = (EwNatService){ .id = g_ptr_array_index (ids, i),
                                    .addresses = { ew_ip_from_v4 (0x646f0001u + i) },
                                    .ports = &port80,
                                    .n_ports = 1,
                                    .targets = &targets[i],
                                    .n_targets = 1 };
    }
  g_autoptr (EwNatTable) table = make_table (services, EW_NAT_SERVICES_MAX, NULL);
  for (guint i = 0; i < EW_NAT_SERVICES_MAX; i++)
    {
      g_assert_cmpint (ew_nat_table_who (table, &services[i].addresses[0], &index), ==, EW_NAT_A_SERVICE);
      g_assert_cmpuint (index, ==, i);
      g_assert_cmpint (ew_nat_table_who (table, &targets[i].ips[0], &index), ==, EW_NAT_A_TARGET);
    }
  g_assert_cmpint (ew_nat_table_who (table, &services[EW_NAT_SERVICES_MAX].addresses[0], &index), ==, EW_NAT_NOBODY);
  g_assert_null (ew_nat_table_new (services, EW_NAT_SERVICES_MAX + 1, own_addresses (), NULL, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/nat/table/refused", test_refused);
  g_test_add_func ("/nat/table/model", test_model);
  g_test_add_func ("/nat/table/all-ports", test_all_ports);
  g_test_add_func ("/nat/table/numbers", test_numbers);
  g_test_add_func ("/nat/table/many", test_many);
  return g_test_run ();
}
