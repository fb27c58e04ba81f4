/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tables of a classifier, for who fills them (compile.c), reads them (classifier.c) and asks about whole classes
 * (expect.c).
 */
#pragma once

#include "edge/policy/classifier.h"

/* An IPv4 address is its 32 bits. */
typedef unsigned __int128 EwPolicyAddress;

/* Addresses of one family, from the first to the last: interval i begins at starts[i]. starts[0] is 0. */
typedef struct
{
  EwPolicyAddress *starts;
  guint32 *classes;
  guint32 n;
} EwPolicyAddresses;

/* Ports of one protocol; starts[0] is 0; vector i at bits + i * words. */
typedef struct
{
  guint16 *starts;
  guint64 *bits;
  guint32 n;
} EwPolicyPortTable;

#define EW_POLICY_PORT_TABLES 4

struct EwPolicyClassifier
{
  guint32 words;     /* of a vector */
  guint32 n_classes; /* of addresses */
  gboolean allow;    /* the default */
  gboolean *allows;  /* of each rule */
  gboolean *has_ports;
  EwPolicyAddresses addresses[2]; /* IPv4, IPv6 */
  guint64 *from, *to;             /* vector of class i at i * words */
  guint64 *protocols;             /* 256: rules about that protocol, whatever the port */
  EwPolicyPortTable ports[EW_POLICY_PORT_TABLES];
  gsize memory;
};

EwPolicyAddress ew_policy_address (const EwIp *ip);
/* The interval that has the address. */
guint32 ew_policy_addresses_find (const EwPolicyAddresses *self, EwPolicyAddress address);
/* Which of the port tables; -1: that protocol has no ports. */
gint ew_policy_port_table_of (guint8 protocol);
/* The verdict on vectors of that kind. ports: of the table, or of the protocol alone. */
EwPolicyVerdict ew_policy_classifier_meet (const EwPolicyClassifier *self, const guint64 *from, const guint64 *to,
                                           const guint64 *ports, gboolean unreadable);
