/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A policy compiled for the packet switch: one look-up says which rule decides about a flow. Immutable, so that any
 * number of data threads read it without a lock; replaced as a whole when the policy or the mesh changes.
 *
 *   source       ─→ interval of addresses ─→ a bit for each rule whose "from" has it ┐
 *   destination  ─→ interval of addresses ─→ a bit for each rule whose "to" has it   ├ AND: the lowest bit is the rule
 *   protocol     ┐                                                                   │
 *   port         ┴→ interval of ports     ─→ a bit for each rule that is about it    ┘
 *
 * Addresses that the same rules name share one pair of vectors (a class), so a mesh of thousands of nodes with a few
 * tags has a few classes. Intervals are found by halving.
 *
 * Memory, with R rules in W = ⌈R / 64⌉ words: 16 W bytes a class (at most one more than addresses and CIDRs are named),
 * 20 bytes an interval (at most two for each, and one), 8 W + 2 bytes a range of ports (at most
 * 2 · EW_POLICY_ALL_PORTS_MAX + 1 of each of the four protocols that have ports) and 2,048 W bytes for the protocols. At
 * the limits of policy.h: at most 8.4 MB, and 560 bytes for each address named.
 */
#pragma once

#include "edge/policy/policy.h"

G_BEGIN_DECLS

/* What the names in a policy stand for: plain data, only read during the call that it's handed to. */
typedef struct
{
  const gchar *name;
  const EwIp *addresses; /* the mesh's */
  gsize n_addresses;
  const gchar *const *tags, *const *groups; /* NULL: none */
} EwPolicyNode;

typedef struct
{
  const gchar *name;
  EwIp addresses[2]; /* IPv4, IPv6; family NONE: it has none */
} EwPolicyService;

typedef struct
{
  const EwPolicyNode *nodes;
  gsize n_nodes;
  const EwPolicyService *services;
  gsize n_services;
} EwPolicyWorld;

/* A flow, as its first packet goes: from who opens it to whom it calls. Through a service, the destination and the port
   are the service's own, before translation. */
typedef struct
{
  EwIp source, destination;
  guint8 protocol;
  gboolean unreadable; /* its protocol has ports, and this packet doesn't show them (packet.h) */
  guint16 port;        /* the destination's; 0 where the protocol has none */
} EwPolicyKey;

typedef struct
{
  gboolean allowed;
  gboolean unreadable; /* denied because that rule needs the port, which the packet doesn't show */
  gint rule;           /* that decided, from 0; -1: the default */
} EwPolicyVerdict;

typedef struct EwPolicyClassifier EwPolicyClassifier;

/* Never fails: a name that the world doesn't have is nobody's (ew_policy_find_missing()), so that a policy stays in force
   when a node is removed. policy and world aren't kept. (transfer full) */
EwPolicyClassifier *ew_policy_classifier_new (const EwPolicy *policy, const EwPolicyWorld *world);
void ew_policy_classifier_free (EwPolicyClassifier *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwPolicyClassifier, ew_policy_classifier_free)

/* Any thread; neither allocates nor waits. */
EwPolicyVerdict ew_policy_classifier_judge (const EwPolicyClassifier *self, const EwPolicyKey *key);
gsize ew_policy_classifier_get_memory (const EwPolicyClassifier *self); /* bytes */

/* NULL, or a sentence that names the first rule or test with a name that the world doesn't have: a new policy is
   refused for it. (transfer full) */
gchar *ew_policy_find_missing (const EwPolicy *policy, const EwPolicyWorld *world);

G_END_DECLS
