/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hub-switch.h"

#include <string.h>

#include "proto/crypto.h"

static void
set_node (EwSwitch *sw, const gchar *id, const guint8 *key, const gchar *address)
{
  EwIp ip;
  EwSwitchNode node = { .id = id, .addresses = &ip, .n_addresses = 1, .plain = TRUE, .revision = { 1 } };

  ew_ip_parse (address, &ip);
  memcpy (node.public_key, key, EW_KEY_SIZE);
  ew_switch_set_node (sw, &node);
}

EwSwitch *
hub_switch_new (guint threads, HubNode *a, HubNode *b)
{
  g_autoptr (GError) error = NULL;
  EwSwitchConfig config = { .port = 0, .mtu = 1420, .data_threads = threads };
  guint8 hub_key[EW_KEY_SIZE];
  const gint64 end = clock_ns () + 5 * INT64_C (1000000000);

  hub_node_init (a);
  hub_node_init (b);
  memcpy (config.private_key, "a key that is nobody's, 32 bytes.", EW_KEY_SIZE);
  ew_x25519_clamp (config.private_key);
  ew_x25519_public (hub_key, config.private_key);
  ew_ip_parse ("10.99.0.254", &config.service[0]);
  ew_prefix_parse ("10.99.0.0/24", &config.ranges[0], NULL);
  EwSwitch *sw = ew_switch_new (&config, &error);
  if (sw == NULL)
    {
      g_printerr ("%s\n", error->message);
      return NULL;
    }
  set_node (sw, "a", a->public_key, "10.99.0.1");
  set_node (sw, "b", b->public_key, "10.99.0.2");
  hub_node_join (a, hub_key, ew_engine_get_listen_port (sw->engine));
  hub_node_join (b, hub_key, ew_engine_get_listen_port (sw->engine));
  while (clock_ns () < end)
    {
      EwTime time = hub_node_time ();

      hub_node_receive (a);
      hub_node_receive (b);
      g_main_context_iteration (NULL, FALSE);
      if (ew_peer_has_session (a->hub, &time) && ew_peer_has_session (b->hub, &time))
        return sw;
    }
  g_printerr ("no session with the switch\n");
  ew_switch_free (sw);
  return NULL;
}

double
hub_median (double *values, guint n)
{
  for (guint i = 1; i < n; i++)
    for (guint k = i; k > 0 && values[k] < values[k - 1]; k--)
      {
        double value = values[k];
        values[k] = values[k - 1];
        values[k - 1] = value;
      }
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}
