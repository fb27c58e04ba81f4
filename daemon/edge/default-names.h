/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a new mesh and its first edge are called by default: something that tells them from others.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* host_name: this host's, with or without a domain. public_endpoint: HOST:PORT. The edge is called as the host is; the
 * mesh as the registered domain of public_endpoint's name, else as the host's own domain, else as the host. Both *mesh
 * and *edge (transfer full) are DNS labels, whatever they were made of. */
void ew_edge_default_names (const gchar *host_name, const gchar *public_endpoint, gchar **mesh, gchar **edge);

G_END_DECLS
