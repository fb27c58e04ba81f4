/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The link protocol: small UDP messages between a node and its edge's service address, inside the tunnel. They carry
 * what must not cost a TLS connection: "are you there", "your document is old", "goodbye". They are as authentic as the
 * tunnel itself. A plain WireGuard device never sends them; the edge measures such a node by ICMP echo.
 *
 *   0      4      5      6        8         16           24           32
 *   | EWL1 | type | note | length | token   | revision   | stamp      |      all in network order, exactly 32 bytes
 *                                           | sizes      |            | zeros …     in SIZE_PROBE and SIZE_ANSWER
 *
 *   PROBE        node → edge   token and stamp are the sender's, echoed; revision is the node document it holds. The
 *                              token's first half is a number that the node draws when its program starts, so that two
 *                              computers with one identity are noticed; 0: it doesn't say. note: EW_LINK_COUNTS
 *   ANSWER       edge → node   revision is the newest node document: if it differs, the node fetches /v1/self. note: an
 *                              EwNodeProblem, and EwLinkFlags if the PROBE had EW_LINK_COUNTS; 0 in every other message
 *   NOTICE       edge → node   the document changed; repeated after 1, 2, 4 s until a PROBE names that revision
 *   GOODBYE      node → edge   the node disconnects now: offline at once
 *   EDGE_PROBE   edge → node   a round trip measured by the edge while a viewer looks
 *
 *   EDGE_ANSWER  node → edge   token and stamp echoed
 *   COUNT        both          how many of the sender's datagrams arrived (bursts.h)? Asked only of those that sent
 *                              EW_LINK_COUNTS. token: the first one's counter; revision: in its first half the session,
 *                              as its receiver calls it, in its second half how many they are
 *   COUNTED      both          the same, but in the second half how many arrived, EW_BURSTS_UNKNOWN: too long ago
 *   SIZE_PROBE   node → edge   as large as it says, in one datagram that no router may fragment, so that it arrives where
 *                              the path takes that size or not at all; asks for an answer as large as it says. takes: the
 *                              largest packet that is known to reach the node, which the edge keeps to; 0: unknown
 *   SIZE_ANSWER  edge → node   token, stamp and the probe's size echoed; as large as it was asked to be, and as whole
 *
 *   sizes: | probe 2 | answer 2 | takes 2 | 0 2 |, each of a whole inner IP packet in bytes
 *
 * What doesn't know the sizes' messages (an edge of an earlier version) drops them: nothing is known then.
 */
#pragma once

#include "proto/device.h"
#include "proto/revision.h"

#define EW_LINK_PORT 4796
#define EW_LINK_MESSAGE_SIZE 32
#define EW_LINK_PACKET_MAX (40 + 8 + EW_LINK_MESSAGE_SIZE) /* without padding */
#define EW_LINK_SIZE_MAX 9000                              /* with it: the largest MTU that a mesh may have */

typedef enum
{
  EW_LINK_PROBE = 1,
  EW_LINK_ANSWER = 2,
  EW_LINK_NOTICE = 3,
  EW_LINK_GOODBYE = 5,
  EW_LINK_EDGE_PROBE = 6,
  EW_LINK_EDGE_ANSWER = 7,
  EW_LINK_SIZE_PROBE = 8,
  EW_LINK_SIZE_ANSWER = 9,
  EW_LINK_COUNT = 10,
  EW_LINK_COUNTED = 11
} EwLinkType;

/* Beside the problem, in a note. */
typedef enum
{
  EW_LINK_COUNTS = 0x80, /* the sender answers COUNT */
  EW_LINK_SINGLY = 0x40, /* ANSWER: bursts to the node are damaged, so it gets single datagrams */
  EW_LINK_MOVED = 0x20   /* ANSWER: the PROBE came from another address or port than the one before */
} EwLinkFlags;

/* What the edge knows about a node that its owner should know. The numbers go over the wire. */
typedef enum
{
  EW_NODE_PROBLEM_NONE,
  EW_NODE_PROBLEM_TWO_MACHINES, /* two computers use its identity */
  EW_NODE_PROBLEM_CLOCK_BEHIND, /* its handshakes were older than before, as its clock is behind the edge's */
  EW_NODE_PROBLEM_RESTORED,     /* … as its state is older than what it has sent before */
  EW_NODE_PROBLEM_REFUSED       /* its handshakes are refused as too old at this moment */
} EwNodeProblem;

/* Stable words for JSON: "two-machines", "clock-behind", "restored", "handshakes-refused". NULL for NONE. */
const char *ew_node_problem_get_code (EwNodeProblem problem);
/* NONE: not one of those, or NULL. */
EwNodeProblem ew_node_problem_from_code (const char *code);

#define EW_LINK_TOKEN(instance, random) ((uint64_t)(instance) << 32 | (uint32_t)(random))
#define EW_LINK_INSTANCE(token) ((uint32_t)((token) >> 32))

typedef struct
{
  EwLinkType type;
  uint64_t token;
  EwRevision revision;
  uint64_t stamp_ns;     /* the prober's own monotonic clock */
  EwNodeProblem problem; /* of an ANSWER */
  uint8_t flags;         /* EwLinkFlags, of a PROBE or ANSWER */
  /* Of SIZE_PROBE and SIZE_ANSWER, which have no revision: bytes of the whole IP packet. */
  uint16_t probe_size, answer_size, takes;
} EwLinkMessage;

/* Writes a whole inner IP packet (IPv4 or IPv6 as the addresses are; both ports EW_LINK_PORT; checksums set) and
   returns its size; out has at least EW_LINK_PACKET_MAX bytes. 0: the addresses are of different families. A SIZE_PROBE
   is padded to its probe_size, a SIZE_ANSWER to its answer_size, where that is more than the message and at most
   EW_LINK_SIZE_MAX; out has room for it. */
size_t ew_link_build (uint8_t *out, const EwIp *from, const EwIp *to, const EwLinkMessage *message);
/* True when packet is a well-formed link message (lengths, checksum, both ports, type known). */
bool ew_link_parse (const uint8_t *packet, size_t len, EwIp *from, EwIp *to, EwLinkMessage *message);

/* A COUNT about sample, as ew_link_build(). */
size_t ew_link_build_count (uint8_t *out, const EwIp *from, const EwIp *to, const EwBurstSample *sample);
/* Makes a peer's COUNT its COUNTED; in the peer's lane. */
void ew_link_answer_count (EwLane *lane, const EwPeer *from, EwLinkMessage *message);
/* A peer's COUNTED. */
void ew_link_hear_counted (EwLane *lane, EwPeer *from, const EwLinkMessage *message, const EwTime *time);
