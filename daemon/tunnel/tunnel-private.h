/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of this room share. Each field is written by the file that is named beside it.
 *
 *   tunnel.c       the object, its properties, the one door, start and stop, connect and disconnect
 *   status.c       the status as JSON
 *   link.c         up and down: the engine, what liveness says to do
 *   peer.c         the engine's peer: which edge, at which of its addresses
 *   apply.c        the plan brought into force in engine and host
 *   naming.c       names on this computer: what they should be, how they are shown
 *   race.c         the edge's addresses tried against each other, and their names looked up
 *   name-watch.c   a name of the edge's that may change at any moment, asked again and again
 *   https.c        the https transport: when it's begun, when UDP is tried again
 *   portal.c       a captive portal recognized; portal-way.c: the way out to its page
 *   proxy-choice.c which HTTP proxy leads to the edge: the user's choice, a session's answer
 *   path.c         the largest packet that the path takes: probed, brought into force
 *   probe.c        link messages out, what the router heard in
 *   refresh.c      the node document fetched again; why the edge is silent
 *   mode.c         the guard's actions
 *   lockdown.c     lockdown switched, and its trial
 *   split.c        what goes through the tunnel in VPN mode, and what doesn't, by choice
 *   membership.c   enroll, leave, calls to the API
 *   routes.c       routes listed, accepted, refused
 *   ping.c
 *   diagnose.c     the report, with diagnose-tunnel.c, diagnose-way.c and diagnose-names.c; live-check.c and outside.c try
 *                  what it says
 */
#pragma once

#include "account/client.h"
#include "account/document.h"
#include "account/keystore.h"
#include "account/topology.h"
#include "common/phrase.h"
#include "engine/engine.h"
#include "names/names.h"
#include "names/outside-resolver.h"
#include "net/host.h"
#include "stream/streams.h"
#include "tunnel/alarm.h"
#include "tunnel/better.h"
#include "tunnel/endpoints.h"
#include "tunnel/guard.h"
#include "tunnel/liveness.h"
#include "tunnel/path-mtu.h"
#include "tunnel/plan.h"
#include "tunnel/resume.h"
#include "tunnel/router.h"
#include "tunnel/tunnel.h"

G_BEGIN_DECLS

/* The states (README.md), and what leads from one to the next:
 *
 *                   enroll                                    an answer
 *   NOT_ENROLLED ───────────→ CONNECTING ───────────────────────────────────────→ CONNECTED
 *        ↑                     ↑   ↑  │ no TUN, no privilege, conflict       lost │      ↑ an answer
 *        │ leave       connect │   │  └──────→ ERROR ──┐                         ↓      │
 *        │ (from any)          │   └── 30 s, connect ──┘                      RECONNECTING
 *        └──────────────── DISCONNECTED ←── disconnect (from any that is enrolled)
 *
 *   Leaving is NOT_ENROLLED with the reason "leaving": the keys are erased and the tunnel is down before the edge is
 * told, so that no edge can delay it. Until the edge has answered, for 10 s at most, enroll is refused, because the
 * name is still taken there.
 *
 *   REMOVED: from any that is enrolled, when the edge says so; left by enroll or leave. ERROR also at start, when the
 * state file is broken. No edge of this version asks for approval, so AWAITING_APPROVAL doesn't occur yet. */
typedef enum
{
  EW_STATE_NOT_ENROLLED,
  EW_STATE_DISCONNECTED,
  EW_STATE_CONNECTING,
  EW_STATE_CONNECTED,
  EW_STATE_RECONNECTING,
  EW_STATE_AWAITING_APPROVAL,
  EW_STATE_REMOVED,
  EW_STATE_ERROR
} EwTunnelState;

enum
{
  PROP_0,
  PROP_STATE,
  PROP_REASON,
  PROP_MESSAGE,
  PROP_MESSAGE_PHRASE,
  PROP_MODE,
  PROP_GUARD_UNTIL,
  PROP_LOCKDOWN,
  PROP_LOCKDOWN_UNTIL,
  PROP_ROLE,
  PROP_MESH,
  PROP_SUFFIX,
  PROP_NODE_NAME,
  PROP_KIND,
  PROP_ADDRESSES,
  PROP_EDGE_NAME,
  PROP_EDGE_ENDPOINT,
  PROP_TRANSPORT,
  PROP_SINCE,
  PROP_INTERFACE,
  PROP_PORTAL_URL,
  PROP_PORTAL_UNTIL,
  PROP_TRIAL,
  PROP_PROBLEMS,
  PROP_PROBLEM_PHRASES,
  PROP_NAMES,
  PROP_NAMES_MESSAGE,
  PROP_NAMES_PHRASE,
  PROP_PROXY,
  PROP_PROXY_ASKS,
  PROP_PROXY_WANTED,
  N_PROPS
};

