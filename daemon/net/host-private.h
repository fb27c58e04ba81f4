/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of this room share; only they and their tests include it.
 *
 *   host.c      the door: a configuration becomes a plan, the plan's difference to the ledger becomes steps
 *   plan.c      which changes a configuration means (links, addresses, routes); vpn.c and gateway.c add theirs
 *   lan.c       which networks around the computer stay outside the tunnel
 *   change.c    a change as a value            ledger.c  … on disk, before it is made
 *   steps.c     a change made and undone (daemon/host: through rtnetlink, /proc/sys)
 *   notes.c     changes that other rooms make: in the same ledger, undone with the rest
 *   watch.c     what other programs change     keep.c  … of what Edgeway added
 *   problems.c  what of a configuration can't be applied
 *   preflight.c what of the computer is in the mesh's way: checks of what surroundings.c and survey.c read
 *   fixes.c     … and what Edgeway does about it, where its administrator wants that
 *   firewall.c  Edgeway's nftables tables, with the parts of answers.c, seal.c and redirect.c
 *   flows.c     the connections that existed before them
 *   lockdown.c  a table that outlives edgewayd, and isn't in the ledger
 *   way-out.c   a table that lets a person's browser reach a captive portal, for some minutes
 */
#pragma once

#include "net/host.h"
#include "net/ledger.h"
#include "net/lockdown.h"
#include "net/notes.h"
#include "net/surroundings.h"
#include "host/nft-script.h"
#include "host/rows.h"
#include "host/sysctl.h"

G_BEGIN_DECLS

/* A deep copy of an EwHostConfig, owned by one allocation each. */
EwHostConfig *ew_host_config_copy (const EwHostConfig *config);
void ew_host_config_free (EwHostConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwHostConfig, ew_host_config_free)

typedef struct EwHostWatch EwHostWatch;
typedef struct EwHostKeep EwHostKeep;

struct EwHost
{
  EwNetlink *netlink; /* NETLINK_ROUTE */
  EwLedger *ledger;
  EwLockdown *lockdown;
  EwHostConfig *applied; /* NULL: nothing, or what a former run left */
  gchar *firewall;       /* the script of Edgeway's tables as they are loaded; NULL: not known */
  gboolean firewall_vpn; /* … with the guard's marks in it */
  gboolean sealed;       /* … and closed to what would leave beside VPN mode's routes */
  GArray *uplinks;       /* guint: every interface that a default route has used; NULL: none yet */
  /* problems.c */
  EwHostConfig *wanted;    /* what was asked for; applied is what of it could be had. NULL: nothing */
  GPtrArray *problems;     /* EwHostProblem, of the last look */
  GHashTable *failures;    /* name of a setting, a chain or a prefix → why it could not be made at the last apply */
  gchar *firewall_failure; /* why Edgeway's tables couldn't be loaded at the last apply; NULL: they were */
  gchar *standing;         /* what the last apply led to, as text */
  EwHostWatch *watch;
  EwHostKeep *keep;
  guint fixes;                     /* EwHostFix: fixes.c */
  EwNoteUndo undoers[EW_CHANGE_N]; /* notes.c: of the kinds that other rooms make */
};

/* Called around every step, with its name, for tests that kill the process there. NULL in the daemon. */
extern void (*ew_host_step_hook) (const gchar *step);
void ew_host_step (const gchar *format, ...) G_GNUC_PRINTF (1, 2);

/* ---- plan.c, vpn.c, gateway.c: what a configuration means, as EwChange, in the order in which they are made */

/* What the planners know about the computer. */
typedef struct
{
  EwHost *host;
  const EwHostConfig *config;
  guint link;      /* the tunnel's interface index */
  gboolean v4, v6; /* the tunnel carries this family: an address of it is wanted and the interface can have it */
  GPtrArray *changes;
} EwPlan;

