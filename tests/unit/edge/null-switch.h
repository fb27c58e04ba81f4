/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A packet switch without packets: it records what it is told about nodes and reports what a test wants.
 */
#pragma once

#include "edge/switch/switch.h"

typedef struct
{
  guint8 public_key[EW_KEY_SIZE];
  guint n_routes;
  EwEndpoint endpoint;
  gboolean plain;
  EwRevision revision;
  guint told; /* how often */
} NullNode;

/* The newest switch made; NULL: none. */
EwSwitch *null_switch_get (void);
NullNode *null_switch_get_node (const gchar *id); /* NULL: not known */
guint null_switch_count (void);
guint null_switch_get_viewers (void);
guint null_switch_get_found (void); /* calls of find_nodes */
void null_switch_set_exit (gboolean has_exit);
void null_switch_set_stats (const EwSwitchStats *stats);
/* What ew_switch_get_node() says from now on. */
void null_switch_set_status (const gchar *id, const EwSwitchNodeStatus *status);
/* The services that it was told last, each as one line in the order of their IDs: "100.111.0.1 first caller tcp 80-80>0
   100.96.1.1:8123+ 100.96.1.2:8123-" (+ and -: healthy or not). (transfer full) */
gchar *null_switch_dup_services (void);
/* What a probe of this target ("100.96.1.1 6 8123": address, protocol, port) comes to from now on; at first nothing
   answers. */
void null_switch_set_probe (const gchar *target, EwProbeState state);
guint null_switch_get_probed (void); /* probes so far */
/* The callbacks. */
void null_switch_say_online (const gchar *id, gboolean online);
void null_switch_say_problem (const gchar *id);
void null_switch_say_endpoint (const gchar *id, const gchar *endpoint);
