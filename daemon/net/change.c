/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/change.h"
#include "net/host.h"
#include "common/util.h"
#include "common/phrase.h"

#include <string.h>

/* The names of the kinds in the ledger, in the enum's order. */
static const gchar *const kind_names[EW_CHANGE_N]
  = { "mtu", "up", "address", "route", "rule", "sysctl", "table", "foreign", "resolver", "nsswitch", "way-out" };

EwChange *
ew_change_new (EwChangeKind kind)
{
  EwChange *change = g_new0 (EwChange, 1);

  change->kind = kind;
  change->suppress = -1;
  return change;
}

void
ew_change_free (EwChange *change)
{
  if (change == NULL)
    return;
  g_free (change->interface);
  g_free (change->name);
  g_free (change->before);
  g_free (change->value);
  g_free (change);
}

EwChange *
ew_change_copy (const EwChange *change)
{
  EwChange *copy = g_new (EwChange, 1);

  *copy = *change;
  copy->interface = g_strdup (change->interface);
  copy->name = g_strdup (change->name);
  copy->before = g_strdup (change->before);
  copy->value = g_strdup (change->value);
  return copy;
}

static gboolean
same_prefix (const EwPrefix *a, const EwPrefix *b)
{
  return a->ip.family == b->ip.family && (a->ip.family == EW_FAMILY_NONE || ew_prefix_equal (a, b));
}

gboolean
ew_change_same (const EwChange *a, const EwChange *b)
{
  return a->kind == b->kind && g_strcmp0 (a->interface, b->interface) == 0 && a->link == b->link
         && same_prefix (&a->prefix, &b->prefix) && a->family == b->family && a->table == b->table
         && a->priority == b->priority && a->unmarked == b->unmarked && a->suppress == b->suppress
         && a->throws == b->throws && g_strcmp0 (a->name, b->name) == 0 && g_strcmp0 (a->value, b->value) == 0;
}

gboolean
ew_change_collides (const EwChange *a, const EwChange *b)
{
  if (a->kind != b->kind)
    return FALSE;
  switch (a->kind)
    {
    case EW_CHANGE_MTU:
    case EW_CHANGE_UP:
    case EW_CHANGE_RESOLVER:
      return a->link == b->link;
    case EW_CHANGE_ROUTE:
      return a->table == b->table && same_prefix (&a->prefix, &b->prefix);
    case EW_CHANGE_RULE:
      return a->family == b->family && a->priority == b->priority;
    case EW_CHANGE_FOREIGN:
      return g_strcmp0 (a->name, b->name) == 0 && same_prefix (&a->prefix, &b->prefix);
    case EW_CHANGE_SYSCTL:
    case EW_CHANGE_TABLE:
    case EW_CHANGE_NSSWITCH:
    case EW_CHANGE_WAY_OUT:
      return g_strcmp0 (a->name, b->name) == 0;
    default:
      return FALSE;
    }
}

gboolean
ew_change_outlives_boot (const EwChange *change)
{
  return change->kind == EW_CHANGE_NSSWITCH;
}

static void
set_string (JsonObject *object, const gchar *member, const gchar *value)
{
  if (value != NULL)
    json_object_set_string_member (object, member, value);
}

JsonObject *
ew_change_to_json (const EwChange *change)
{
  JsonObject *object = json_object_new ();
  gchar prefix[EW_PREFIX_STRLEN];

  set_string (object, "kind", kind_names[change->kind]);
  set_string (object, "interface", change->interface);
  if (change->link != 0)
    json_object_set_int_member (object, "link", change->link);
  if (change->prefix.ip.family != EW_FAMILY_NONE)
    {
      ew_prefix_format (&change->prefix, prefix);
      set_string (object, "prefix", prefix);
    }
  if (change->kind == EW_CHANGE_ROUTE || change->kind == EW_CHANGE_RULE)
    json_object_set_int_member (object, "table", change->table);
  if (change->throws)
    json_object_set_boolean_member (object, "throws", TRUE);
  if (change->kind == EW_CHANGE_RULE)
    {
      json_object_set_int_member (object, "family", change->family);
      json_object_set_int_member (object, "priority", change->priority);
      json_object_set_boolean_member (object, "unmarked", change->unmarked);
      json_object_set_int_member (object, "suppress", change->suppress);
    }
  set_string (object, "name", change->name);
  set_string (object, "before", change->before);
  set_string (object, "value", change->value);
  return object;
}

