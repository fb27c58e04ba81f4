/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dns-serve PORT NAMES: the edge's DNS server at 127.0.0.1 alone, with so many nodes n0, n1 … below demo.internal, until
 * its input ends.
 */
#include <stdio.h>
#include <stdlib.h>

#include "edge/dns/server.h"

static void
add_host (EwDnsServer *server, guint i)
{
  g_autofree gchar *id = g_strdup_printf ("n%016x", i), *name = g_strdup_printf ("n%u", i),
                   *v6 = g_strdup_printf ("fd12:3456:789a:1::%x", i + 257);
  const gchar *names[] = { name, NULL };
  EwDnsHostSpec spec = { .id = id, .names = names, .addresses = { ew_ip_from_v4 (0x64600101 + i) } };
  ew_ip_parse (v6, &spec.addresses[1]);
  ew_dns_server_set_host (server, &spec);
}

int
main (int argc, char **argv)
{
  static const gchar *const edge_names[] = { "edge", NULL };
  EwDnsServerConfig config = { .port = (guint16)(argc > 2 ? atoi (argv[1]) : 0) };
  EwDnsHostSpec edge = { .id = "", .names = edge_names };
  EwPrefix ranges[2];
  if (config.port == 0)
    {
      g_printerr ("dns-serve PORT NAMES\n");
      return EXIT_FAILURE;
    }
  ew_ip_parse ("127.0.0.1", &config.addresses[0]);
  edge.addresses[0] = config.addresses[0];
  ew_prefix_parse ("100.96.0.0/12", &ranges[0], NULL);
  ew_prefix_parse ("fd12:3456:789a::/48", &ranges[1], NULL);
  g_autoptr (EwDnsServer) server = ew_dns_server_new (&config);
  if (!ew_dns_server_set_zone (server, "demo.internal", ranges))
    return EXIT_FAILURE;
  ew_dns_server_set_host (server, &edge);
  for (guint i = 0; i < (guint)atoi (argv[2]); i++)
    add_host (server, i);
  while (getchar () != EOF)
    continue;
  return EXIT_SUCCESS;
}
