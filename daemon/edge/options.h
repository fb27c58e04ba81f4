/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The options of `edgeway-edge run`: on its command line, and in a file (data/man/edgeway-edge.8) for what the command
 * line doesn't say.
 */
#pragma once

#include <sys/socket.h>
#include <gio/gio.h>
#include "edge/dns/forward.h"
#include "edge/mesh/ranges.h"

G_BEGIN_DECLS

typedef struct
{
  gchar *state_dir;
  gchar *listen_address;                          /* numeric; NULL: all */
  guint16 port;                                   /* 443 */
  gchar *public_endpoint;                         /* NULL: not given */
  gchar *mesh, *suffix, *edge_name, *ipv4, *ipv6; /* NULL: as stored, or the default */
  gchar *interface;
  guint16 mtu;
  gboolean trial, exit;
  GArray *open_ports;   /* guint16 */
  GArray *public_ports; /* guint16 */
  GArray *exit_closed;  /* EwPrefix */
  /* Names that aren't the mesh's. */
  gboolean dns_forward;
  GArray *dns_resolvers; /* EwDnsResolver; empty: the host's own */
  GArray *dns_domains;   /* EwDnsDomain */
  /* What new computers can fetch. */
  guint install_rate; /* megabits per second; 0: no limit */
  gboolean install;
  gchar *packages; /* their folder; NULL: one of the usual ones */
} EwEdgeOptions;

/* EW_ERROR_INVALID_ARGUMENT: wrong usage, as a sentence. *help (transfer full): --help was asked for, this is the text.
 * argv[0] is skipped. */
EwEdgeOptions *ew_edge_options_parse (gint argc, gchar **argv, gchar **help, GError **error);
/* Offers what the last word of `run`'s could become: console/complete.h. */
void ew_edge_options_complete (gint argc, gchar **argv);
void ew_edge_options_free (EwEdgeOptions *options);
/* The forwarder's settings, for a mesh of these ranges. out borrows from options. */
void ew_edge_options_get_forward (const EwEdgeOptions *options, const EwRanges *ranges, EwDnsForwardConfig *out);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwEdgeOptions, ew_edge_options_free)

/* "[ADDR]:PORT": ":443", "0.0.0.0:443", "[::1]:443". *address (transfer full) NULL: all. */
gboolean ew_edge_listen_parse (const gchar *text, gchar **address, guint16 *port, GError **error);
/* Whether a mesh that was reached at stored should stay with it, though now one would guess guessed (NULL: nothing).
   At boot the best address is often the last to come: until this host has a way to the internet, and where the guess is
   a poorer one, nothing is known better. Another port is. */
gboolean ew_edge_keeps_public (const gchar *stored, const gchar *guessed, gboolean online);
/* FALSE: no IP address, or one that others can't reach (loopback, link-local). */
gboolean ew_edge_address_of (const struct sockaddr *address, EwIp *ip);
/* This host's first global address as "HOST:PORT": public before private, IPv4 before IPv6. NULL with error: it has
 * no value. */
gchar *ew_edge_guess_public (const gchar *listen_address, guint16 port, const gchar *except_interface, GError **error);

/* Where packages are looked for: NULL-terminated. (transfer full) */
GStrv ew_edge_options_dup_package_folders (const EwEdgeOptions *options);

G_END_DECLS
