/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/policy/classifier-private.h"

#include <netinet/in.h>

EwPolicyAddress
ew_policy_address (const EwIp *ip)
{
  guint64 high, low;
  guint32 v4;

  if (ip->family != EW_FAMILY_V6)
    {
      memcpy (&v4, ip->bytes, sizeof v4);
      return GUINT32_FROM_BE (v4);
    }
  memcpy (&high, ip->bytes, sizeof high);
  memcpy (&low, ip->bytes + 8, sizeof low);
  return (EwPolicyAddress)GUINT64_FROM_BE (high) << 64 | GUINT64_FROM_BE (low);
}

/* Without a branch that depends on the address: those would be guessed wrong half of the time. */
guint32
ew_policy_addresses_find (const EwPolicyAddresses *self, EwPolicyAddress address)
{
  const EwPolicyAddress *base = self->starts;

  for (guint32 n = self->n; n > 1; n -= n / 2)
    base += base[n / 2] <= address ? n / 2 : 0;
  return (guint32)(base - self->starts);
}

static guint32
find_port (const EwPolicyPortTable *self, guint16 port)
{
  const guint16 *base = self->starts;

  for (guint32 n = self->n; n > 1; n -= n / 2)
    base += base[n / 2] <= port ? n / 2 : 0;
  return (guint32)(base - self->starts);
}

gint
ew_policy_port_table_of (guint8 protocol)
{
  switch (protocol)
    {
    case IPPROTO_TCP:
      return 0;
    case IPPROTO_UDP:
      return 1;
    case IPPROTO_SCTP:
      return 2;
    case IPPROTO_DCCP:
      return 3;
    default:
      return -1;
    }
}

EwPolicyVerdict
ew_policy_classifier_meet (const EwPolicyClassifier *self, const guint64 *from, const guint64 *to, const guint64 *ports,
                           gboolean unreadable)
{
  for (guint32 i = 0; i < self->words; i++)
    {
      const guint64 both = from[i] & to[i] & ports[i];

      if (both != 0)
        {
          const gint rule = (gint)(i * 64) + __builtin_ctzll (both);
          const gboolean needs = unreadable && self->has_ports[rule];

          return (EwPolicyVerdict){ .allowed = self->allows[rule] && !needs, .unreadable = needs, .rule = rule };
        }
    }
  return (EwPolicyVerdict){ .allowed = self->allow, .rule = -1 };
}

EwPolicyVerdict
ew_policy_classifier_judge (const EwPolicyClassifier *self, const EwPolicyKey *key)
{
  const EwPolicyAddresses *addresses = &self->addresses[key->source.family == EW_FAMILY_V6];
  const guint32 from = addresses->classes[ew_policy_addresses_find (addresses, ew_policy_address (&key->source))];
  const guint32 to = addresses->classes[ew_policy_addresses_find (addresses, ew_policy_address (&key->destination))];
  const gint table = ew_policy_port_table_of (key->protocol);
  const guint64 *ports = self->protocols + (gsize)key->protocol * self->words;

  if (table >= 0 && !key->unreadable)
    ports = self->ports[table].bits + (gsize)find_port (&self->ports[table], key->port) * self->words;
  return ew_policy_classifier_meet (self, self->from + (gsize)from * self->words, self->to + (gsize)to * self->words,
                                    ports, key->unreadable);
}

gsize
ew_policy_classifier_get_memory (const EwPolicyClassifier *self)
{
  return self->memory;
}

void
ew_policy_classifier_free (EwPolicyClassifier *self)
{
  if (self == NULL)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (self->addresses); i++)
    {
      g_free (self->addresses[i].starts);
      g_free (self->addresses[i].classes);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (self->ports); i++)
    {
      g_free (self->ports[i].starts);
      g_free (self->ports[i].bits);
    }
  g_free (self->allows);
  g_free (self->has_ports);
  g_free (self->from);
  g_free (self->to);
  g_free (self->protocols);
  g_free (self);
}
