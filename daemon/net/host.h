/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What edgewayd changes on the computer it runs on, and nothing else: the tunnel interface's addresses, the routes and
 * policy rules that lead into it, the firewall table that guards VPN mode and lets a gateway forward. Each change
 * is in the undo ledger, on disk, with the boot ID and the value written, before it is made; undoing touches a thing
 * only if it still has the value that Edgeway wrote.
 *
 * Calls are synchronous (netlink round trips, libnftables) and made from one thread. Errors: EW_HOST_ERROR, each a
 * sentence.
 */
#pragma once

#include <gio/gio.h>
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_HOST_ERROR (ew_host_error_quark ())
GQuark ew_host_error_quark (void);
typedef enum
{
  EW_HOST_ERROR_PRIVILEGE,
  EW_HOST_ERROR_CONFLICT, /* the address, table or name is another program's: named in the message */
  EW_HOST_ERROR_LEDGER,   /* the ledger cannot be written: nothing was changed */
  EW_HOST_ERROR_FAILED
} EwHostError;

/* The mark on each of Edgeway's sockets to an edge, and the routing table and rule priorities of VPN mode. */
#define EW_HOST_FWMARK 0x45640000u /* "Ed" in the upper half; mask below */
#define EW_HOST_FWMARK_MASK 0xffff0000u
#define EW_HOST_CONNMARK_INBOUND                                                                                       \
  0x45650000u                      /* flows that came in from outside: their replies leave the way they came */
#define EW_HOST_TABLE 17764        /* 0x4564 */
#define EW_HOST_RULE_PRIORITY 5200 /* first of the few that follow */

typedef struct EwHost EwHost;

/* ledger_path: DIR/undo. Opening undoes nothing. */
EwHost *ew_host_new (const gchar *ledger_path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ew_host_free (EwHost *host); /* changes nothing on the computer */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwHost, ew_host_free)

/* Replays the whole ledger, newest first. Run at start (a crash left it) and at stop. Things that others removed or
   changed are left alone. TRUE when the ledger is empty afterwards. */
gboolean ew_host_undo_all (EwHost *host, GError **error);
gboolean ew_host_ledger_is_empty (EwHost *host);
/* Policy rules or nftables' tables of an edgewayd are there, whichever ledger knows them. */
gboolean ew_host_has_traces (void);

/* The desired state. ew_host_apply() moves the computer from what it last applied to this, step by step, in an order
   that never cuts: addresses before routes, bypass before default route; and back in the opposite one. On failure it
   goes back to what was applied before and says why. One route that another program has, or a subnet that can't be
   forwarded to, isn't a failure: ew_host_look_for_problems() names it. */
typedef struct
{
  const gchar *interface; /* the TUN's name; it exists */
  guint mtu;              /* below 1280 the kernel allows no IPv6 on an interface: the mesh works on IPv4 alone */
  guint segment_mtu;      /* TCP's packets are made to fit into this, where it's less; 0: mtu */
  const EwIp *addresses;  /* mesh IPs, as /32 and /128 */
  gsize n_addresses;
  const EwPrefix *routes; /* mesh ranges and accepted routes: main table, through the interface */
  gsize n_routes;
  gboolean vpn; /* default routes through the interface by policy routing, with the guard's connection marks */
  const EwIp *name_servers; /* in VPN mode: the edge's, to which all questions for names are led; none: they go where
                               they would */
  gsize n_name_servers;
  gboolean lan_names;       /* … except those that systemd-resolved asks the LAN */
  gboolean lan_blocked;     /* in VPN mode the LAN can't be reached; what came in from there is answered */
  const EwPrefix *excluded; /* in VPN mode: outside the tunnel */
  gsize n_excluded;
  const EwPrefix *included; /* in VPN mode: if there are any, nothing else goes through the tunnel, and names are looked
                               up as without it */
  gsize n_included;
  const EwPrefix *forwards; /* subnets behind this node that it forwards to, with masquerade */
  gsize n_forwards;
  const EwPrefix *mesh_ranges; /* whose packets may be forwarded to them */
  gsize n_mesh_ranges;
  guint fixes; /* EwHostFix: what of other programs and settings Edgeway may change */
} EwHostConfig;

/* What this computer's administrator lets Edgeway fix, as long as it's connected: each is named after the check that
   finds the fault. */
typedef enum
{
  EW_HOST_FIX_FOREIGN_DROP = 1 << 0, /* exempts the mesh from rules that drop packets for their source */
  EW_HOST_FIX_RP_FILTER = 1 << 1,    /* sets reverse path filtering again where another program has made it strict */
  EW_HOST_FIX_IP_FORWARDING = 1 << 2 /* lets the uplink hear its IPv6 router although the computer forwards */
} EwHostFix;

/* 0: there is no fix for this check. */
guint ew_host_fix_from_check (const gchar *check);
/* The checks of all of fixes. (transfer full) */
GStrv ew_host_fix_checks (guint fixes);

