/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A service's targets and ports as people write them; edgewayctl checks with it what the edge then reads. Pure.
 *
 *   target   NODE, NODE:PORT, NODE/HOST, NODE/HOST:PORT; an IPv6 HOST with a port is in brackets
 *   port     P, P-P, P:Q, P-P:Q, P-P:Q-Q, all, each with /tcp or /udp at its end
 *
 * Errors: EW_ERROR_INVALID_ARGUMENT, a sentence each.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define EW_SERVICE_TARGETS_MAX 8
#define EW_SERVICE_PORTS_MAX 16 /* entries; a range is one */

typedef struct
{
  guint8 protocol;  /* IPPROTO_TCP or IPPROTO_UDP */
  guint16 from, to; /* where callers come in; 1…65535 */
  guint16 target;   /* where `from` leads, the others as far above it; 0: the target's own port, or the same ones */
} EwServicePort;

typedef struct
{
  gchar *node;  /* as typed: "": this computer */
  gchar *host;  /* an address behind the node; NULL: the node itself */
  guint16 port; /* 0: none given */
} EwServiceTargetText;

gboolean ew_target_parse (const gchar *text, EwServiceTargetText *out, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ew_target_clear (EwServiceTargetText *target);
/* "nas:8123", "office-gw/[fd00::9]:631". (transfer full) */
gchar *ew_target_format (const gchar *node, const gchar *host, guint16 port);

/* An array of EwServicePort, in order, of texts (NULL: none). udp: what those mean that don't say. Without any, the
 * ports of the targets count. Refuses ports that overlap, and targets whose ports nothing can lead to. (transfer full)
 */
GArray *ew_ports_parse (const gchar *const *texts, gboolean udp, const EwServiceTargetText *targets, gsize n_targets,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What is wrong with the ports, or with the ports that targets have (0: none). */
gboolean ew_ports_check (const GArray *ports, const guint16 *target_ports, gsize n_targets, GError **error);
/* "80", "53/udp", "8000-8010", "80:8123", "all/tcp": as ew_ports_parse() reads it. (transfer full) */
gchar *ew_port_format (const EwServicePort *port);

G_END_DECLS
