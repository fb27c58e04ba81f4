/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The object /org/edgeway/Daemon1: shows the tunnel's properties, announces their changes in one signal per turn of the
 * main loop, and sends every method through the table and its authorization. It owns no state of the mesh.
 */
#pragma once

#include <gio/gio.h>

#include "tunnel/tunnel.h"

G_BEGIN_DECLS

#define EW_SERVICE_NAME "org.edgeway.Daemon1"
#define EW_SERVICE_PATH "/org/edgeway/Daemon1"

typedef struct _EwService EwService;

EwService *ew_service_new (EwTunnel *tunnel); /* keeps a reference */
/* Cancels what is open. Callbacks may still come while the main loop runs: free it after the loop has ended. */
void ew_service_free (EwService *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwService, ew_service_free)

/* Shows the object on a connection: the message bus's, or each peer's. */
gboolean ew_service_export (EwService *self, GDBusConnection *connection, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The connection has closed: its calls are cancelled. */
void ew_service_unexport (EwService *self, GDBusConnection *connection);

/* A property's value as D-Bus shows it; NULL: no such property. Floating. */
GVariant *ew_service_get_property (EwService *self, const gchar *name);

G_END_DECLS
