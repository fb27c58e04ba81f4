/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Nodes that an administrator makes: a computer with its key and the networks behind it, a phone with its
 * configuration. All or nothing: where a step fails, or the person gives up, the node is removed. A call to the
 * daemon can't be cancelled, so one that was cancelled is awaited, and what it made is removed.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "model/daemon.h"

G_BEGIN_DECLS

typedef struct
{
  gchar *name;
  gchar *id;            /* NULL: not known yet (a server's key does not say it) */
  gchar *key;           /* a server's enrollment key, NULL for a phone; zeroed when freed */
  JsonObject *config;   /* a phone's (daemon/edge/API.md, POST /v1/nodes), NULL for a server */
  gchar *install_lines; /* common/install-lines.h; NULL: its edge has no packages */
  gchar *install_systems;
  gint64 expires_us; /* until when it must have been used, µs since the epoch */
} EwNewNode;
void ew_new_node_free (EwNewNode *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwNewNode, ew_new_node_free)

/* kind: "server" or "device". networks: CIDRs that the mesh reaches through it, NULL or empty: none. They are offered
   at once; nothing is forwarded before the server's own administrator accepts. */
void ew_make_computer_async (EwDaemon *daemon, const gchar *name, const gchar *kind, guint valid_s,
                             const gchar *const *networks, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
void ew_make_phone_async (EwDaemon *daemon, const gchar *name, const gchar *public_key, guint valid_s,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* NULL with EW_CALL_ERROR: then nothing was made, or the sentence names what remains. */
EwNewNode *ew_make_finish (GAsyncResult *result, GError **error);

/* Removes a node that was made but isn't wanted; succeeds if it was already removed. */
void ew_unmake_async (EwDaemon *daemon, const gchar *name_or_id, GAsyncReadyCallback callback, gpointer user_data);
gboolean ew_unmake_finish (GAsyncResult *result, GError **error);

G_END_DECLS
