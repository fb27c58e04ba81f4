/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/surroundings.h"
#include "net/host-private.h"
#include "common/util.h"

#include <linux/rtnetlink.h>
#include <string.h>

static void
free_dropper (gpointer data)
{
  EwDropper *dropper = data;

  g_free (dropper->chain);
  g_free (dropper);
}

static void
free_source_drop (gpointer data)
{
  EwSourceDrop *drop = data;

  g_free (drop->chain);
  g_free (drop);
}

EwSurroundings *
ew_surroundings_new (const gchar *interface)
{
  EwSurroundings *self = g_new0 (EwSurroundings, 1);

  self->interface = g_strdup (interface);
  self->ranges = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  self->links = g_array_new (FALSE, FALSE, sizeof (EwLinkRow));
  self->addresses = g_array_new (FALSE, FALSE, sizeof (EwAddressRow));
  self->routes = g_array_new (FALSE, FALSE, sizeof (EwRouteRow));
  self->droppers = g_ptr_array_new_with_free_func (free_dropper);
  self->source_drops = g_ptr_array_new_with_free_func (free_source_drop);
  return self;
}

void
ew_surroundings_free (EwSurroundings *self)
{
  if (self == NULL)
    return;
  g_free (self->interface);
  g_array_unref (self->ranges);
  g_clear_pointer (&self->used, g_array_unref);
  g_array_unref (self->links);
  g_array_unref (self->addresses);
  g_array_unref (self->routes);
  g_ptr_array_unref (self->droppers);
  g_ptr_array_unref (self->source_drops);
  g_free (self);
}

EwDropper *
ew_surroundings_add_dropper (EwSurroundings *self, const gchar *chain, gboolean forward)
{
  EwDropper *dropper = g_new0 (EwDropper, 1);

  dropper->chain = g_strdup (chain);
  dropper->forward = forward;
  g_ptr_array_add (self->droppers, dropper);
  return dropper;
}

EwSourceDrop *
ew_surroundings_add_source_drop (EwSurroundings *self, const gchar *chain, const EwPrefix *source,
                                 const EwPrefix *range)
{
  EwSourceDrop *drop = g_new0 (EwSourceDrop, 1);

  drop->chain = g_strdup (chain);
  drop->source = *source;
  drop->range = *range;
  g_ptr_array_add (self->source_drops, drop);
  return drop;
}

gboolean
ew_surroundings_lead_in (EwHost *host, guint own, const EwIp *ip)
{
  g_autoptr (GArray) rows = ew_netlink_routes (host->netlink, ip->family, EW_HOST_TABLE);
  const EwRouteRow *best = NULL;

  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const EwRouteRow *row = &g_array_index (rows, EwRouteRow, i);
      if (ew_prefix_contains (&row->destination, ip)
          && (best == NULL || row->destination.length > best->destination.length))
        best = row;
    }
  return own != 0 && best != NULL && best->link == own;
}

/* Takes rows. */
static void
add_rows (GArray *all, GArray *rows)
{
  if (rows == NULL)
    return;
  g_array_append_vals (all, rows->data, rows->len);
  g_array_unref (rows);
}

static void
read_networks (EwHost *host, EwSurroundings *self, gboolean whole)
{
  static const guint32 tables[] = { RT_TABLE_MAIN, 52 /* Tailscale's */, 7120 /* NetBird's */, 51820 /* wg-quick's */ };
  const EwIp outside = ew_ip_from_v4 (0x01010101); /* nothing is sent: only its route is asked for */

  add_rows (self->links, ew_netlink_links (host->netlink));
  self->way_out = ew_netlink_route_to (host->netlink, &outside, 0);
  self->way_beside = ew_netlink_route_to (host->netlink, &outside, EW_HOST_FWMARK);
  self->takes_all = self->vpn && ew_surroundings_lead_in (host, self->own, &outside);
  if (!whole)
    return;
  add_rows (self->addresses, ew_netlink_addresses (host->netlink));
  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    for (guint8 family = EW_FAMILY_V4; family <= EW_FAMILY_V6; family += 2)
      add_rows (self->routes, ew_netlink_routes (host->netlink, family, tables[i]));
}