/* A short text without control characters, quotes or spaces other than single blanks. */
static gboolean
is_word (const gchar *text, gsize max)
{
  gsize length = text != NULL ? strlen (text) : 0;

  if (length == 0 || length > max)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isgraph (text[i]) || text[i] == '"' || text[i] == '\\')
      return FALSE;
  return TRUE;
}

/* Only the network's own settings, only by a plain path, only numbers (and the interfaces of "all/forwarding"). */
static gboolean
valid_sysctl (const EwChange *change)
{
  if (!is_word (change->name, 128) || strstr (change->name, "..") != NULL
      || (!g_str_has_prefix (change->name, "net/ipv4/") && !g_str_has_prefix (change->name, "net/ipv6/")))
    return FALSE;
  return is_word (change->before, 16) && is_word (change->value, 16)
         && strspn (change->before, "-0123456789") == strlen (change->before)
         && strspn (change->value, "-0123456789") == strlen (change->value);
}

static gboolean
valid_tag (const gchar *tag)
{
  return tag != NULL && strlen (tag) == 16 && strspn (tag, "0123456789abcdef") == 16;
}

/* "family table chain" of nftables names. */
static gboolean
valid_chain (const gchar *name)
{
  g_auto (GStrv) words = g_strsplit (name != NULL ? name : "", " ", 4);

  if (g_strv_length (words) != 3)
    return FALSE;
  for (guint i = 0; i < 3; i++)
    if (!is_word (words[i], 64) || strpbrk (words[i], "{};#$@") != NULL)
      return FALSE;
  return g_strv_contains ((const gchar *const[]){ "ip", "ip6", "inet", NULL }, words[0]);
}

static gboolean
valid_rule (const EwChange *change)
{
  return (change->family == EW_FAMILY_V4 || change->family == EW_FAMILY_V6) && change->priority >= EW_HOST_RULE_PRIORITY
         && change->priority < EW_HOST_RULE_PRIORITY + 100 && change->suppress >= -1 && change->suppress <= 128
         && (change->prefix.ip.family == EW_FAMILY_NONE || change->prefix.ip.family == change->family);
}

/* An exception is only in Edgeway's own table and belongs to no interface. */
static gboolean
valid_route (const EwChange *change, gboolean on_interface)
{
  if (change->prefix.ip.family == EW_FAMILY_NONE)
    return FALSE;
  if (change->throws)
    return change->table == EW_HOST_TABLE && change->interface == NULL && change->link == 0;
  return on_interface && change->table != 0;
}

static gboolean
valid_change (const EwChange *change)
{
  gboolean on_interface = is_word (change->interface, IFNAMSIZ - 1) && change->link != 0;

  switch (change->kind)
    {
    case EW_CHANGE_MTU:
      return on_interface && is_word (change->before, 10) && is_word (change->value, 10);
    case EW_CHANGE_UP:
      return on_interface;
    case EW_CHANGE_ADDRESS:
      return on_interface && change->prefix.ip.family != EW_FAMILY_NONE;
    case EW_CHANGE_ROUTE:
      return valid_route (change, on_interface);
    case EW_CHANGE_RULE:
      return valid_rule (change);
    case EW_CHANGE_SYSCTL:
      return valid_sysctl (change);
    case EW_CHANGE_TABLE:
      return valid_tag (change->value)
             && g_strv_contains ((const gchar *const[]){ "inet edgeway", "arp edgeway", NULL },
                                 change->name != NULL ? change->name : "");
    case EW_CHANGE_FOREIGN:
      return on_interface && valid_tag (change->value) && valid_chain (change->name);
    case EW_CHANGE_RESOLVER:
      return on_interface && g_strcmp0 (change->value, EW_CHANGE_RESOLVED) == 0;
    case EW_CHANGE_NSSWITCH:
      return change->interface == NULL && g_strcmp0 (change->name, "/etc/nsswitch.conf") == 0
             && g_strcmp0 (change->value, EW_CHANGE_NSS_WORDS) == 0;
    case EW_CHANGE_WAY_OUT:
      return change->interface == NULL && valid_tag (change->value)
             && g_strcmp0 (change->name, EW_CHANGE_PORTAL_TABLE) == 0;
    default:
      return FALSE;
    }
}

