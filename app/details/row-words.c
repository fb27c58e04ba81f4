/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "row-words.h"

#include <glib/gi18n.h>

#include "model/words.h"

#define ROUTES_NAMED 2 /* more are counted */

static gchar *
gateway_note (EwNode *node)
{
  const gchar *const *routes = ew_node_get_routes (node);
  guint n = g_strv_length ((gchar **)routes);
  g_autofree gchar *names = NULL;

  if (n > ROUTES_NAMED)
    return g_strdup_printf (g_dngettext (NULL, "Gateway to %s and %u more", "Gateway to %s and %u more", n - 1),
                            routes[0], n - 1);
  names = g_strjoinv (", ", (gchar **)routes);
  return g_strdup_printf (_ ("Gateway to %s"), names);
}

static gchar *
what_it_is (EwNode *node)
{
  g_autofree gchar *gateway = ew_node_is_gateway (node) ? gateway_note (node) : NULL;

  if (ew_node_is_self (node) && gateway != NULL)
    return g_strdup_printf ("%s · %s", _ ("This computer"), gateway);
  if (ew_node_is_self (node))
    return g_strdup (_ ("This computer"));
  if (gateway != NULL)
    return g_steal_pointer (&gateway);
  return g_strdup (ew_node_is_plain (node) ? _ ("Plain WireGuard") : "");
}

gchar *
ew_row_words_note (EwNode *node)
{
  g_autofree gchar *what = what_it_is (node);
  const gchar *via = ew_words_via (node);

  if (via == NULL)
    return g_steal_pointer (&what);
  return *what != '\0' ? g_strdup_printf ("%s · %s", what, via) : g_strdup (via);
}

const gchar *
ew_row_words_way (EwNode *node)
{
  if (!ew_node_is_https (node))
    return NULL;
  return ew_node_is_self (node) ? _ ("UDP packets from this network get no answer.")
                                : _ ("UDP packets from its network get no answer.");
}

static gchar *
leg_words (EwNode *node)
{
  g_autofree gchar *leg = ew_words_latency (ew_node_get_rtt_ms (node));

  return g_strdup_printf (_ ("%s to edge"), leg);
}

gchar *
ew_row_words_latency (EwNode *node, EwNode *self)
{
  if (ew_node_get_state (node) != EW_NODE_ONLINE || ew_node_get_rtt_ms (node) < 0)
    return g_strdup ("");
  if (ew_node_is_self (node) || self == NULL || ew_words_path_ms (node, self) < 0)
    return leg_words (node);
  return ew_words_sum_latency (ew_words_path_ms (node, self));
}

gchar *
ew_row_words_rate (EwNode *node)
{
  gdouble rate = ew_node_get_rx_rate (node) + ew_node_get_tx_rate (node);

  return ew_node_get_state (node) == EW_NODE_ONLINE && rate > 0 ? ew_words_rate (rate) : g_strdup ("");
}

const gchar *
ew_row_words_edge_state (EwEdge *edge)
{
  if (ew_edge_get_as_of (edge) != 0)
    return _ ("Not connected");
  return ew_edge_get_online (edge) ? _ ("Online") : _ ("Offline");
}

gchar *
ew_row_words_edge_latency (EwNode *self)
{
  if (self == NULL || ew_node_get_state (self) != EW_NODE_ONLINE || ew_node_get_rtt_ms (self) < 0)
    return g_strdup ("");
  return ew_words_latency (ew_node_get_rtt_ms (self));
}

gchar *
ew_row_words_edge_spoken (EwEdge *edge)
{
  const gchar *name = ew_edge_get_name (edge);

  if (ew_edge_get_as_of (edge) != 0)
    return g_strdup_printf (_ ("%s, edge, not connected"), name);
  return g_strdup_printf (ew_edge_get_online (edge) ? _ ("%s, edge, online") : _ ("%s, edge, offline"), name);
}

gchar *
ew_row_words_ssh (const gchar *target)
{
  return target != NULL ? g_strdup_printf ("ssh %s", target) : NULL;
}
