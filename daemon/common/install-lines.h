/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two lines with which a new computer installs Edgeway from an edge. They are pasted into a shell there, where
 * nothing may be installed but apt: apt-helper compares the script's SHA-256, which came from the edge over a connection
 * that was authenticated, and only then is the script run. That is why TLS need not be checked as well, for which a bare system
 * has no means: it has neither the mesh's CA nor any other.
 *
 * Both are one command. apt 3 leaves what it could not check under the file's own name where TLS ends without its
 * closing alert, so the second line must not run unless the first has succeeded.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* install: of GET /v1/install, or that member of a key's answer (daemon/edge/API.md); may be NULL. NULL: the edge has
   no packages, or says something that can't be pasted. (transfer full) */
gchar *ew_install_lines (JsonObject *install);
/* "Debian 12, Debian 13": the systems that it supports, NULL if there are none. (transfer full) */
gchar *ew_install_systems (JsonObject *install);

/* Whether the lines install the app too, where --app stands at their end. */
gboolean ew_install_has_app (JsonObject *install);

G_END_DECLS