/* config NULL: nothing at all (as ew_host_undo_all). */
gboolean ew_host_apply (EwHost *host, const EwHostConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Lockdown (lockdown.h): nothing leaves except through the tunnel, also when there is none. */
typedef enum
{
  EW_LOCKDOWN_OFF,
  EW_LOCKDOWN_TRYING, /* until its time is up, or edgewayd ends: not stored */
  EW_LOCKDOWN_ON
} EwLockdownState;

/* Before anything else: what an earlier run, or the boot, was asked for is in force. */
gboolean ew_host_start_lockdown (EwHost *host, GError **error);
EwLockdownState ew_host_get_lockdown (EwHost *host);
/* seconds: of EW_LOCKDOWN_TRYING. config: what VPN mode would be applied with, whether it is or not; its interface need
   not exist. NULL with EW_LOCKDOWN_OFF, which always opens the computer; an error then says that something is left. */
gboolean ew_host_set_lockdown (EwHost *host, EwLockdownState state, guint seconds, const EwHostConfig *config,
                               GError **error);

/* A way out for a person's browser beside VPN mode's and lockdown's rules, to the page of a captive portal and to nothing
   else (way-out.c). */
typedef struct
{
  guint32 uid;           /* whose programs */
  const EwIp *addresses; /* where to */
  gsize n_addresses;
  const guint16 *ports; /* TCP */
  gsize n_ports;
  const gchar *const *names; /* NULL-terminated: this computer may ask the network's name servers for these */
  guint seconds;             /* until the kernel closes it */
} EwHostWayOut;
/* Replaces one that is open. Noted in the ledger, and so undone with the rest. */
gboolean ew_host_open_way (EwHost *host, const EwHostWayOut *way, GError **error);
void ew_host_close_way (EwHost *host);

/* Those that would help now. */
guint ew_host_find_fixable (EwHost *host, const EwPrefix *mesh_ranges, gsize n_mesh_ranges);

/* One part that can't be applied while the rest works. */
typedef enum
{
  EW_HOST_PROBLEM_ROUTE,       /* prefix: a route of the configuration that is not taken */
  EW_HOST_PROBLEM_FORWARD,     /* prefix: a subnet that this computer doesn't forward to, though it should */
  EW_HOST_PROBLEM_RANGE,       /* prefix: a part of the mesh's range that stays outside the tunnel */
  EW_HOST_PROBLEM_FIREWALL,    /* Edgeway's own nftables rules are missing */
  EW_HOST_PROBLEM_NAMES,       /* names in VPN mode: reason is the whole sentence */
  EW_HOST_PROBLEM_SURROUNDINGS /* another program or a setting of this computer: reason is the whole sentence */
} EwHostProblemKind;

typedef struct
{
  EwHostProblemKind kind;
  EwPrefix prefix;
  gchar *reason; /* a clause: "another program has …", without a full stop */
  gchar *fix;    /* a sentence, or more */
} EwHostProblem;

EwHostProblem *ew_host_problem_new (EwHostProblemKind kind, const EwPrefix *prefix, const gchar *fix,
                                    const gchar *reason);
void ew_host_problem_free (EwHostProblem *problem);
/* A sentence for people: what is not there, and why. (transfer full) */
gchar *ew_host_problem_describe (const EwHostProblem *problem);
/* Looks now: EwHostProblem of the configuration that was last applied; borrowed until the next call. */
const GPtrArray *ew_host_look_for_problems (EwHost *host);
/* As of the last look. NULL: none yet. */
const GPtrArray *ew_host_get_problems (EwHost *host);

/* The computer's network, for the routes that a node never takes and for diagnose. Without Edgeway's. */
typedef struct
{
  GArray *on_link;   /* EwPrefix: subnets of this computer's own interfaces, except the tunnel's */
  GArray *addresses; /* EwIp: our own */
  GArray *gateways;  /* EwIp: next hops of default routes */
  GArray *uplinks;   /* guint: interfaces of default routes that have a carrier */
  GArray *resolvers; /* EwIp: nameservers of /etc/resolv.conf and systemd-resolved's, read only */
  gboolean ipv6;     /* IPv6 is on */
} EwHostFacts;
EwHostFacts *ew_host_facts_new (EwHost *host, GError **error);
void ew_host_facts_free (EwHostFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwHostFacts, ew_host_facts_free)

/* The routes that a node never takes, whatever an edge says (pure). NULL: it may be used; otherwise a static sentence
   that says why not. edges: the edges' own addresses. mesh_ranges themselves are checked by the same rules. */
const gchar *ew_route_refusal (const EwPrefix *route, const EwHostFacts *facts, const EwIp *edges, gsize n_edges);

/* Calls func in the thread-default context, a few times at once and then at most twice a second, after addresses, links or default routes changed
 * (rtnetlink). From here on what other programs remove of Edgeway's is restored, too; func is also called when what the
 * two functions below say has changed. */
void ew_host_watch (EwHost *host, void (*func) (gpointer user_data), gpointer user_data);
/* A sentence: what another program removes again and again, so that the tunnel doesn't work. NULL: nothing. Borrowed.
 */
const gchar *ew_host_get_missing (EwHost *host);
/* A sentence: another program's route that would lead the mesh's traffic past the tunnel, and has no effect. NULL:
   none. Borrowed. */
const gchar *ew_host_get_foreign_route (EwHost *host);

/* Checks of the whole computer for diagnose: an array as of common/checks.h as JSON text (transfer full). edge: where
   it is reached; NULL: not known. */
gchar *ew_host_diagnose (EwHost *host, const EwPrefix *mesh_ranges, gsize n_mesh_ranges, const EwIp *edge);

G_END_DECLS
