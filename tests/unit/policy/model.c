/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/model.h"

#include <netinet/in.h>

static gboolean
has_word (const gchar *const *words, const gchar *word)
{
  return words != NULL && g_strv_contains (words, word);
}

static gboolean
is_among (const EwIp *addresses, gsize n, const EwIp *ip)
{
  for (gsize i = 0; i < n; i++)
    if (addresses[i].family != EW_FAMILY_NONE && ew_ip_equal (&addresses[i], ip))
      return TRUE;
  return FALSE;
}

static gboolean
end_has (const EwPolicyEnd *end, const EwPolicyWorld *world, const EwIp *ip)
{
  const gchar *name = strchr (end->text, ':') != NULL ? strchr (end->text, ':') + 1 : end->text;

  if (end->kind == EW_POLICY_ANYONE)
    return TRUE;
  if (end->kind == EW_POLICY_CIDR)
    return ew_prefix_contains (&end->prefix, ip);
  for (gsize i = 0; i < world->n_services && end->kind == EW_POLICY_SERVICE; i++)
    if (g_str_equal (world->services[i].name, name) && is_among (world->services[i].addresses, 2, ip))
      return TRUE;
  for (gsize i = 0; i < world->n_nodes; i++)
    {
      const EwPolicyNode *node = &world->nodes[i];

      if (((end->kind == EW_POLICY_NODE && g_str_equal (node->name, name))
           || (end->kind == EW_POLICY_TAG && has_word (node->tags, name))
           || (end->kind == EW_POLICY_GROUP && has_word (node->groups, name)))
          && is_among (node->addresses, node->n_addresses, ip))
        return TRUE;
    }
  return FALSE;
}

static gboolean
any_has (const EwPolicyEnd *ends, gsize n, const EwPolicyWorld *world, const EwIp *ip)
{
  for (gsize i = 0; i < n; i++)
    if (end_has (&ends[i], world, ip))
      return TRUE;
  return FALSE;
}

EwPolicyVerdict
policy_model_judge (const EwPolicy *policy, const EwPolicyWorld *world, const EwPolicyKey *key)
{
  for (gsize r = 0; r < policy->n_rules; r++)
    {
      const EwPolicyRule *rule = &policy->rules[r];
      gboolean fits = rule->n_ports == 0 || key->unreadable;

      for (gsize i = 0; i < rule->n_ports; i++)
        fits |= key->port >= rule->ports[i].first && key->port <= rule->ports[i].last;
      if (!fits || (rule->protocols[key->protocol / 64] >> (key->protocol % 64) & 1) == 0
          || !any_has (rule->from, rule->n_from, world, &key->source)
          || !any_has (rule->to, rule->n_to, world, &key->destination))
        continue;
      if (key->unreadable && rule->n_ports > 0)
        return (EwPolicyVerdict){ .allowed = FALSE, .unreadable = TRUE, .rule = (gint)r };
      return (EwPolicyVerdict){ .allowed = rule->allow, .rule = (gint)r };
    }
  return (EwPolicyVerdict){ .allowed = policy->allow, .rule = -1 };
}

/* The world. */

#define NODES 12
static const gchar *const some_tags[][4] = { { NULL }, { "web", NULL }, { "web", "db", NULL }, { "db", "old", NULL } };
static const gchar *const some_groups[][3] = { { NULL }, { "staff", NULL }, { "staff", "guests", NULL } };
static const gchar *const names[NODES]
  = { "nas", "web", "guest", "laptop", "phone", "n5", "n6", "n7", "n8", "n9", "n10", "n11" };

static EwIp
address_of (guint i, gboolean v6)
{
  EwIp ip = ew_ip_from_v4 (0x64600100u + i);

  if (!v6)
    return ip;
  ip = (EwIp){ EW_FAMILY_V6, { 0xfd, 0x12, 0x34 } };
  ip.bytes[15] = (guint8)i;
  return ip;
}

const EwPolicyWorld *
policy_model_world (void)
{
  static EwIp addresses[NODES][2];
  static EwPolicyNode nodes[NODES];
  static EwPolicyService services[] = { { .name = "web" }, { .name = "db" } };
  static const EwPolicyWorld world = { nodes, NODES, services, G_N_ELEMENTS (services) };

  for (guint i = 0; i < NODES; i++)
    {
      addresses[i][0] = address_of (i, FALSE);
      addresses[i][1] = address_of (i, TRUE);
      nodes[i] = (EwPolicyNode){ names[i], addresses[i], i % 5 == 4 ? 1 : 2, some_tags[i % 4], some_groups[i % 3] };
    }
  services[0].addresses[0] = address_of (200, FALSE);
  services[0].addresses[1] = address_of (200, TRUE);
  services[1].addresses[0] = address_of (201, FALSE);
  return &world;
}

EwIp
policy_model_address (guint choice, gboolean v6)
{
  EwIp ip = address_of (choice % 256, v6);

  switch (choice / 256 % 4)
    {
    case 1: /* another network */
      ip.bytes[0] = 10;
      break;
    case 2: /* the last ones */
      memset (ip.bytes, 0xff, v6 ? 15 : 3);
      break;
    case 3:
      memset (ip.bytes, 0, v6 ? 15 : 3);
      break;
    default:
      break;
    }
  return ip;
}