#define EW_PROBES_KEPT 8
#define EW_TUNNEL_MTU_MIN 1280 /* below it Linux takes IPv6 off an interface (RFC 8200 section 5) */
#define EW_PATH_MEMORIES 16
#define EW_TUNNEL_OURSELVES G_MAXUINT32 /* a reader of the map in this process */

typedef struct
{
  guint64 token;
  guint64 sent_ns;
} EwSentProbe;

typedef struct EwTunnelPortal EwTunnelPortal; /* portal-private.h */

/* What a network's path to the edge took. */
typedef struct
{
  gchar *network;  /* as EwTunnel's; NULL: none */
  EwFamily family; /* of the address outside: IPv6's headers are larger */
  guint16 known[EW_PATH_WAYS];
  gint64 used; /* boot time */
} EwPathMemory;

struct _EwTunnel
{
  GObject parent;

  /* For life. */
  gchar *interface, *state_dir;
  EwHost *host;
  EwNames *names;             /* NULL: not started */
  EwOutsideResolver *outside; /* likewise; it is the process' default then */
  EwResume *resume;
  GThread *preparing; /* the engine, where it will be wanted at once; NULL: none */
  gchar *networks;    /* link.c: the computer's networks when last looked at, as text */

  /* The account: loaded by tunnel.c, changed by membership.c and refresh.c. */
  EwKeystore *keystore; /* NULL: its file is broken */
  GError *broken;       /* … and why */
  EwDocument *document; /* NULL: not enrolled */
  EwClient *client;     /* likewise */
  GCancellable *life;   /* of this membership: cancelled when it ends */
  EwTopology *topology; /* NULL: nobody looks */
  gboolean enrolling;   /* one at a time */
  gboolean leaving; /* nothing is left here, the edge is being told: everything else waits (ew_tunnel_check_member) */
  guint leave_seconds; /* so long for the edge's answer; tests have less patience */

  /* What is shown (tunnel.c). */
  EwTunnelState state;
  gchar *reason, *message, *message_phrase;
  gint64 since; /* realtime µs */
  GVariant *shown[N_PROPS];
  gchar *status;       /* the text last made of it; NULL: something has changed since */
  gint64 status_until; /* boot time: by then its counters are old */
  gint64 looked_at;    /* boot time: when liveness last heard that a viewer looks */

  /* mode.c */
  EwGuard guard;
  EwAlarm *guard_alarm;
  gint64 guard_until; /* realtime µs; 0: not counting */
  GQueue mode_tasks;  /* GTask waiting for the mode to be active */

  /* lockdown.c */
  EwAlarm *lockdown_alarm;
  gint64 lockdown_until; /* realtime µs: the end of a trial; 0: none */

  /* link.c: engine NULL: down. */
  EwEngine *engine;
  EwRouterState *router;
  EwLiveness liveness;
  EwAlarm *alarm, *retry; /* liveness' deadline; ERROR: tried again */
  gint64 slept;           /* ew_slept() when last looked at */
  gint64 network_since;   /* boot time: another network since then, or back from sleep */
  GArray *candidates;
  guint candidate;
  gint peer; /* index of the edge that is the engine's peer; -1: none */
  guint8 peer_key[32];
  EwPlan *plan;    /* in force; NULL: none */
  gboolean proved; /* the edge has answered since it went up */
  gboolean vpn_active, no_route;
  gboolean held, held_vpn; /* the interface is lost, the host stays as it was until it's made again; … in VPN mode */
  gboolean handshaken;     /* since the edge fell silent */
  gboolean greeted;        /* the first handshake was begun before the host was changed */
  gboolean trimmed;        /* freed memory was given back since it became quiet */

