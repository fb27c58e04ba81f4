/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Published names at work: callers of the edge's port who ask for one are led to nginx, and nginx to the service.
 *
 *   mesh (published names, services) ──→ configuration, certificates ──→ nginx (proxy.h, launcher.h)
 *   services (targets' states) ────────→ pages that say what is wrong ──↗    ↑ UNIX socket
 *   http: a ClientHello with a name ───→ is it published? ──→ relay.h ───────┘
 *
 * Everything that isn't published stays the API's, as do the edge's own names.
 */
#pragma once

#include <json-glib/json-glib.h>
#include "edge/mesh/published.h"
#include "edge/publish/launcher.h"
#include "edge/services/services.h"

G_BEGIN_DECLS

#define EW_PUBLISH_FOLDER "publish" /* in the edge's state */

typedef struct EwPublish EwPublish;

/* The folder in the state is there. Then the launcher, borrowed, which may be NULL: published names say that they don't
 * work. All outlive it. */
EwPublish *ew_publish_new (EwMesh *mesh, EwServices *services, EwLauncher *launcher, const gchar *state_dir);
void ew_publish_free (EwPublish *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwPublish, ew_publish_free)

/* An EwServerPass (edge/http); user_data is the EwPublish. */
gboolean ew_publish_pass (gpointer user_data, gint fd, const gchar *name, gboolean acme);

/* Why a published name doesn't work now, a sentence (transfer full); NULL: nothing is known to be wrong. Its service's
 * targets aren't looked at. */
gchar *ew_publish_find_problem (EwPublish *self, const EwPublished *published);
/* "https://ha.example.org", with the port where it isn't 443. (transfer full) */
gchar *ew_publish_format_url (EwPublish *self, const EwPublished *published);

/* Whether the name's addresses in DNS are this edge's: looked up now, within 5 s. */
void ew_publish_look_up_async (EwPublish *self, const gchar *host, GAsyncReadyCallback callback, gpointer user_data);
/* What is wrong with them, a sentence (transfer full); NULL: nothing, or with error G_IO_ERROR_CANCELLED: it was freed. */
gchar *ew_publish_look_up_finish (GAsyncResult *result, GError **error);

G_END_DECLS
