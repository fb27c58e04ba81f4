/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The desktop's words for numbers, times and states, translated. All (transfer full) unless const.
 */
#pragma once

#include "daemon.h"
#include "node.h"
#include "service.h"

G_BEGIN_DECLS

gchar *ew_words_bytes (gint64 bytes);          /* "1.2 MB"; "Unknown" below 0 */
gchar *ew_words_rate (gdouble bytes_a_second); /* "84 Mb/s", bits as networks count them */
gchar *ew_words_latency (gdouble ms);          /* "12 ms", "5.3 ms", "0.42 ms": see latency.h */
gchar *ew_words_sum_latency (gdouble ms);      /* "≈ 12 ms": a sum of legs, not a ping */
gchar *ew_words_span (gint64 seconds);         /* "45 seconds", "3 hours", "2 days" */
gchar *ew_words_countdown (gint64 seconds);    /* "0:42" */
gchar *ew_words_time (gint64 realtime_us);     /* "3 Nov, 08:14" in the locale's way */

/* What is only as it was then: "No answer since 14:03" where it is being asked, else "As last seen at 14:03". */
gchar *ew_words_as_of (gint64 realtime_us, gboolean asked);

const gchar *ew_words_kind (EwNode *node); /* "Server", "Device", "Gateway" */
gchar *ew_words_node_state (EwNode *node); /* "Online", "Offline for 2 days", "Not joined yet" */
/* What the edge sees of a node's identity (ew_node_get_problem()), in a few words; NULL: none. */
const gchar *ew_words_problem (const gchar *code);
const gchar *ew_words_via (EwNode *node); /* "via HTTPS"; NULL: its packets go through UDP, or it isn't online */
/* "nas, online, 12 ms through edge Frankfurt"; what a screen reader says of a node. self: this computer, for the sum,
   or NULL. */
gchar *ew_words_node_spoken (EwNode *node, EwNode *self, EwEdge *edge);
gchar *ew_words_node_description (EwNode *node); /* "Server, Mesh IP 100.96.0.21. Press Enter for details." */
/* Path from self to node: the sum of both legs as they are shown, in ms; below 0: unknown. */
gdouble ew_words_path_ms (EwNode *node, EwNode *self);

/* A service. A target's state without a full stop: "nas:8123 answers", "nas is offline since 12:03". */
gchar *ew_words_target (const EwServiceTarget *target);
gchar *ew_words_target_fix (const EwServiceTarget *target); /* what to do, a sentence; NULL: nothing */
gchar *ew_words_service_state (EwService *service);         /* "Works", "Doesn't work", "Offline", "Not checked" */
gchar *ew_words_service_ports (EwService *service);         /* "80, 443", what callers use */
gchar *ew_words_service_targets (EwService *service);       /* "nas:8123, web:8123" */
/* "ha, service of nas:8123, works"; what a screen reader says of it. */
gchar *ew_words_service_spoken (EwService *service);
gchar *ew_words_service_description (EwService *service); /* "Port 80, address 100.111.0.1. Press Enter for details." */

gchar *ew_words_plain (const gchar *sentence);   /* commands in quotes, in place of backticks */
gchar *ew_words_state (EwDaemon *daemon);        /* "Connected", "Connecting…", "Disconnected" */
gchar *ew_words_state_span (EwDaemon *daemon);   /* "Frankfurt · 3 h 12 min", "Trying for 12 s" */
gchar *ew_words_state_detail (EwDaemon *daemon); /* the same, or the daemon's message */
/* VPN mode, and the edge doesn't answer: nothing leaves this computer until it does. */
gboolean ew_words_internet_is_off (EwDaemon *daemon);
gchar *ew_words_internet_off (EwDaemon *daemon); /* "Your internet is off until Frankfurt answers." */
/* The network lets nothing through until someone has logged in on its own page. */
gboolean ew_words_wants_login (EwDaemon *daemon);
/* The network's proxy wants a user name and a password, and nothing else leads to the edge. */
gboolean ew_words_wants_password (EwDaemon *daemon);
/* Lockdown is on, and nothing leaves this computer as there is no tunnel. */
gboolean ew_words_lockdown_blocks (EwDaemon *daemon);
gchar *ew_words_lockdown (EwDaemon *daemon); /* "Lockdown blocks all traffic until Frankfurt answers." */
/* Why there is no tunnel, in a few words; NULL: nothing to say. The daemon's message is the whole sentence. */
const gchar *ew_words_reason (EwDaemon *daemon);
gchar *ew_words_status_line (EwDaemon *daemon); /* for the tray: "Connected · connector only" */

/* service: the service's version, "": unknown. (transfer full) */
gchar *ew_words_version_gap (const gchar *service);     /* NULL: it fits this program */
gchar *ew_words_version_refusal (const gchar *service); /* why it doesn't know what it was asked */

G_END_DECLS
