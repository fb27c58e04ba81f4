/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the switch asks of the edge's own host: the TUN's addresses, routes and firewall, and whether a packet may leave
 * the mesh for the internet. The program passes it in, so that the switch depends on no firewall (edge/exit is one).
 */
#pragma once

#include <glib.h>
#include "proto/address.h"

G_BEGIN_DECLS

typedef enum
{
  EW_SWITCH_EXIT_ALLOWED,
  EW_SWITCH_EXIT_FORBIDDEN,  /* not global, or closed by the edge's owner */
  EW_SWITCH_EXIT_NO_UPSTREAM /* the edge's host has no route to the internet in this family */
} EwSwitchExitDecision;

/* The TUN that the switch has made, and what is reached there. */
typedef struct
{
  const gchar *interface; /* exists, is down */
  guint ifindex;
  guint mtu;
  EwIp service[2];
  EwPrefix ranges[2];
  guint16 port; /* TCP for the API, UDP for the tunnels */
  EwIp listen;  /* the edge's own socket is bound to it; family NONE: to all */
  /* To be called in the thread-default context: the policy or the limits have changed. */
  void (*on_change) (gpointer user_data);
  gpointer user_data;
} EwSwitchTun;

typedef struct
{
  /* Brings the TUN up. data: EwSwitchConfig.exit_data; tun: valid during the call. NULL with error: the mesh works
     without its own host. */
  gpointer (*open) (gpointer data, const EwSwitchTun *tun, GError **error);
  /* The TUN has been closed by then. */
  void (*close) (gpointer exit);
  /* (transfer full) free with g_free(), immutable; NULL: the way to the internet is closed. */
  gpointer (*get_policy) (gpointer exit);
  /* In the data threads: must not block or allocate. */
  EwSwitchExitDecision (*decide) (gconstpointer policy, const EwIp *destination);
  /* A sentence, borrowed; NULL: nothing is in the way. */
  const gchar *(*get_limits) (gpointer exit);
  /* Packets of that family for this host may go to the TUN. */
  gboolean (*takes) (gpointer exit, EwFamily family);
  /* Resolvers behind nodes that this host itself asks: each is routed into the TUN from now on, unless this host has
     its own route to it. A bit for each of at most 32: it is reached so. */
  guint32 (*set_resolvers) (gpointer exit, const EwIp *resolvers, gsize n);
} EwSwitchExit;

G_END_DECLS
