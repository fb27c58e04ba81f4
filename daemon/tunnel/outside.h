/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether the internet works here, tried as a program of this computer would: a name is looked up with the system's own
 * resolver, then a web page's head is fetched from there. The sockets carry no mark, so in VPN mode all of it goes
 * through the tunnel. Only a diagnosis that a user asked for does this.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Reserved for examples by RFC 2606 and kept on the web by IANA for just that. */
#define EW_OUTSIDE_HOST "example.com"
#define EW_OUTSIDE_SECONDS 5 /* for each of the two steps */

typedef struct
{
  gchar *name_error;  /* NULL: the name was found */
  gchar *fetch_error; /* NULL: something answered via HTTP, or it was not tried because there was no name */
  gint64 name_us, fetch_us;
} EwOutside;

void ew_outside_free (EwOutside *outside);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwOutside, ew_outside_free)

void ew_outside_try_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* (transfer full); NULL: cancelled. */
EwOutside *ew_outside_try_finish (GAsyncResult *result);

G_END_DECLS
