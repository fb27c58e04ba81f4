/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What prevents the mesh's names from working on this computer: who else has names below the mesh's suffix, and what
 * keeps programs from asking. Nothing is changed here, and nothing is asked: inquiry.c has collected the evidence.
 *
 *   names-hosts    /etc/hosts has a name of the mesh: that line wins
 *   names-lan      a name server of this network has names below the suffix, too; or none answers
 *   names-domain   another interface, or resolv.conf, has the suffix or a domain below it
 *   names-gateway  a gateway's name server doesn't answer for its domain
 *   names-dnssec   systemd-resolved demands signatures that the mesh's names don't have
 *   names-order    nsswitch.conf asks Edgeway's module too late, or not at all
 *   names-copy     resolv.conf is a copy of systemd-resolved's, so that short names aren't completed
 *   names-cache    nscd keeps answers
 *   names-all      VPN mode, and another VPN has taken all names, too
 */
#pragma once

#include <json-glib/json-glib.h>
#include "names/check.h"
#include "names/plan.h"

G_BEGIN_DECLS

#define EW_NAMES_HOSTS_MAX (256u << 10) /* bytes of /etc/hosts that are looked at */
#define EW_NAMES_HOSTS_ENTRIES 64       /* names of it that may be the mesh's */

/* A name in /etc/hosts that may be one of the mesh's. */
typedef struct
{
  guint line;
  gchar *label; /* its part before the suffix, or all of it where it is a short name; lower case */
  gboolean full;
  EwIp address;
  /* What the edge says of it. */
  gboolean asked; /* it answered */
  EwIp mesh;      /* the address of that family; family NONE: the mesh has no such name */
} EwNamesHostsEntry;

/* Pure. EwNamesHostsEntry; names of this computer's own on loopback addresses, as Debian has them, are left out. */
GPtrArray *ew_names_read_hosts (const gchar *text, gsize length, const gchar *suffix, const gchar *own_name);

/* What a name server of this network says. */
typedef struct
{
  EwIp server;
  gboolean answered;
  gboolean serves;   /* it has the suffix, or this computer's name below it */
  gboolean wildcard; /* it has a name below it that nobody can have made */
} EwNamesLanServer;

/* A domain of a gateway that this computer uses or offers itself. */
typedef struct
{
  gchar *domain, *node; /* node: the gateway's name */
  EwIp resolver;
  gboolean answered; /* the edge passed on what that resolver says */
} EwNamesGateway;

/* A domain of an interface in systemd-resolved. */
typedef struct
{
  guint link; /* 0: of the whole computer */
  gchar *interface;
  gchar *domain; /* without the dot at its end; "" for all names */
  gboolean routing;
} EwNamesDomain;

typedef struct
{
  gchar *probe;                         /* a name of the mesh that every program should find; NULL: not tried */
  EwNamesCheckResult found;             /* … and how the C library found it */
  gchar *suffix, *own_name, *interface; /* of the mesh, of this node, the tunnel's */
  guint link;
  gboolean vpn;                          /* all names are the edge's to answer */
  gchar *hosts, *nsswitch, *resolv_conf; /* texts; NULL: no such file */
  gboolean resolv_conf_is_link;
  gboolean nscd;       /* it runs */
  gboolean module;     /* Edgeway's is installed */
  GPtrArray *entries;  /* EwNamesHostsEntry */
  GArray *lan;         /* EwNamesLanServer: those that were asked */
  GPtrArray *gateways; /* EwNamesGateway: those about which the edge was asked */
  gboolean edge_answered;
  /* systemd-resolved's; answers FALSE: it isn't there, or hangs. */
  gboolean resolved_answers;
  gchar *dnssec;           /* "yes", "allow-downgrade", "no" */
  GPtrArray *domains;      /* EwNamesDomain */
  gboolean unsigned_known; /* it knows that the suffix isn't signed */
} EwNamesEvidence;

EwNamesEvidence *ew_names_evidence_new (void);
void ew_names_evidence_free (EwNamesEvidence *evidence);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwNamesEvidence, ew_names_evidence_free)

/* Adds a check for each of the above that applies here. */
void ew_names_judge_evidence (const EwNamesEvidence *evidence, JsonArray *checks);

/* name is suffix or below it, on a label's boundary; case and a dot at the end don't matter. */
gboolean ew_names_is_within (const gchar *name, const gchar *suffix);

G_END_DECLS
