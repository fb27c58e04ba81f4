/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What look.c and apply.c share.
 */
#pragma once

#include "edge/nat/nat.h"

#define EW_NAT_RECENT 256 /* a power of two */

/* What was found out about the latest packet with one of so many hashes of its ends. The next ones, which mostly are of
   the same flow and come at once, need no look-up. */
typedef struct
{
  gboolean usable;
  EwNatOutcome outcome; /* TRANSLATED, or UNTOUCHED */
  guint16 upper;
  guint32 ports;
  EwIp source, destination;
  EwNatPlan plan;
} EwNatRecent;

/* A data thread's. */
typedef struct
{
  EwNatRecent recent[EW_NAT_RECENT];
  EwNatFragments fragments;
} EwNatLane;

struct EwNat
{
  EwNatStates *states;
  guint32 started; /* seconds */
  EwNatLane lanes[1 + EW_LANES_MAX];
};

EwNatPieces ew_nat_pieces (const EwNatContext *context, const EwNatPlan *plan, const EwIpHeader *header);