/* The tunnel carries this family: an address of it is wanted, and the interface can have it. */
gboolean ew_config_carries (const EwHostConfig *config, guint8 family);
/* VPN mode without a list of what alone goes through the tunnel. */
gboolean ew_config_takes_all (const EwHostConfig *config);
/* A name that is safe in nftables scripts and in paths below /proc. */
gboolean ew_interface_is_plain (const gchar *name);
/* (transfer full) NULL: EW_HOST_ERROR. */
GPtrArray *ew_plan_make (EwHost *host, const EwHostConfig *config, GError **error);
void ew_plan_add_route (EwPlan *plan, const EwPrefix *prefix, guint32 table);
void ew_plan_add_sysctl (EwPlan *plan, const gchar *name, const gchar *value);
/* Rules in another program's nftables chain "FAMILY TABLE CHAIN" that let through the traffic of Edgeway's
   interface. */
void ew_plan_add_foreign (EwPlan *plan, const gchar *chain);
/* A rule in a chain that drops packets for their source: what comes from range, through Edgeway's interface, returns. */
void ew_plan_add_exemption (EwPlan *plan, const gchar *chain, const EwPrefix *range);
/* fixes.c: what config->fixes mean on this computer now. */
void ew_plan_add_fixes (EwPlan *plan);
/* The administrator wants this setting kept. */
gboolean ew_fixes_setting (EwHost *host, const gchar *name);
/* The setting has its value because Edgeway wrote it. */
gboolean ew_plan_is_ours (const EwPlan *plan, const gchar *sysctl);
/* The look-up in EW_HOST_TABLE ends at prefix and goes on with the next rule: the main table. */
void ew_plan_add_exception (EwPlan *plan, const EwPrefix *prefix);
void ew_plan_add_private_table (EwPlan *plan);
void ew_plan_add_gateway (EwPlan *plan);
/* The interface hears its IPv6 router although it forwards; once only. */
void ew_plan_add_accept_ra (EwPlan *plan, const gchar *interface);
/* The plan has the setting already. */
gboolean ew_plan_has_sysctl (const EwPlan *plan, const gchar *name);

/* gateway.c: indexes (guint) of the interfaces that subnet is reached through, except Edgeway's; rows: the main table
   of its family. (transfer full) */
GArray *ew_gateway_links (EwHost *host, const EwPrefix *subnet, guint own, const GArray *rows);
/* Edgeway's rules are in that chain of another program now. */
gboolean ew_gateway_has_opened (EwHost *host, const gchar *chain);
/* Adds to problems the subnets of the current configuration that packets can't reach, and why. */
void ew_gateway_look_for_problems (EwHost *host, GPtrArray *problems);
/* Adds what may be a fault, and what only the computer's owner can tell, to the checks of a diagnosis. */
void ew_gateway_diagnose (EwHost *host, JsonArray *checks);

/* ---- lan.c: what of the computer's surroundings VPN mode leaves alone */

/* EwPrefix of both families that the main table routes: the subnets behind this computer, and in VPN mode its
   surroundings, without what lies inside config's own routes. (transfer full) */
GArray *ew_lan_exceptions (EwHost *host, const EwHostConfig *config);
/* EwPrefix of both families that VPN mode's firewall lets out beside the tunnel: of the exceptions, what this
   computer's owner wants to be reachable. (transfer full) */
GArray *ew_lan_reachable (EwHost *host, const EwHostConfig *config);
/* Adds the ranges that nobody has on the internet to prefixes (EwPrefix), with multicast. */
void ew_lan_add_private (GArray *prefixes);
/* Indexes (guint) of the interfaces of default routes, in any table that a rule names, except Edgeway's. NULL:
   not known. (transfer full) */
GArray *ew_lan_uplinks (EwHost *host, const EwHostConfig *config);
/* Names as elements of an nftables set ("docker0", "virbr0"), NULL if there are none: the interfaces that the
   computer creates for itself, and those through which others reach it, with or without a default route. (transfer
   full) */
void ew_lan_names (EwHost *host, const EwHostConfig *config, gchar **internal, gchar **outer);

