/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/nft-ways.h"
#include "host/nft-message.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <string.h>

/* Where the source is in the header: RFC 791 section 3.1, RFC 8200 section 3. */
#define SOURCE_OFFSET_V4 12
#define SOURCE_OFFSET_V6 8

typedef enum
{
  LOADED_NOTHING,
  LOADED_INTERFACE,
  LOADED_SOURCE,
  LOADED_FAMILY
} Loaded;

/* One rule, expression by expression. */
typedef struct
{
  guint8 chain_family;
  Loaded loaded;      /* what the next comparison is about */
  gboolean has_other; /* a condition that isn't understood */
  gboolean drops, accepts;
  gchar jump[NFT_CHAIN_MAXNAMELEN];
  EwNftSourceDrop drop; /* source.ip.family: EW_FAMILY_NONE until it is compared */
  guint8 mask[16];
  guint8 family;
} Rule;

static guint32
number_of (const struct nlattr *nest, int type)
{
  const struct nlattr *attribute = ew_nft_find (nest, type);

  return attribute != NULL ? ew_nft_be32 (attribute) : 0;
}

/* The bytes of a constant: NFTA_DATA_VALUE inside. 0: none. */
static gsize
copy_value (const struct nlattr *nest, int type, guint8 *out, gsize size)
{
  const struct nlattr *data = ew_nft_find (nest, type);
  const struct nlattr *value = data != NULL ? ew_nft_find (data, NFTA_DATA_VALUE) : NULL;
  gsize length = value != NULL ? mnl_attr_get_payload_len (value) : 0;

  if (length == 0 || length > size)
    return 0;
  memcpy (out, mnl_attr_get_payload (value), length);
  return length;
}

static void
read_meta (Rule *rule, const struct nlattr *body)
{
  switch (number_of (body, NFTA_META_KEY))
    {
    case NFT_META_IIFNAME:
      rule->loaded = LOADED_INTERFACE;
      break;
    case NFT_META_NFPROTO:
      rule->loaded = LOADED_FAMILY;
      break;
    default:
      rule->has_other = TRUE;
      break;
    }
}

/* A prefix whose length is a multiple of 8 is compared without a mask, by fewer bytes. */
static void
read_payload (Rule *rule, const struct nlattr *body)
{
  guint32 offset = number_of (body, NFTA_PAYLOAD_OFFSET), length = number_of (body, NFTA_PAYLOAD_LEN);
  gboolean is_source = number_of (body, NFTA_PAYLOAD_BASE) == NFT_PAYLOAD_NETWORK_HEADER
                       && ew_nft_find (body, NFTA_PAYLOAD_SREG) == NULL;
  gboolean is_v4 = offset == SOURCE_OFFSET_V4 && length <= 4 && rule->chain_family != NFPROTO_IPV6;
  gboolean is_v6 = offset == SOURCE_OFFSET_V6 && length <= 16 && rule->chain_family != NFPROTO_IPV4;

  if (!is_source || (!is_v4 && !is_v6))
    {
      rule->has_other = TRUE;
      return;
    }
  rule->loaded = LOADED_SOURCE;
  rule->family = is_v4 ? EW_FAMILY_V4 : EW_FAMILY_V6;
  memset (rule->mask, 0, sizeof rule->mask);
  memset (rule->mask, 0xff, length);
}

/* Only a mask: no shift, and no bit turned around. */
static void
read_bitwise (Rule *rule, const struct nlattr *body)
{
  guint8 turned[sizeof rule->mask] = { 0 };
  const gsize size = rule->family == EW_FAMILY_V4 ? 4 : sizeof rule->mask;

  if (rule->loaded != LOADED_SOURCE || copy_value (body, NFTA_BITWISE_MASK, rule->mask, size) == 0
      || number_of (body, NFTA_BITWISE_OP) != 0)
    rule->has_other = TRUE;
  (void)copy_value (body, NFTA_BITWISE_XOR, turned, sizeof turned);
  for (gsize i = 0; i < sizeof turned; i++)
    rule->has_other |= turned[i] != 0;
}

