/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a person types about a service, checked before the edge is asked, and what is proposed. No GTK.
 */
#pragma once

#include "model/topology.h"

G_BEGIN_DECLS

/* 1 to 65535; 0: something else, or nothing. */
guint ew_service_read_port (const gchar *text);
/* A name that is free: "ha" for port 8123, "nas-web", "nas-5432"; "": no port is given. (transfer full) */
gchar *ew_service_propose_name (EwTopology *topology, EwNode *node, guint port);
/* What callers had best use for a program on that port: 80 for web pages, 443 for encrypted ones, else the same. */
guint ew_service_propose_port (guint port);
/* A host behind a gateway: NULL: "" or an address in one of its networks; else why not, a sentence. (transfer full) */
gchar *ew_service_host_problem (const gchar *host, EwNode *node);
/* "nas:8123", "office-gw/[fd00::9]:631". (transfer full) */
gchar *ew_service_target_text (EwNode *node, const gchar *host, guint port);
/* Whether the dialog's fields say all of it: one target, one TCP port. */
gboolean ew_service_is_simple (EwService *service);

G_END_DECLS
