/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which resolver answers on this computer. Pure: the texts of the C library's files and what answered go in, a plan
 * comes out. It's decided by what answers, never by what is installed.
 *
 *   nsswitch.conf   which modules the C library asks for a host's name, in their order
 *   resolv.conf     which name servers its module "dns" asks
 */
#pragma once

#include <glib.h>
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_NAMES_FILE_MAX 65536  /* bytes of either file that are looked at */
#define EW_RESOLV_CONF_SERVERS 3 /* as the C library (MAXNS in <resolv.h>) */
#define EW_RESOLV_CONF_SEARCH 32 /* domains that are kept */
#define EW_NAMES_REVERSE_MAX 64  /* domains of the mesh's ranges */

/* What resolv.conf(5) contains. */
typedef struct
{
  EwIp servers[EW_RESOLV_CONF_SERVERS];
  guint32 scopes[EW_RESOLV_CONF_SERVERS]; /* interface index of a link-local one; 0: none */
  guint n_servers;
  GStrv search; /* the last "search" or "domain" line, as the C library takes it */
} EwResolvConf;

/* data NULL: no file. Whatever doesn't fit is left out. */
EwResolvConf *ew_resolv_conf_parse (const gchar *data, gsize length);
void ew_resolv_conf_free (EwResolvConf *conf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwResolvConf, ew_resolv_conf_free)
/* 127.0.0.53 or 127.0.0.54: where systemd-resolved listens (systemd-resolved.service(8)). */
gboolean ew_names_is_stub (const EwIp *ip);

/* The services of nsswitch.conf(5)'s line "hosts", without their [actions]; without such a line the C library's
   default, "files dns" (glibc 2.36's nss/nss_database.c). (transfer full) */
GStrv ew_nsswitch_hosts (const gchar *data, gsize length);

typedef struct
{
  const gchar *nsswitch; /* NULL: no such file */
  gsize nsswitch_length;
  const gchar *resolv_conf; /* NULL: no such file */
  gsize resolv_conf_length;
  gboolean resolved_answers; /* systemd-resolved has its bus name and answered a call */
} EwNamesFacts;

typedef enum
{
  EW_NAMES_BY_MODULE,  /* Edgeway's own NSS module */
  EW_NAMES_BY_RESOLVED /* the C library's questions go to systemd-resolved, and it answers */
} EwNamesWay;

/* The first of the name servers, where all of them are link-local, "fe80::1"; else NULL. The C library binds a question
   for one to its interface, and so do others: VPN mode can't lead it into the tunnel. (transfer full) */
gchar *ew_names_find_link_local (const gchar *resolv_conf, gsize length);

EwNamesWay ew_names_plan (const EwNamesFacts *facts);

/* The reverse domains that cover the ranges: "96.100.in-addr.arpa", … At most EW_NAMES_REVERSE_MAX. (transfer full) */
GStrv ew_names_reverse_domains (const EwPrefix *ranges, gsize n_ranges);

/* TRUE: names below suffix are the mesh's to give. An edge may be hostile: it gets the domains that are for private
   use (ew_suffix_is_private()), and the one that this computer's administrator has accepted (NULL: none). */
gboolean ew_names_may_have_suffix (const gchar *suffix, const gchar *accepted);
/* TRUE: names below suffix may be those of the network that this computer is in, judging by its search domains. */
gboolean ew_names_is_searched (const gchar *suffix, const gchar *resolv_conf, gsize length);
/* TRUE: suffix is one of the domains, or is below or above one. */
gboolean ew_names_overlaps (const gchar *suffix, const gchar *const *domains);

G_END_DECLS
