/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What of this computer can be in the mesh's way, read once: the networks and routes of other programs, their
 * firewalls, the settings of the kernel. The checks (preflight.h) are functions of this alone.
 */
#pragma once

#include "net/host.h"
#include "host/rows.h"

G_BEGIN_DECLS

/* A chain of another program that drops what it doesn't know. */
typedef struct
{
  gchar *chain;     /* "ip filter INPUT" */
  gboolean forward; /* at the hook of forwarded packets; else of those for this computer */
  gboolean opened;  /* it lets something of Edgeway's interface through: by its owner's rules, or by Edgeway's */
  gboolean by_edgeway;
} EwDropper;

/* A rule of another program that drops packets of the mesh for their source. */
typedef struct
{
  gchar *chain; /* "ip filter ts-input" */
  EwPrefix source, range;
  gboolean forward;
  gboolean fixable;  /* Edgeway can exempt the mesh there */
  gboolean exempted; /* … and has */
} EwSourceDrop;

typedef struct
{
  /* Edgeway's side. */
  gchar *interface; /* its name, or the default one */
  guint own;        /* its index; 0: not connected */
  gboolean vpn, forwards;
  guint fixes;    /* EwHostFix that are wanted */
  GArray *ranges; /* EwPrefix: the mesh's */
  GArray *used;   /* EwPrefix: routes in force, without what stays outside the tunnel; NULL: not connected */
  /* Other networks. Rows in the kernel's order. */
  GArray *links;      /* EwLinkRow */
  GArray *addresses;  /* EwAddressRow */
  GArray *routes;     /* EwRouteRow: of the main table, and those of other VPNs */
  guint way_out;      /* the interface to the internet, by its index, for a packet of a program; 0: none */
  guint way_beside;   /* … for one of Edgeway's own */
  gboolean takes_all; /* Edgeway's routes lead that way into the tunnel */
  /* Firewalls. */
  GPtrArray *droppers;     /* EwDropper */
  GPtrArray *source_drops; /* EwSourceDrop */
  gboolean legacy[2];      /* rules of iptables-legacy, ip6tables-legacy are loaded */
  /* Settings; the greater of "all" and the interface's counts (kernel's ip-sysctl.rst). */
  gint rp_filter_all, rp_filter_own, rp_filter_beside;
  gint valid_mark; /* src_valid_mark, of all or of the interface beside */
  /* IPv6's router: the interface that leads to it ("": none), whether that forwards, and its accept_ra. */
  gchar towards_router[IFNAMSIZ];
  gboolean forwards_v6;
  gint accept_ra;
} EwSurroundings;

/* whole: with addresses and routes. */
EwSurroundings *ew_surroundings_read (EwHost *host, const EwPrefix *mesh_ranges, gsize n_mesh_ranges, gboolean whole);
/* Fills in the last three; own is known. */
void ew_surroundings_find_router (EwHost *host, EwSurroundings *surroundings);
/* Edgeway's own table leads ip into the tunnel; own: its interface's index. A network of this computer inside a range
   stays outside. */
gboolean ew_surroundings_lead_in (EwHost *host, guint own, const EwIp *ip);
/* Empty: of a computer without networks and without firewalls. */
EwSurroundings *ew_surroundings_new (const gchar *interface);
void ew_surroundings_free (EwSurroundings *surroundings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwSurroundings, ew_surroundings_free)

EwDropper *ew_surroundings_add_dropper (EwSurroundings *surroundings, const gchar *chain, gboolean forward);
EwSourceDrop *ew_surroundings_add_source_drop (EwSurroundings *surroundings, const gchar *chain, const EwPrefix *source,
                                               const EwPrefix *range);

G_END_DECLS
