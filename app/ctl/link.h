/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The way to edgewayd: its name on the system bus, or its own socket for root where there is no bus. Calls run the main
 * loop until the answer is there, however long a person needs at a password prompt.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "edgeway-daemon1.h"

G_BEGIN_DECLS

/* The daemon cannot be reached: exit code 3. Everything else comes as EW_ERROR. */
#define EW_LINK_ERROR (ew_link_error_quark ())
GQuark ew_link_error_quark (void);
#define EW_LINK_ERROR_UNREACHABLE 0

typedef struct _EwLink EwLink;

/* address: a bus or a peer socket, and no other; NULL: the system bus, then the socket. The error says what to do. */
EwLink *ew_link_open (const gchar *address, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ew_link_free (EwLink *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwLink, ew_link_free)

/* The daemon's properties as last announced. Borrowed. */
EwDaemon1 *ew_link_get_proxy (EwLink *self);

/* parameters: floating, or NULL. The answer is a tuple (transfer full); NULL with error. */
GVariant *ew_link_call (EwLink *self, const gchar *method, GVariant *parameters, GError **error);
/* For a method that answers with one string of JSON. */
JsonObject *ew_link_call_json (EwLink *self, const gchar *method, GVariant *parameters, GError **error);
/* The same in the background: it asks for no password and gives no reason on failure. parameters: floating, or NULL.
   NULL: not available. (transfer full) */
JsonObject *ew_link_look (EwLink *self, const gchar *method, GVariant *parameters);
/* For OpenTopology. The caller owns the descriptor; -1 with error. */
gint ew_link_call_fd (EwLink *self, const gchar *method, GError **error);

/* Sleeps until one of the daemon's properties changes, or until deadline (monotonic µs; 0: none). FALSE: the deadline.
   Changes that came since the last call count. */
gboolean ew_link_wait_change (EwLink *self, gint64 deadline);
/* FALSE once edgewayd has left the bus. */
gboolean ew_link_is_alive (EwLink *self);

G_END_DECLS