/* -1: it isn't a prefix's. */
static gint
mask_length (const guint8 mask[16])
{
  gint length = 0;

  while (length < 128 && (mask[length / 8] & (0x80 >> length % 8)) != 0)
    length++;
  for (gint bit = length; bit < 128; bit++)
    if ((mask[bit / 8] & (0x80 >> bit % 8)) != 0)
      return -1;
  return length;
}

static void
compare_source (Rule *rule, const guint8 value[16], gboolean is_equal)
{
  gint length = mask_length (rule->mask);

  if (!is_equal || length < 0)
    {
      rule->has_other = TRUE;
      return;
    }
  rule->drop.source = (EwPrefix){ .ip = ew_ip_from_bytes (rule->family, value), .length = (guint8)length };
}

static void
read_comparison (Rule *rule, const struct nlattr *body)
{
  guint32 operation = number_of (body, NFTA_CMP_OP);
  guint8 value[16] = { 0 };
  gsize length = copy_value (body, NFTA_CMP_DATA, value, sizeof value);
  gboolean is_plain = length > 0 && (operation == NFT_CMP_EQ || operation == NFT_CMP_NEQ);

  if (is_plain && rule->loaded == LOADED_INTERFACE && memchr (value, '\0', length) != NULL)
    {
      g_strlcpy (rule->drop.interface, (const gchar *)value, sizeof rule->drop.interface);
      rule->drop.except = operation == NFT_CMP_NEQ;
    }
  else if (is_plain && rule->loaded == LOADED_SOURCE)
    compare_source (rule, value, operation == NFT_CMP_EQ);
  else if (!is_plain || rule->loaded != LOADED_FAMILY || operation != NFT_CMP_EQ)
    rule->has_other = TRUE; /* also the names that begin with a word: "eth*" ends without a zero */
  rule->loaded = LOADED_NOTHING;
}

static void
read_verdict (Rule *rule, const struct nlattr *body)
{
  const struct nlattr *data = ew_nft_find (body, NFTA_IMMEDIATE_DATA);
  const struct nlattr *verdict = data != NULL ? ew_nft_find (data, NFTA_DATA_VERDICT) : NULL;
  const struct nlattr *chain = verdict != NULL ? ew_nft_find (verdict, NFTA_VERDICT_CHAIN) : NULL;
  const struct nlattr *code = verdict != NULL ? ew_nft_find (verdict, NFTA_VERDICT_CODE) : NULL;

  if (code == NULL)
    return;
  rule->drops |= ew_nft_be32 (code) == NF_DROP;
  rule->accepts |= ew_nft_be32 (code) == NF_ACCEPT;
  if (chain != NULL && mnl_attr_validate (chain, MNL_TYPE_NUL_STRING) >= 0)
    g_strlcpy (rule->jump, mnl_attr_get_str (chain), sizeof rule->jump);
  ew_nft_clean_name (rule->jump);
}

static const gchar *
name_of (const struct nlattr *nest, int type)
{
  const struct nlattr *attribute = ew_nft_find (nest, type);

  return attribute != NULL && mnl_attr_validate (attribute, MNL_TYPE_NUL_STRING) >= 0 ? mnl_attr_get_str (attribute)
                                                                                      : "";
}

static void
read_expression (Rule *rule, const struct nlattr *element)
{
  const struct nlattr *body = ew_nft_find (element, NFTA_EXPR_DATA);
  const gchar *name = name_of (element, NFTA_EXPR_NAME);

  if (g_str_equal (name, "counter") || g_str_equal (name, "log"))
    return;
  if (g_str_equal (name, "reject"))
    rule->drops = TRUE;
  else if (body == NULL)
    rule->has_other = TRUE;
  else if (g_str_equal (name, "meta"))
    read_meta (rule, body);
  else if (g_str_equal (name, "payload"))
    read_payload (rule, body);
  else if (g_str_equal (name, "bitwise"))
    read_bitwise (rule, body);
  else if (g_str_equal (name, "cmp"))
    read_comparison (rule, body);
  else if (g_str_equal (name, "immediate"))
    read_verdict (rule, body);
  else if (g_str_equal (name, "target"))
    rule->drops |= g_str_equal (name_of (body, NFTA_TARGET_NAME), "REJECT");
  else if (!g_str_equal (name, "match") || !g_str_equal (name_of (body, NFTA_MATCH_NAME), "comment"))
    rule->has_other = TRUE;
}

