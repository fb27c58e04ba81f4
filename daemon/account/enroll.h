/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Joining a mesh: enrollment key → keys made and stored → asked of the edge → identity stored. Whatever breaks on the
 * way (the network, a full disk, this process), the same key can be tried again and leads to the same node.
 */
#pragma once

#include "account/keystore.h"

G_BEGIN_DECLS

/* key_text: "ew1_…" or a link. name: NULL or empty for one made from the host's name; then "name-2"… where it is taken.
   mark: as in ew_client_new(). proxy_file: as in ew_client_set_proxy_file(), NULL: no proxy. keystore
   must not be enrolled (or be removed). Errors: EW_ERROR. */
void ew_enroll_async (EwKeystore *keystore, const gchar *key_text, const gchar *name, guint32 mark,
                      const gchar *proxy_file, GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data);
/* On success keystore holds the identity and is saved. */
gboolean ew_enroll_finish (GAsyncResult *result, GError **error);

/* Addresses of the API: what the key said and what the mesh's own list of edges says, without doubles. */
GStrv ew_api_merge (const gchar *const *api, const gchar *const *more);

G_END_DECLS
