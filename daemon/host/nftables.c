/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/nftables.h"
#include "host/nft-message.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <string.h>

/* A rule's user data is a list of type, length, value; nft(8) keeps a comment as type 0, with its final zero. */
#define USERDATA_COMMENT 0

static const struct
{
  guint8 family;
  const gchar *name;
} families[] = { { NFPROTO_INET, "inet" }, { NFPROTO_IPV4, "ip" }, { NFPROTO_IPV6, "ip6" } };

const gchar *
ew_nft_family_name (guint8 family)
{
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    if (families[i].family == family)
      return families[i].name;
  return NULL;
}

guint8
ew_nft_family (const gchar *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    if (g_strcmp0 (families[i].name, name) == 0)
      return families[i].family;
  return 0;
}

struct nlmsghdr *
ew_nft_begin (char *buffer, int type, guint8 family)
{
  struct nlmsghdr *message = ew_netlink_begin (buffer, (guint16)((NFNL_SUBSYS_NFTABLES << 8) | type), 0);
  struct nfgenmsg *header = mnl_nlmsg_put_extra_header (message, sizeof *header);

  header->nfgen_family = family;
  header->version = NFNETLINK_V0;
  return message;
}

guint32
ew_nft_be32 (const struct nlattr *attribute)
{
  return mnl_attr_get_payload_len (attribute) >= 4 ? ntohl (mnl_attr_get_u32 (attribute)) : 0;
}

const struct nlattr *
ew_nft_find (const struct nlattr *nest, int type)
{
  const struct nlattr *attribute, *found = NULL;

  mnl_attr_for_each_nested (attribute, nest)
  {
    if (mnl_attr_get_type (attribute) == type)
      found = attribute;
  }
  return found;
}

/* Attributes come from the kernel; each is checked nevertheless. */
static void
copy_name (gchar *out, gsize size, const struct nlattr *attribute)
{
  if (mnl_attr_validate (attribute, MNL_TYPE_NUL_STRING) >= 0)
    g_strlcpy (out, mnl_attr_get_str (attribute), size);
}

/* ---- chains */

static void
read_hook (EwNftChain *chain, const struct nlattr *nest)
{
  const struct nlattr *attribute;

  mnl_attr_for_each_nested (attribute, nest)
  {
    if (mnl_attr_get_type (attribute) == NFTA_HOOK_HOOKNUM)
      {
        chain->based = TRUE;
        chain->hook = ew_nft_be32 (attribute);
      }
  }
}

void
ew_nft_clean_name (gchar *name)
{
  for (; *name != '\0'; name++)
    if (!g_ascii_isalnum (*name) && strchr ("_-./", *name) == NULL)
      *name = '?';
}

static int
read_chain (const struct nlmsghdr *message, void *data)
{
  const struct nfgenmsg *header = mnl_nlmsg_get_payload (message);
  EwNftChain chain = { .family = header->nfgen_family };
  const struct nlattr *attribute;

  if (ew_nft_family_name (chain.family) == NULL)
    return MNL_CB_OK;
  mnl_attr_for_each (attribute, message, sizeof *header)
  {
    switch (mnl_attr_get_type (attribute))
      {
      case NFTA_CHAIN_TABLE:
        copy_name (chain.table, sizeof chain.table, attribute);
        break;
      case NFTA_CHAIN_NAME:
        copy_name (chain.name, sizeof chain.name, attribute);
        break;
      case NFTA_CHAIN_HOOK:
        read_hook (&chain, attribute);
        break;
      case NFTA_CHAIN_POLICY:
        chain.drops = ew_nft_be32 (attribute) == NF_DROP;
        break;
      default:
        break;
      }
  }
  ew_nft_clean_name (chain.table);
  ew_nft_clean_name (chain.name);
  g_array_append_val ((GArray *)data, chain);
  return MNL_CB_OK;
}

GArray *
ew_nft_chains (EwNetlink *netlink)
{
  GArray *chains = g_array_new (FALSE, TRUE, sizeof (EwNftChain));
  char buffer[EW_NETLINK_BUFFER] = { 0 };

  if (ew_netlink_dump (netlink, ew_nft_begin (buffer, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC), read_chain, chains) == 0)
    return chains;
  g_array_unref (chains);
  return NULL;
}

/* ---- rules */

typedef struct
{
  gboolean drops_all;
  guint64 handle;
  gchar comment[64]; /* cut: Edgeway's are shorter */
} Row;

static gboolean
verdict_is_drop (const struct nlattr *immediate)
{
  const struct nlattr *data = ew_nft_find (immediate, NFTA_IMMEDIATE_DATA);
  const struct nlattr *verdict = data != NULL ? ew_nft_find (data, NFTA_DATA_VERDICT) : NULL;
  const struct nlattr *code = verdict != NULL ? ew_nft_find (verdict, NFTA_VERDICT_CODE) : NULL;

  return code != NULL && ew_nft_be32 (code) == NF_DROP;
}

/* iptables-nft's -j REJECT. */
static gboolean
target_is_reject (const struct nlattr *target)
{
  const struct nlattr *name = ew_nft_find (target, NFTA_TARGET_NAME);

  return name != NULL && mnl_attr_validate (name, MNL_TYPE_NUL_STRING) >= 0
         && g_str_equal (mnl_attr_get_str (name), "REJECT");
}