  /* race.c */
  EwAlarm *race_alarm;
  guint raced;              /* how many candidates after the one in use have had the handshake */
  EwEndpoint last_endpoint; /* worked last, also before the engine was made */
  EwEndpoint answered;      /* the engine's at the latest answer */
  EwBetter better;
  EwAlarm *better_alarm;
  guint compared;      /* how many candidates after the one in use have been measured beside it */
  EwEndpoint called;   /* the latest of them */
  EwAlarm *name_alarm; /* name-watch.c: the edge's name is asked again then; NULL: never needed */
  gboolean asking_name;
  gboolean resolving, resolve_again;
  gint64 resolved; /* boot time of the last look-up */

  /* https.c */
  EwStreamThread *streams;
  EwAlarm *https_alarm;         /* a stream is dialed then */
  EwAlarm *udp_alarm;           /* over https: UDP is tried then */
  GPtrArray *dials;             /* GCancellable of the streams that are being made */
  gboolean dial_again;          /* the alarm is set */
  gboolean doubted;             /* … and the stream in use is given up then, if it brings no answer until then */
  guint dialed, n_dialed;       /* the candidate that is dialed next; how many have been in this round */
  EwEndpoint dialed_to;         /* where the stream leads */
  guint dial_failures;          /* rounds in a row */
  EwEndpoint stream;            /* kind NONE: there is none */
  gboolean over_https;          /* the edge answered through it, and by nothing else since */
  gchar *obstacle;              /* a sentence: this network reads TLS, or what its proxy says; NULL: neither is known */
  const gchar *obstacle_reason; /* static; obstacle's code */
  gchar *network;               /* names the network that this computer is in; apply.c */
  guint udp_tries;
  gint64 stream_since; /* boot time */

  EwTunnelPortal *portal; /* portal.c; NULL: never suspected */
  /* proxy-choice.c */
  gchar *proxy_file;
  gchar *proxy;          /* as the user chose it, without a password */
  gchar *proxy_asks;     /* HOST:PORT of the one that wants a user name and a password; NULL: none does */
  gint64 proxy_answered; /* boot time: when a session said which one it uses; 0: not in this network */

  /* path.c */
  EwPathMtu path;
  EwAlarm *path_alarm;      /* path's deadline; NULL: never needed */
  gboolean path_wanted;     /* the next answer begins a search */
  EwEndpoint path_endpoint; /* that path leads to */
  EwPathMemory path_memory[EW_PATH_MEMORIES];
  guint16 mtu, segment_mtu; /* apply.c: in force */

  /* probe.c */
  guint32 instance;           /* names this run of the program in probes */
  EwNodeProblem problem;      /* what the edge last said of this node */
  gboolean edge_sends_singly; /* as the latest answer said: bursts to this computer are damaged */
  EwSentProbe probes[EW_PROBES_KEPT];
  guint next_probe;
  gint64 probe_answered; /* boot time when the probe was sent that was answered last */
  gint64 rtt_us;         /* -1: not measured */

  /* refresh.c */
  gboolean fetching, fetch_again;
  EwRevision told_revision;                  /* the latest that the edge named */
  gboolean told;                             /* the next fetch is for an edge's notice */
  gint64 fetch_not_before, store_not_before; /* boot time */
  guint fruitless;                           /* fetches in a row that the edge asked for, and that brought nothing */
  gboolean describing;                       /* the edge is being told what this computer runs */
  gint64 describe_not_before;                /* boot time */
  EwAlarm *fetch_alarm;
  EwAlarm *store_alarm; /* what the edge said last is written then; NULL: never needed */

  /* live-check.c */
  GList *live_checks;
  gint64 live_initiated; /* the last handshake that was begun for them */

  GList *pings; /* ping.c */
  gpointer far; /* FarWatch: the far legs, during a ping */
};