static int
read_rule (const struct nlmsghdr *message, void *data)
{
  const struct nfgenmsg *header = mnl_nlmsg_get_payload (message);
  const struct nlattr *attribute, *element;

  if (mnl_nlmsg_get_payload_len (message) < sizeof *header)
    return MNL_CB_OK;
  Rule rule = { .chain_family = header->nfgen_family };
  mnl_attr_for_each (attribute, message, sizeof *header)
  {
    if (mnl_attr_get_type (attribute) != NFTA_RULE_EXPRESSIONS)
      continue;
    mnl_attr_for_each_nested (element, attribute) read_expression (&rule, element);
  }
  g_array_append_val ((GArray *)data, rule);
  return MNL_CB_OK;
}

static void
add_name (GPtrArray *names, const gchar *name)
{
  for (guint i = 0; i < names->len; i++)
    if (g_str_equal (names->pdata[i], name))
      return;
  g_ptr_array_add (names, g_strdup (name));
}

static void
add_rule (EwNftWays *ways, const Rule *rule)
{
  if (rule->jump[0] != '\0')
    add_name (ways->jumps, rule->jump);
  if (rule->drop.interface[0] != '\0' && !rule->drop.except && (rule->accepts || rule->jump[0] != '\0'))
    add_name (ways->opened, rule->drop.interface);
  if (rule->drops && !rule->has_other && rule->drop.source.ip.family != EW_FAMILY_NONE)
    g_array_append_val (ways->drops, rule->drop);
}

static EwNftWays *
follow_rules (const GArray *rules)
{
  EwNftWays *ways = g_new0 (EwNftWays, 1);

  ways->drops = g_array_new (FALSE, TRUE, sizeof (EwNftSourceDrop));
  ways->jumps = g_ptr_array_new_with_free_func (g_free);
  ways->opened = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < rules->len; i++)
    add_rule (ways, &g_array_index (rules, Rule, i));
  return ways;
}

EwNftWays *
ew_nft_ways_read (EwNetlink *netlink, const EwNftChain *chain)
{
  g_autoptr (GArray) rules = g_array_new (FALSE, TRUE, sizeof (Rule));
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_nft_begin (buffer, NFT_MSG_GETRULE, chain->family);

  mnl_attr_put_strz (message, NFTA_RULE_TABLE, chain->table);
  mnl_attr_put_strz (message, NFTA_RULE_CHAIN, chain->name);
  return ew_netlink_dump (netlink, message, read_rule, rules) == 0 ? follow_rules (rules) : NULL;
}

EwNftWays *
ew_nft_ways_parse (const void *messages, gsize size)
{
  g_autoptr (GArray) rules = g_array_new (FALSE, TRUE, sizeof (Rule));
  const struct nlmsghdr *message = messages;
  int left = (int)MIN (size, G_MAXINT);

  /* libmnl compares lengths as signed numbers. */
  for (; mnl_nlmsg_ok (message, left) && message->nlmsg_len <= (guint32)left; message = mnl_nlmsg_next (message, &left))
    (void)read_rule (message, rules);
  return follow_rules (rules);
}

void
ew_nft_ways_free (EwNftWays *ways)
{
  if (ways == NULL)
    return;
  g_array_unref (ways->drops);
  g_ptr_array_unref (ways->jumps);
  g_ptr_array_unref (ways->opened);
  g_free (ways);
}

gboolean
ew_nft_source_drop_concerns (const EwNftSourceDrop *drop, const gchar *interface, const EwPrefix *prefix)
{
  gboolean is_named = g_str_equal (drop->interface, interface);

  return (drop->interface[0] == '\0' || is_named != drop->except) && ew_prefix_overlaps (&drop->source, prefix);
}
