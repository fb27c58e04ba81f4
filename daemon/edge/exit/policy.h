/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the exit may forward to: global unicast addresses of the internet, and nothing that is near the edge. Pure:
 * facts about the host come in as values, so that every forbidden range has a line in a test. The firewall of
 * firewall.h repeats the same list in the kernel; this one comes first and can say so to the sender.
 */
#pragma once

#include <glib.h>
#include "edge/switch/exit.h"

/* A snapshot of the host; immutable once the data thread has it. */
typedef struct
{
  gboolean upstream[2]; /* IPv4, IPv6 */
  gsize n_closed;
  EwPrefix closed[]; /* further prefixes that the edge's owner closed */
} EwExitPolicy;

/* Copies those of closed that are not forbidden anyway. Free with g_free(). */
EwExitPolicy *ew_exit_policy_new (const EwPrefix *closed, gsize n_closed, gboolean upstream4, gboolean upstream6);
EwSwitchExitDecision ew_exit_decide (const EwExitPolicy *policy, const EwIp *destination);

/* Global unicast according to the IANA special-purpose registries (RFC 6890 and its updates), read strictly: nothing
   that embeds an IPv4 address (mapped, NAT64, 6to4, Teredo) counts, since it could lead to a private one. */
gboolean ew_exit_is_global (const EwIp *ip);
/* The forbidden prefixes as text, NULL-terminated, for the firewall. */
const gchar *const *ew_exit_forbidden (EwFamily family);