static gint
kind_from_name (const gchar *name)
{
  for (gint i = 0; i < EW_CHANGE_N; i++)
    if (g_strcmp0 (name, kind_names[i]) == 0)
      return i;
  return -1;
}

/* A number member inside 0…max; FALSE where it is something else. Absent: 0. */
static gboolean
read_number (JsonObject *object, const gchar *member, gint64 min, gint64 max, gint64 *out)
{
  *out = json_object_has_member (object, member) ? ew_json_int (object, member, min - 1) : 0;
  return *out >= min && *out <= max;
}

EwChange *
ew_change_from_json (JsonObject *object)
{
  gint kind = kind_from_name (ew_json_string (object, "kind"));
  const gchar *prefix = ew_json_string (object, "prefix");
  gint64 link, table, priority, family, suppress;
  bool host_bits;

  if (kind < 0 || !read_number (object, "link", 0, G_MAXINT32, &link)
      || !read_number (object, "table", 0, G_MAXUINT32, &table)
      || !read_number (object, "priority", 0, G_MAXINT32, &priority)
      || !read_number (object, "family", 0, EW_FAMILY_V6, &family)
      || !read_number (object, "suppress", -1, 128, &suppress))
    return NULL;
  g_autoptr (EwChange) change = ew_change_new ((EwChangeKind)kind);
  if (prefix != NULL && (!ew_prefix_parse (prefix, &change->prefix, &host_bits) || host_bits))
    return NULL;
  change->link = (guint)link;
  change->table = (guint32)table;
  change->priority = (guint32)priority;
  change->family = (guint8)family;
  if (json_object_has_member (object, "suppress"))
    change->suppress = (gint)suppress;
  change->unmarked = ew_json_bool (object, "unmarked", FALSE);
  change->throws = change->kind == EW_CHANGE_ROUTE && ew_json_bool (object, "throws", FALSE);
  change->interface = g_strdup (ew_json_string (object, "interface"));
  change->name = g_strdup (ew_json_string (object, "name"));
  change->before = g_strdup (ew_json_string (object, "before"));
  change->value = g_strdup (ew_json_string (object, "value"));
  return valid_change (change) ? g_steal_pointer (&change) : NULL;
}

gchar *
ew_change_describe (const EwChange *change)
{
  gchar buffer[EW_PREFIX_STRLEN];
  const gchar *prefix = N_ ("any destination");

  if (change->prefix.ip.family != EW_FAMILY_NONE)
    {
      ew_prefix_format (&change->prefix, buffer);
      prefix = buffer;
    }
  switch (change->kind)
    {
    case EW_CHANGE_MTU:
      return ew_phrase ("the MTU %s of %s", change->value, change->interface);
    case EW_CHANGE_UP:
      return ew_phrase ("the interface %s up", change->interface);
    case EW_CHANGE_ADDRESS:
      return ew_phrase ("the address %s on %s", prefix, change->interface);
    case EW_CHANGE_ROUTE:
      if (change->throws)
        return ew_phrase ("the exception for %s in routing table %u", prefix, change->table);
      return ew_phrase ("the route %s via %s in table %u", prefix, change->interface, change->table);
    case EW_CHANGE_RULE:
      return ew_phrase ("the IPv%u policy rule %u to table %u", change->family, change->priority, change->table);
    case EW_CHANGE_SYSCTL:
      return ew_phrase ("the setting /proc/sys/%s = %s", change->name, change->value);
    case EW_CHANGE_TABLE:
    case EW_CHANGE_WAY_OUT:
      return ew_phrase ("the nftables table \"%s\"", change->name);
    case EW_CHANGE_FOREIGN:
      return ew_phrase ("a rule in the nftables chain \"%s\"", change->name);
    case EW_CHANGE_RESOLVER:
      return ew_phrase ("the name servers of %s in systemd-resolved", change->interface);
    case EW_CHANGE_NSSWITCH:
      return ew_phrase ("the word \"%s\" in %s", change->value, change->name);
    default:
      return g_strdup ("nothing");
    }
}