/* tunnel.c */
/* The one door: logs old → new, stores, announces. reason: stable code, message: a sentence; "" for none. */
void ew_tunnel_set_state (EwTunnel *self, EwTunnelState state, const gchar *reason, const gchar *message);
const gchar *ew_tunnel_name_state (EwTunnelState state);
/* Announces whatever has changed of the properties. */
void ew_tunnel_show (EwTunnel *self);
/* Takes document and client from the keystore; nothing where it is not enrolled. */
gboolean ew_tunnel_load_membership (EwTunnel *self, GError **error);
/* Brings the tunnel down first: there is no tunnel without a document. */
void ew_tunnel_drop_membership (EwTunnel *self);
/* fixes.c: EwHostFix flags that are wanted. */
guint ew_tunnel_get_fixes (EwTunnel *self);
/* The broken file, leaving, NOT_ENROLLED or REMOVED as an error; TRUE: there is a membership to work with. */
gboolean ew_tunnel_check_member (EwTunnel *self, GError **error);
/* The state that a tunnel that is down shows. */
void ew_tunnel_rest (EwTunnel *self);
const EwDocumentEdge *ew_tunnel_get_edge (EwTunnel *self); /* the one in use; NULL: none */
/* Codes of other rooms made into EW_ERROR's, the sentence kept. Takes error. */
GError *ew_tunnel_error (GError *error);

/* link.c */
gboolean ew_tunnel_up (EwTunnel *self, GError **error);
/* Says goodbye, undoes everything on the host. The state is the caller's to set. */
void ew_tunnel_down (EwTunnel *self);
/* The interface is lost, and what it left on the host is not kept any longer. */
void ew_tunnel_let_go (EwTunnel *self);
/* Makes the host, the engine's peer and the router what document, choices and networks ask for. vpn: default routes
   too. On failure the current plan is kept. */
gboolean ew_tunnel_apply (EwTunnel *self, gboolean vpn, GError **error);
/* The same plan with the path's MTU, where that has changed. */
gboolean ew_tunnel_apply_mtu (EwTunnel *self, GError **error);
void ew_tunnel_event (EwTunnel *self, EwLivenessEvent event);
/* Says in the state what liveness knows. */
void ew_tunnel_show_link (EwTunnel *self);
void ew_tunnel_network_changed (EwTunnel *self);
/* Back from sleep. */
void ew_tunnel_woken (EwTunnel *self);
/* apply.c: notes what the computer's networks look like now. TRUE: they have changed since. */
gboolean ew_tunnel_look_at_networks (EwTunnel *self);

/* peer.c */
const EwCandidate *ew_tunnel_get_candidate (const EwTunnel *self); /* the one in use; NULL: none is known */
/* Chooses the next one that this computer has a route to; the one in use is tried last, with keep first. */
void ew_tunnel_next_candidate (EwTunnel *self, gboolean keep);
/* The candidate in use becomes the engine's peer: another edge, another key. */
void ew_tunnel_use_candidate (EwTunnel *self);
/* The engine's peer is the edge in use, with the plan's allowed IPs. endpoint NULL: as it is. */
void ew_tunnel_set_peer (EwTunnel *self, const EwPlan *plan, const EwEndpoint *endpoint);
/* The tunnel goes up: the handshake's round trip takes place while the host is changed. After a failure it waits for the
   host: a handshake alone makes this node online for the edge. */
void ew_tunnel_begin_handshake (EwTunnel *self, const EwPlan *plan);
/* Where the edge's API answers inside the tunnel (borrowed); NULL: no address of this computer's reaches it. */
const EwIp *ew_tunnel_get_inside (EwTunnel *self, guint16 *port);
/* While the tunnel works, the API can be reached through it, too. */
void ew_tunnel_lead_inside (EwTunnel *self, gboolean works);
/* The document's edges may be others now. */
void ew_tunnel_edges_changed (EwTunnel *self);

/* naming.c */
/* Document, plan or mode is another: names follow. */
void ew_tunnel_set_names (EwTunnel *self);
/* EwIp: where the edge answers names, of the families that the plan has. (transfer full) */
GArray *ew_tunnel_name_servers (EwTunnel *self, const EwPlan *plan);
/* In VPN mode: all names are the edge's to look up. Not where only a list goes through the tunnel. */
gboolean ew_tunnel_leads_names (EwTunnel *self);
const gchar *ew_tunnel_get_names (EwTunnel *self); /* "ok" or a code */
const gchar *ew_tunnel_get_names_message (EwTunnel *self);

