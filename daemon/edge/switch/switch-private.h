/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The switch from the inside: what switch.c (nodes, life), monitor.c (presence, round trips, notices) and
 * services.c share.
 * Everything here belongs to the main context; only EwRouterNode and EwSwitchRouter are seen by the data thread.
 */
#pragma once

#include "edge/switch/presence.h"
#include "edge/switch/router.h"
#include "edge/switch/switch.h"

/* plain-path.c's */
typedef struct
{
  EwEndpoint endpoint; /* that was measured last */
  guint64 began_ns, sent_ns;
  guint16 sizes[12]; /* that are out, or were answered */
  guint n, tries;
  gboolean measuring, between;
} PlainPath;

typedef struct
{
  EwRouterNode router;
  gchar *id;
  guint8 public_key[EW_KEY_SIZE];
  EwPeer *peer;      /* followed inside ew_engine_call() only */
  guint index;       /* in EwSwitch.order */
  GArray *addresses; /* EwIp */
  GArray *routes;    /* EwPrefix */
  gboolean plain;
  EwRevision revision;
  EwNotice notice;
  PlainPath path; /* if it's plain */
  guint64 due_ns; /* when to look again though nothing happens; G_MAXUINT64: never */

  /* As last read from the engine. */
  guint64 read_ns;
  EwPresence presence;
  guint64 rx_bytes, tx_bytes; /* the node's view */
  guint64 last_handshake_realtime_ns;
  guint64 dropped_source;
  EwEndpoint endpoint;

  EwIdentity identity;
  EwNodeProblem problem;
  guint64 latest_timestamp_ns, refused_timestamp_ns; /* of its initiations */

  gboolean online;
  EwEndpoint reported; /* the endpoint that on_endpoint was told, or that set_node() came with */
  guint64 reported_ns;
} SwitchNode;

typedef struct
{
  EwIp ip;
  guint8 protocol;
  guint16 port;
} EwProbeTarget;

struct EwSwitch
{
  EwEngine *engine;
  EwSwitchRouter router;
  EwFlowTable *flows; /* the router's; NULL until there was a verdict */
  const EwSwitchExit *exit_class;
  gpointer exit;                    /* NULL: hairpin alone */
  gpointer exit_policy;             /* the one that the data threads have */
  EwRouterPolicy *policy;           /* so is this */
  EwRouterResolvers *resolvers;     /* … and this */
  EwRouterTranslation *translation; /* … and this, if it has any services; NULL until they were set */
  EwNat *nat;                       /* its */
  gchar *tun_failure;               /* why there is no TUN */
  gboolean awaits_tun;              /* no TUN was opened, or it was deleted: the next switch may have one */
  gchar *limits;
  GMainContext *context;
  void (*on_presence) (gpointer user_data, const gchar *id, gboolean online);
  void (*on_endpoint) (gpointer user_data, const gchar *id, const EwEndpoint *endpoint);
  void (*on_problem) (gpointer user_data, const gchar *id);
  void (*on_exit) (gpointer user_data); /* NULL: also while it starts */
  gpointer user_data;

  GHashTable *nodes;  /* id → SwitchNode, owned */
  GHashTable *by_key; /* public key → SwitchNode */
  GPtrArray *order;   /* of SwitchNode, for taking turns */
  guint64 dropped_source;

  int wake_fd; /* eventfd: the data thread has notes */
  GSource *wake_source;
  GSource *scan_source; /* while something of a node is due */
  guint64 scan_due_ns;  /* when it comes */
  guint64 scanned_ns;
  GSource *probe_source;     /* while a viewer looks */
  GSource *notice_source;    /* while a notice is due */
  GSource *find_source;      /* while nodes are sought */
  GSource *measuring_source; /* while paths to plain nodes are measured */
  GPtrArray *measuring;      /* of SwitchNode; NULL: never yet */
  GPtrArray *noticing;       /* of SwitchNode with a notice due */
  GQueue *seeking;           /* of ids */
  EwProbeTarget probed[EW_PROBE_SLOTS];
  guint viewers;
  guint probe_turn;
};

/* monitor.c */

/* Wakes when the data thread has notes; FALSE: no descriptor. */
gboolean ew_switch_monitor_init (EwSwitch *self, GError **error);
void ew_switch_monitor_clear (EwSwitch *self);
/* To be called after a node was taken out of the tables and of the engine, before it is freed. */
void ew_switch_monitor_removed (EwSwitch *self, SwitchNode *node);
/* Reads these nodes' state from the engine, if it wasn't within the last second; reports nothing. */
void ew_switch_monitor_refresh (EwSwitch *self, const SwitchNode *node);
/* Reads these nodes' state from the engine, and reports what has changed; it may free nodes. */
void ew_switch_monitor_update (EwSwitch *self, SwitchNode *const *nodes, guint n);
/* Its document has changed. */
void ew_switch_monitor_notify (EwSwitch *self, SwitchNode *node);
guint64 ew_switch_now_ns (void);
/* The pair of addresses that the edge and the node have in one family; borrowed. */
gboolean ew_switch_find_addresses (EwSwitch *self, SwitchNode *node, const EwIp **service, const EwIp **address);
/* Unless source is set already. */
void ew_switch_run_every (EwSwitch *self, GSource **source, guint ms, GSourceFunc func);

/* services.c */

/* As ew_switch_monitor_removed(). */
void ew_switch_services_forget (EwSwitch *self, SwitchNode *node);
/* After the engine has been freed. */
void ew_switch_services_clear (EwSwitch *self);