static gint
read_setting (const gchar *interface, const gchar *name)
{
  g_autofree gchar *path = g_strdup_printf ("net/ipv4/conf/%s/%s", interface, name);

  return ew_sysctl_read_int (path, 0);
}

static void
read_settings (EwSurroundings *self)
{
  gchar beside[IFNAMSIZ];

  self->rp_filter_all = read_setting ("all", "rp_filter");
  self->rp_filter_own = self->own != 0 ? read_setting (self->interface, "rp_filter") : 0;
  self->valid_mark = read_setting ("all", "src_valid_mark");
  if (self->way_beside == 0 || if_indextoname (self->way_beside, beside) == NULL)
    return;
  self->rp_filter_beside = read_setting (beside, "rp_filter");
  self->valid_mark = MAX (self->valid_mark, read_setting (beside, "src_valid_mark"));
}

static gboolean
has_global_v6 (EwHost *host, guint link)
{
  g_autoptr (GArray) rows = ew_netlink_addresses (host->netlink);

  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const EwAddressRow *row = &g_array_index (rows, EwAddressRow, i);
      if (row->link == link && row->ip.family == EW_FAMILY_V6 && row->scope == RT_SCOPE_UNIVERSE)
        return TRUE;
    }
  return FALSE;
}

/* Where its route has expired, IPv4's tells which interface it was. */
void
ew_surroundings_find_router (EwHost *host, EwSurroundings *self)
{
  static const guint8 outside_v6[16] = { 0x20, 0x01, 0x48, 0x60 }; /* nothing is sent: only its route is asked for */
  const EwIp outside = ew_ip_from_v4 (0x01010101), v6 = ew_ip_from_bytes (EW_FAMILY_V6, outside_v6);
  guint link = ew_netlink_route_to (host->netlink, &v6, EW_HOST_FWMARK);

  if (link == 0 || link == self->own)
    link = ew_netlink_route_to (host->netlink, &outside, EW_HOST_FWMARK);
  if (link == 0 || link == self->own || if_indextoname (link, self->towards_router) == NULL)
    return;
  g_autofree gchar *forwarding = g_strdup_printf ("net/ipv6/conf/%s/forwarding", self->towards_router);
  g_autofree gchar *accept_ra = g_strdup_printf ("net/ipv6/conf/%s/accept_ra", self->towards_router);
  self->forwards_v6 = ew_sysctl_read_int (forwarding, 0) == 1 && has_global_v6 (host, link);
  self->accept_ra = ew_sysctl_read_int (accept_ra, 0);
}

/* iptables-legacy has its own tables, which nftables doesn't show. The file is there once its module is loaded. */
static gboolean
has_legacy_rules (const gchar *path)
{
  g_autofree gchar *tables = NULL;

  return ew_file_read (path, 4096, &tables, NULL, NULL) && strstr (tables, "filter") != NULL;
}

EwSurroundings *
ew_surroundings_read (EwHost *host, const EwPrefix *mesh_ranges, gsize n_mesh_ranges, gboolean whole)
{
  const EwHostConfig *config = host->applied;
  EwSurroundings *self = ew_surroundings_new (config != NULL ? config->interface : "edgeway0");

  g_array_append_vals (self->ranges, mesh_ranges, (guint)n_mesh_ranges);
  if (config != NULL)
    {
      self->own = if_nametoindex (config->interface);
      self->vpn = config->vpn;
      self->forwards = config->n_forwards > 0;
      self->fixes = config->fixes;
      self->used = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
      g_array_append_vals (self->used, config->routes, (guint)config->n_routes);
    }
  read_networks (host, self, whole);
  ew_foreign_survey (host, self);
  self->legacy[0] = has_legacy_rules ("/proc/net/ip_tables_names");
  self->legacy[1] = has_legacy_rules ("/proc/net/ip6_tables_names");
  read_settings (self);
  ew_surroundings_find_router (host, self);
  return self;
}