/* race.c */
/* A handshake was begun with the candidate in use: the other addresses of the edge take part. */
void ew_tunnel_race (EwTunnel *self);
/* The edge has answered: the candidate in use is the one that it answered from. */
void ew_tunnel_race_won (EwTunnel *self);
/* Connected: from now on, other addresses are measured beside the one in use. */
void ew_tunnel_race_start (EwTunnel *self);
/* A handshake was answered from there. */
void ew_tunnel_race_handshaken (EwTunnel *self, const EwEndpoint *from);
/* The candidate that worked last in this network, or anywhere; 0 where none did. */
guint ew_tunnel_race_first (EwTunnel *self);
/* … answered again. */
void ew_tunnel_race_answered (EwTunnel *self);
/* Looks the edges' names up; what they have now is used once it is known. */
void ew_tunnel_resolve (EwTunnel *self);
/* Writes the account, at most once a minute: for what an edge says. What a crash loses of it, the next start fetches
   again. */
void ew_tunnel_store_soon (EwTunnel *self);
/* The same, not more often than is of use. */
void ew_tunnel_resolve_silent (EwTunnel *self);

/* name-watch.c */
/* Connected, or the name was looked up: it's asked how long its answers hold. */
void ew_tunnel_watch_name (EwTunnel *self);
void ew_tunnel_unwatch_name (EwTunnel *self);

/* https.c */
/* A handshake was begun: a stream takes part, soon. */
void ew_tunnel_https_race (EwTunnel *self);
/* The edge is lost: a stream that was in use is of no use. */
void ew_tunnel_https_lost (EwTunnel *self);
/* The edge has answered, or its endpoint moved: by which way it's reached. */
void ew_tunnel_https_settle (EwTunnel *self);
/* Another network. TRUE: the stream in use is still this computer's, and stays in use. */
gboolean ew_tunnel_https_keeps (EwTunnel *self);
/* The way is another, by the user's choice: dialed at once where that is needed. */
void ew_tunnel_https_again (EwTunnel *self);
/* The tunnel goes down. */
void ew_tunnel_https_stop (EwTunnel *self);
void ew_tunnel_https_free (EwTunnel *self);
EwStreams *ew_tunnel_https_get_streams (EwTunnel *self);
/* What keeps the edge from being reached, until it answers or the network is another: as the state's reason (static).
   sentence NULL: nothing any more, and the next stream is dialed at once. */
void ew_tunnel_https_set_obstacle (EwTunnel *self, const gchar *reason, const gchar *sentence);

/* portal.c */
/* Neither UDP nor TCP has an answer yet: asks, in a moment, whether a captive portal is the reason. */
void ew_tunnel_portal_suspect (EwTunnel *self);
/* The edge answers, the network is another, or the tunnel goes down. */
void ew_tunnel_portal_forget (EwTunnel *self);
gboolean ew_tunnel_portal_is_known (EwTunnel *self);
const gchar *ew_tunnel_portal_get_url (EwTunnel *self); /* "": none is known */
gint64 ew_tunnel_portal_get_until (EwTunnel *self);     /* realtime µs: the end of the way out; 0: none is open */
void ew_tunnel_portal_diagnose (EwTunnel *self, JsonArray *checks);
void ew_tunnel_portal_free (EwTunnel *self);

/* proxy-choice.c */
void ew_tunnel_start_proxy (EwTunnel *self);
/* What has gone through a proxy, or might have, has ended so: NULL, or an error. */
void ew_tunnel_proxy_said (EwTunnel *self, const GError *error);
/* Another network: what the session answered is of the one before. */
void ew_tunnel_proxy_network_changed (EwTunnel *self);
/* The edge's URL that a session is to look a proxy up for; "": none. */
const gchar *ew_tunnel_get_proxy_wanted (EwTunnel *self);
gchar *ew_tunnel_find_proxy (EwTunnel *self); /* HOST:PORT of the one that leads to the edge now; NULL: none */
/* For the status. */
void ew_tunnel_add_proxy (EwTunnel *self, JsonObject *object);

/* path.c */
/* The largest packet for the interface, and for TCP's segments, which may be smaller than an interface may be told. */
guint16 ew_tunnel_get_mtu (EwTunnel *self);
guint16 ew_tunnel_get_segment_mtu (EwTunnel *self);
/* The edge answered: another path is measured. */
void ew_tunnel_path_answered (EwTunnel *self);
void ew_tunnel_path_heard (EwTunnel *self, const EwLinkMessage *message); /* a SIZE_ANSWER */
/* Traffic flows, and the edge is asked whether it's there. */
void ew_tunnel_path_busy (EwTunnel *self);
/* Another network, or the edge is lost: the next answer begins a search. */
void ew_tunnel_path_lost (EwTunnel *self);
/* The tunnel goes down. */
void ew_tunnel_path_stop (EwTunnel *self);
void ew_tunnel_path_free (EwTunnel *self);