/* ---- problems.c: one part that can't be applied doesn't prevent the rest */

/* A new apply begins: what failed at the last one is forgotten. */
void ew_problems_forget (EwHost *host);
/* Leaves out of config the routes that another program has already, and the addresses that another interface has. */
void ew_problems_leave_out_taken (EwHost *host, EwHostConfig *config);
/* TRUE if the rest works without this change; noted then. */
gboolean ew_problems_bear (EwHost *host, const EwChange *change, const GError *error);
/* TRUE for what would do harm without another change that has failed; noted as failed, too. */
gboolean ew_problems_forbid (EwHost *host, const EwChange *change);
const gchar *ew_problems_failure (EwHost *host, const gchar *name);
/* TRUE where an apply now would lead to something else than the last one did: a route has become free, a subnet is
   reached via another interface, or what lets packets through was removed. Call with settle at the end of an apply. */
gboolean ew_problems_differ (EwHost *host);
void ew_problems_settle (EwHost *host);

/* ---- steps.c: one change made, or undone if it's still Edgeway's */

/* Whether change has to be made: FALSE without error if the computer is in that state already. Fills change->before. A
   conflict is EW_HOST_ERROR_CONFLICT and names whose it is. */
gboolean ew_step_needed (EwHost *host, EwChange *change, GError **error);
gboolean ew_step_make (EwHost *host, const EwChange *change, GError **error);
/* TRUE if it was removed, or is another program's by now and left alone. */
gboolean ew_step_take_back (EwHost *host, const EwChange *change, GError **error);
/* Made before, maybe lost since (an interface that went down takes its routes along): made again, silently. */
void ew_step_ensure (EwHost *host, const EwChange *change);

/* ---- firewall.c: nftables */

/* Runs a script of nft(8) commands as one transaction. output: what it printed, may be NULL. json: output as JSON. */
gboolean ew_nft_run (const gchar *script, gboolean json, gchar **output, GError **error);
/* Whether the table FAMILY NAME exists, and whose it is: *ours if its comment contains tag. */
gboolean ew_nft_table_exists (const gchar *table, const gchar *tag, gboolean *ours);
/* Edgeway's tables as config wants them, loaded in one transaction; both are in the ledger already. */
gboolean ew_firewall_load (EwHost *host, const EwHostConfig *config, GError **error);
/* VPN mode's routes are in place: from now on nothing leaves beside them. */
gboolean ew_firewall_seal (EwHost *host, const EwHostConfig *config, GError **error);
/* Both tables exist, and are Edgeway's. */
gboolean ew_firewall_is_loaded (EwHost *host);
/* After "flush ruleset" by another program: loads them again if they were removed. */
gboolean ew_firewall_restore (EwHost *host, GError **error);
/* TRUE: the computer forwards packets between interfaces. */
gboolean ew_forwarding_is_on (void);

/* ---- seal.c: nothing leaves beside the tunnel */
/* A named set "NAME4" or "NAME6" of prefixes; one may hold another. */
void ew_seal_add_prefix_set (GString *script, const gchar *name, const EwPrefix *prefixes, gsize n, guint8 family);
void ew_seal_add (GString *script, EwHost *host, const EwHostConfig *config, gboolean closed);
/* Rules with that verdict for the questions of local name servers, recognized by their users; and rules that return for
   NetworkManager's look for a captive portal. */
void ew_seal_add_resolvers (GString *script, gboolean resolved_only, const gchar *verdict);
void ew_seal_add_portal_check (GString *script);

/* ---- redirect.c: VPN mode's names */

gboolean ew_redirect_is_wanted (const EwHostConfig *config);
/* Chains; internal, outer: as of ew_lan_names(). */
void ew_redirect_add (GString *script, const EwHostConfig *config, const gchar *internal, const gchar *outer);
/* Rules: of the chain "translate", and of "sealed_output", with the chain that it jumps to. */
void ew_redirect_add_masquerade (GString *script, const EwHostConfig *config);
void ew_redirect_add_stop (GString *script, const EwHostConfig *config);
void ew_redirect_add_refusal (GString *script, const EwHostConfig *config);