/* TRUE if the expression isn't a condition. *drops: it ends the packet. */
static gboolean
read_expression (const struct nlattr *element, gboolean *drops)
{
  const struct nlattr *attribute, *body = NULL;
  const gchar *name = "";

  mnl_attr_for_each_nested (attribute, element)
  {
    if (mnl_attr_get_type (attribute) == NFTA_EXPR_NAME && mnl_attr_validate (attribute, MNL_TYPE_NUL_STRING) >= 0)
      name = mnl_attr_get_str (attribute);
    else if (mnl_attr_get_type (attribute) == NFTA_EXPR_DATA)
      body = attribute;
  }
  if (g_str_equal (name, "counter") || g_str_equal (name, "log"))
    return TRUE;
  if (g_str_equal (name, "reject"))
    *drops = TRUE;
  else if (g_str_equal (name, "immediate") && body != NULL)
    *drops = verdict_is_drop (body);
  else if (g_str_equal (name, "target") && body != NULL)
    *drops = target_is_reject (body);
  return *drops;
}

static gboolean
expressions_drop_all (const struct nlattr *list)
{
  const struct nlattr *element;
  gboolean drops = FALSE;

  mnl_attr_for_each_nested (element, list)
  {
    if (!read_expression (element, &drops))
      return FALSE;
  }
  return drops;
}

static void
read_comment (const struct nlattr *userdata, Row *row)
{
  const guint8 *at = mnl_attr_get_payload (userdata);
  gsize left = mnl_attr_get_payload_len (userdata);

  for (; left >= 2 && left >= 2u + at[1]; left -= 2u + at[1], at += 2u + at[1])
    if (at[0] == USERDATA_COMMENT)
      memcpy (row->comment, at + 2, MIN (at[1], sizeof row->comment - 1));
}

static int
read_rule (const struct nlmsghdr *message, void *data)
{
  const struct nlattr *attribute;
  Row row = { 0 };

  mnl_attr_for_each (attribute, message, sizeof (struct nfgenmsg))
  {
    switch (mnl_attr_get_type (attribute))
      {
      case NFTA_RULE_HANDLE:
        if (mnl_attr_get_payload_len (attribute) >= 8)
          row.handle = GUINT64_FROM_BE (mnl_attr_get_u64 (attribute));
        break;
      case NFTA_RULE_EXPRESSIONS:
        row.drops_all = expressions_drop_all (attribute);
        break;
      case NFTA_RULE_USERDATA:
        read_comment (attribute, &row);
        break;
      default:
        break;
      }
  }
  g_array_append_val ((GArray *)data, row);
  return MNL_CB_OK;
}

gboolean
ew_nft_rules (EwNetlink *netlink, const EwNftChain *chain, const gchar *comment, EwNftRules *rules)
{
  g_autoptr (GArray) rows = g_array_new (FALSE, TRUE, sizeof (Row));
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_nft_begin (buffer, NFT_MSG_GETRULE, chain->family);

  rules->drops_all = FALSE;
  rules->tagged = 0;
  mnl_attr_put_strz (message, NFTA_RULE_TABLE, chain->table);
  mnl_attr_put_strz (message, NFTA_RULE_CHAIN, chain->name);
  if (ew_netlink_dump (netlink, message, read_rule, rows) != 0)
    return FALSE;
  for (guint i = 0; i < rows->len; i++)
    {
      const Row *row = &g_array_index (rows, Row, i);
      rules->drops_all = row->drops_all;
      if (comment == NULL || !g_str_equal (row->comment, comment))
        continue;
      rules->tagged++;
      if (rules->handles != NULL)
        g_array_append_val (rules->handles, row->handle);
    }
  return TRUE;
}

/* ---- tables */

static int
read_table_flags (const struct nlmsghdr *message, void *data)
{
  guint32 *flags = data;
  const struct nlattr *attribute;

  mnl_attr_for_each (attribute, message, sizeof (struct nfgenmsg))
  {
    if (mnl_attr_get_type (attribute) == NFTA_TABLE_FLAGS)
      *flags = ew_nft_be32 (attribute);
  }
  return MNL_CB_OK;
}

gboolean
ew_nft_table_is_there (EwNetlink *netlink, guint8 family, const gchar *table)
{
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_nft_begin (buffer, NFT_MSG_GETTABLE, family);

  mnl_attr_put_strz (message, NFTA_TABLE_NAME, table);
  return ew_netlink_get (netlink, message, NULL, NULL) == 0;
}

gboolean
ew_nft_table_is_owned (EwNetlink *netlink, guint8 family, const gchar *table)
{
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_nft_begin (buffer, NFT_MSG_GETTABLE, family);
  guint32 flags = 0;

  mnl_attr_put_strz (message, NFTA_TABLE_NAME, table);
  return ew_netlink_get (netlink, message, read_table_flags, &flags) == 0 && (flags & NFT_TABLE_F_OWNER) != 0;
}

typedef struct
{
  const gchar *name;
  gboolean found;
} NameSearch;

static int
look_for_name (const struct nlmsghdr *message, void *data)
{
  NameSearch *search = data;

  search->found |= memmem (message, message->nlmsg_len, search->name, strlen (search->name) + 1) != NULL;
  return MNL_CB_OK;
}

gboolean
ew_nft_names (EwNetlink *netlink, guint8 family, const gchar *table, const gchar *chain, const gchar *name)
{
  char buffer[EW_NETLINK_BUFFER] = { 0 };
  struct nlmsghdr *message = ew_nft_begin (buffer, NFT_MSG_GETRULE, family);
  NameSearch search = { .name = name };

  message->nlmsg_flags |= NLM_F_DUMP;
  mnl_attr_put_strz (message, NFTA_RULE_TABLE, table);
  if (chain != NULL)
    mnl_attr_put_strz (message, NFTA_RULE_CHAIN, chain);
  return ew_netlink_get (netlink, message, look_for_name, &search) == 0 && search.found;
}
