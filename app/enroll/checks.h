/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a person types into the wizard, checked as it is typed. Pure: no widgets, no daemon. The edge has the last word.
 * Each check answers NULL where the text is fine, else a sentence: what is wrong and what to write. (transfer full)
 */
#pragma once

#include "common/enrollment-key.h"

G_BEGIN_DECLS

/* A node's name: a DNS label. */
gchar *ew_check_name (const gchar *name);

/* Where nodes reach an edge: "HOST", "HOST:PORT", "[IPV6]:PORT", an IPv6 address without brackets. *address (transfer
   full): HOST:PORT, with 443 where no port was given. Addresses that other computers cannot reach are refused. */
gchar *ew_check_public (const gchar *text, gchar **address);

/* A network to share, such as 192.168.1.0/24; the rules are the edge's (daemon/edge/API.md, Routes). *cidr (transfer
   full): as the edge writes it. */
gchar *ew_check_network (const gchar *text, gchar **cidr);
/* Do two networks, as ew_check_network() writes them, have an address in common? */
gboolean ew_networks_overlap (const gchar *a, const gchar *b);
/* The network of that prefix length that contains the address; NULL: it isn't an address. (transfer full) */
gchar *ew_network_around (const gchar *address, guint length);
/* "254 addresses". (transfer full) */
gchar *ew_network_size (const gchar *cidr);

/* The pin in groups of four hexadecimal digits, for comparing by eye. (transfer full) */
gchar *ew_pin_words (const guint8 pin[EW_PIN_SIZE]);
/* The edges that a key names: "edge.example.org:443", one a line. (transfer full) */
gchar *ew_key_hosts (const EwEnrollmentKey *key);
/* What a computer becomes with a key. (borrowed) */
const gchar *ew_key_becomes (const EwEnrollmentKey *key);

G_END_DECLS