/* ---- answers.c: UDP answers of sockets that are bound to no address */

/* The kernel can tell such sockets; without that they are left alone. */
gboolean ew_answers_are_known (void);
void ew_answers_add (GString *script, const EwHostConfig *config);

/* ---- foreign.c: other programs' chains that forwarded packets must pass, too */

/* "FAMILY TABLE CHAIN" of every chain that drops what it doesn't know, at the hook ("forward", "input"), where Edgeway
   would have to add a rule: DOCKER-USER instead of Docker's own. A table that its owner alone may change, and in
   which he has named interface, is left out. interface NULL: it does not matter. (transfer full) */
GStrv ew_foreign_dropping (guint8 family, const gchar *hook, const gchar *interface);
/* What nft(8) takes: the rule that exempts what comes from range, through interface, from that chain. (transfer full) */
gchar *ew_foreign_exemption (const gchar *chain, const gchar *interface, const EwPrefix *range);
/* Its name can be used in a command, and its table isn't closed to other programs. */
gboolean ew_foreign_may_change (const gchar *chain);
gboolean ew_foreign_insert (const EwChange *change, GError **error);
gboolean ew_foreign_remove (const EwChange *change, GError **error);
gboolean ew_foreign_is_there (const EwChange *change);

/* ---- survey.c: other programs' firewalls, for surroundings.c */
void ew_foreign_survey (EwHost *host, EwSurroundings *surroundings);

/* ---- flows.c: connections that were there before the guard */

/* nft elements, comma separated; "" if there are none. What is inside this node's own addresses, mesh ranges and
   loopback is left out. */
typedef struct
{
  gchar *pinned4, *pinned6; /* "LOCAL . PORT . REMOTE . PORT": TCP connections that came in from outside */
  gchar *begun4, *begun6;   /* "REMOTE . PORT . LOCAL . PORT": UDP sockets connected outwards */
  gchar *served;            /* ports of UDP sockets that serve */
} EwFlows;
EwFlows *ew_flows_list (const EwHostConfig *config, GError **error);
void ew_flows_free (EwFlows *flows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwFlows, ew_flows_free)
/* Marks (or clears, except in lockdown, which needs them) the inbound flows that conntrack already knows. Best effort:
   where it knows none, nothing happens. */
void ew_flows_mark (EwHost *host, const EwHostConfig *config);
void ew_flows_unmark (EwHost *host);
/* Conntrack forgets what name servers elsewhere were asked via UDP. */
void ew_flows_forget_questions (EwHost *host);
/* A rule that ends a chain for what looks like a service's answer to a question that nobody asked, before such a packet
   counts as the beginning of a flow from outside. Whoever is on the path could send one to each port in the name of a
   server, and what a program sends to that server from such a port would then count as an answer, and leave. */
void ew_flows_add_unasked (GString *script);
/* The range that ports of outgoing connections come from. */
void ew_flows_client_ports (guint *first, guint *last);

/* ---- keep.c: what other programs remove is restored */

/* func is called in context when what ew_host_get_missing() or ew_host_get_foreign_route() says has changed. */
EwHostKeep *ew_host_keep_new (EwHost *host, GMainContext *context, void (*func) (gpointer user_data),
                              gpointer user_data);
void ew_host_keep_free (EwHostKeep *keep);
/* What of weight is missing now; NULL: nothing. (transfer full) */
gchar *ew_host_find_missing (EwHost *host);
/* A configuration was applied, or all was undone. */
void ew_host_keep_applied (EwHost *host);

/* ---- notes.c */
gboolean ew_notes_take_back (EwHost *host, const EwChange *change, GError **error);

/* ---- way-out.c: how its table is undone */
void ew_host_prepare_way (EwHost *host);

/* ---- watch.c */
void ew_host_watch_free (EwHostWatch *watch);

G_END_DECLS
