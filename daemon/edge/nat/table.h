/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The table of services as data threads read it. Most packets have to do with no service: a bit for each end of a packet
 * nearly always says so.
 *
 * Ports are found both ways: what a service listens on, and whether a target's port belongs to a service. Where only
 * one service and one port of it lead to a target's port, a reply from there says which flow it is of.
 */
#pragma once

#include "edge/nat/services.h"

typedef enum
{
  EW_NAT_NOBODY,
  EW_NAT_A_SERVICE,
  EW_NAT_A_TARGET
} EwNatWho;

/* Ports that a service listens on, of one protocol: sorted, apart from each other. */
typedef struct
{
  guint16 first, last, to;
} EwNatRange;

typedef struct
{
  gchar *id;
  guint16 number;
  EwIp addresses[2];
  EwNatRange *ranges[2]; /* TCP, UDP */
  gsize n_ranges[2];
  EwNatTarget *targets;
  gsize n_targets;
  EwNatChoice choice;
  EwNatSource source;
  gboolean recovers; /* it was in the first table */
} EwNatEntry;

/* A target's ports, of one protocol: sorted, apart from each other. */
typedef struct
{
  guint16 first, last;
  guint16 called; /* the service's port that leads to `first` */
  guint16 number; /* the service's; 0: several lead here */
} EwNatClaim;

typedef struct
{
  EwNatClaim *claims[2]; /* TCP, UDP */
  gsize n_claims[2];
} EwNatClaims;

typedef struct
{
  EwIp ip;
  guint8 who;    /* EwNatWho */
  guint32 index; /* of entries or of claims */
} EwNatSlot;

struct EwNatTable
{
  guint32 generation; /* of the table before, and 1 more */
  gsize n;
  EwNatEntry *entries;
  EwNatClaims *claims; /* one for each target's address */
  gsize n_claims;
  gsize mask; /* of slots and tags; a power of two less one */
  EwNatSlot *slots;
  guint8 *tags;       /* of a slot's address; 0: the slot is empty */
  guint8 hints[8192]; /* a bit for each ew_nat_hint() of an address */
  guint16 next_number;
  guint16 by_number[EW_NAT_NUMBER_MAX + 1]; /* index in entries, and 1 more; 0: nobody's */
};

/* An address's last 16 bits, shuffled by its second byte: nodes and services count from 1 in networks of their own. */
static inline guint
ew_nat_hint (const EwIp *ip)
{
  const guint8 *end = ip->bytes + (ip->family == EW_FAMILY_V6 ? 14 : 2);

  return (guint)(end[0] << 8 | end[1]) ^ (ip->bytes[1] * 0x9e5u & 0xffff);
}

/* FALSE for nearly every address that ew_nat_table_who() doesn't know. */
static inline gboolean
ew_nat_table_may_know (const EwNatTable *self, const EwIp *ip)
{
  const guint hint = ew_nat_hint (ip);

  return (self->hints[hint >> 3] >> (hint & 7) & 1) != 0;
}

/* index: of the service, or of the target for ew_nat_table_claim(). */
EwNatWho ew_nat_table_who (const EwNatTable *self, const EwIp *ip, guint32 *index);
/* NULL: none has that number any more. */
const EwNatEntry *ew_nat_table_numbered (const EwNatTable *self, guint16 number);
/* The range that has the port; NULL: the service doesn't listen there. protocol: IPPROTO_TCP, IPPROTO_UDP or any. */
const EwNatRange *ew_nat_entry_range (const EwNatEntry *entry, guint8 protocol, guint16 port);
/* The port of that target that a port in the range leads to. */
guint16 ew_nat_target_port (const EwNatTarget *target, const EwNatRange *range, guint16 port);
/* Whether a call to that port leads to this address and port. */
gboolean ew_nat_entry_leads (const EwNatEntry *entry, guint8 protocol, guint16 port, const EwIp *ip, guint16 to,
                             gboolean *healthy);
/* In the family of ip. */
gboolean ew_nat_entry_has_address (const EwNatEntry *entry, const EwIp *ip);
/* The claim that has the port of the target with that index; NULL: no service leads there. */
const EwNatClaim *ew_nat_table_claim (const EwNatTable *self, guint32 index, guint8 protocol, guint16 port);

/* For services.c: the first slot that an address may be in; the next ones follow. */
gsize ew_nat_table_place (const EwNatTable *self, const EwIp *ip, guint8 *tag);
