/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The whole tunnel in one process against an edge that does what a test wants, even if hostile: its API is the
 * account's fake edge, its packet side a separate engine. As root, in a network namespace of its own; skipped
 * elsewhere.
 *
 *   EwTunnel ── TUN ewt…, real host network (own namespace)
 *      │  UDP, HTTPS on 127.0.0.1
 *   FakeEdge + EwEngine without a TUN
 */
#pragma once

#include "../account/fake-edge.h"
#include "tunnel/tunnel-private.h"
#include <net/if.h>
#include <stdatomic.h>

typedef struct
{
  FakeEdge edge;
  EwEngine *engine;
  guint8 private_key[32], public_key[32], node_key[32];
  gchar *key;
  JsonObject *document;
  EwTunnel *tunnel;
  gchar interface[IFNAMSIZ];
  atomic_ulong revision; /* that the packet side tells; 0: does not answer */
  atomic_uint problem;   /* an EwNodeProblem, that it tells with it */
  atomic_uint probes, goodbyes;
} World;

/* The node's keys are known before it asks, as after a reply that was lost. */
void admit_node (World *world);
/* The edge's API answers with the document. */
void publish (World *world);
void sign_edges (World *world, const gchar *endpoints);
void new_tunnel (World *world);
void setup (World *world, gconstpointer data);
void end_tunnel (World *world);
void spin (guint ms);
void teardown (World *world, gconstpointer data);
gchar *text_of (World *world, const gchar *property);
void wait_for (World *world, const gchar *property, const gchar *wanted);
/* A GAsyncReadyCallback: user_data is a GAsyncResult **. */
void keep (GObject *source, GAsyncResult *result, gpointer user_data);
/* Runs the main loop until there is a result. */
GAsyncResult *await (GAsyncResult **result);
/* … and waits until it is connected. */
void enroll (World *world);
gboolean set_mode (World *world, const gchar *mode, gboolean remote, GError **error);
gchar *shell (const gchar *command);
/* A route other than type throw, which a gateway sets for its own subnets and which refers to the next table. */
void assert_route (const gchar *cidr, gboolean there);
gboolean skipped (void);
/* A network namespace for this process; FALSE: not root, and the tests are skipped. */
gboolean own_network (void);