/* probe.c */
void ew_tunnel_probe (EwTunnel *self);
void ew_tunnel_goodbye (EwTunnel *self);
void ew_tunnel_heard (const EwHeard *heard, gpointer user_data);

/* refresh.c */
/* Keeps the timestamp reservation ahead of what was sent. */
void ew_tunnel_reserve_timestamps (EwTunnel *self);
void ew_tunnel_refresh (EwTunnel *self);
/* Tells the edge this computer's system and version where it knows others; nothing waits for that. */
void ew_tunnel_describe (EwTunnel *self);
/* The edge says that its document has this revision: fetched unless this node has it. */
/* What the edge says about this node, through the tunnel or its API. */
void ew_tunnel_heard_problem (EwTunnel *self, EwNodeProblem problem);
/* … and what that means, or NULL: nothing that this computer's user has to know. */
typedef struct
{
  const gchar *what, *fix;
} EwProblemText;
const EwProblemText *ew_tunnel_get_problem (const EwTunnel *self);
gboolean ew_tunnel_show_problem (EwTunnel *self, EwTunnelState state); /* as the state's reason; FALSE: no conflict */
void ew_tunnel_heard_revision (EwTunnel *self, EwRevision revision);
/* FALSE: nothing new in it, or nothing to be believed. */
gboolean ew_tunnel_take_document (EwTunnel *self, JsonObject *object);
/* What was accepted before a document named it is held to what the new one says of it. */
void ew_tunnel_settle_choices (EwTunnel *self);
/* The edge said 410 (or 401: not_known) to one of this node's calls. */
void ew_tunnel_was_removed (EwTunnel *self, const GError *error);
gboolean ew_tunnel_is_removal (const GError *error);

/* mode.c */
void ew_tunnel_mode_init (EwTunnel *self, gboolean vpn);
/* The tunnel works: brings the wanted mode into force where it is not. */
void ew_tunnel_mode_proved (EwTunnel *self);
void ew_tunnel_mode_probe_returned (EwTunnel *self, gint64 sent);
/* The tunnel goes down: what was not settled is undone. */
void ew_tunnel_mode_down (EwTunnel *self);

/* lockdown.c */
/* Before anything else is done to the host. */
void ew_tunnel_start_lockdown (EwTunnel *self);
/* A trial ends with the daemon; else the rules stay. */
void ew_tunnel_stop_lockdown (EwTunnel *self);
const gchar *ew_tunnel_get_lockdown (EwTunnel *self); /* "off", "trying" or "on" */
/* FALSE while lockdown is on: what says in a clause what that would cut, without a full stop. */
gboolean ew_tunnel_check_unlocked (EwTunnel *self, const gchar *what, GError **error);
/* The user's choices have changed while it's on. */
gboolean ew_tunnel_bound_lockdown (EwTunnel *self, GError **error);
/* FALSE: no trial counts. Else it is kept or undone, and *done says whether that worked. */
gboolean ew_tunnel_settle_lockdown (EwTunnel *self, gboolean keep, gboolean *done, GError **error);

/* routes.c */
/* Written as prefix, but with bits set after its length: FALSE, and an error that says what was meant. */
gboolean ew_tunnel_refuse_host_bits (const gchar *text, const EwPrefix *prefix, GError **error);

/* split.c */
/* The user's lists, for the status. */
void ew_tunnel_add_split (EwTunnel *self, JsonObject *object);

/* ping.c */
void ew_tunnel_ping_heard (EwTunnel *self, const EwHeard *heard);
void ew_tunnel_ping_stop (EwTunnel *self);

/* problems.c: EwHostProblem of the plan in force. (transfer full) */
GPtrArray *ew_tunnel_collect_problems (EwTunnel *self);
GVariant *ew_tunnel_show_problems (EwTunnel *self);
GVariant *ew_tunnel_show_problem_phrases (EwTunnel *self); /* of each (common/phrase.h), "": none */
/* The array `problems` of the status. (transfer full) */
JsonArray *ew_tunnel_problems_to_json (EwTunnel *self);

G_END_DECLS
