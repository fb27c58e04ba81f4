/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random histories of a small mesh: an edge and two to five nodes, real devices (proto/device.h), everything else made
 * up. All of a history follows from its seed.
 *
 *      node 2 ──NAT──┐                     history-wires.c    wires that lose, repeat, delay, reorder and corrupt; NATs
 *      node 3 ──NAT──┼── edge (node 1)                        that give a node another address; an eavesdropper
 *       …            │   a router          history-streams.c  the https transport beside them
 *      node 6 ──NAT──┘                     history-mesh.c     the nodes: keys, clocks, sleep, restarts, what is kept
 *                                          history-events.c   what happens, one thing after another
 *                                          history-checks.c   what must be true whatever happens
 *                                          history-phases.c   chaos, then fine weather, then silence
 *
 * Time: `now` is the true one. Every node has its own monotonic clock, which began elsewhere, and its own idea of the
 * date, which jumps.
 */
#pragma once

#include <glib.h>
#include "proto/messages.h"

#define SECOND EW_NSEC_PER_SEC
#define MILLISECOND (SECOND / 1000)
#define NODES_MAX 6 /* the edge among them */
#define RECORDED 48 /* datagrams that the eavesdropper remembers */
#define MTU 1420

typedef struct History History;
typedef struct Node Node;

/* What the wires do to a datagram, in thousandths, and how long it takes. */
typedef struct
{
  unsigned loss, duplication, reordering, corruption, straying; /* straying: half a minute late */
  uint64_t latency_ns;
} Weather;

typedef struct
{
  uint64_t arrives_ns, order;
  uint64_t from, to; /* addresses; in a stream: 0, and a node's number */
  uint64_t stream;   /* 0: UDP */
  gboolean corrupt;  /* changed on the way */
  size_t len;
  uint8_t ecn, data[];
} Datagram;

struct Node
{
  History *history;
  EwDevice *device;
  unsigned number; /* from 1, the edge */
  uint8_t private_key[EW_KEY_SIZE], public_key[EW_KEY_SIZE];
  uint64_t address;                     /* where its datagrams seem to come from, and others find it */
  uint64_t boot_offset_ns;              /* its monotonic clock, less the true time */
  uint64_t realtime_ns, set_ns;         /* its date was set to this at that true time */
  uint64_t wakes_ns;                    /* suspended until then; 0: awake */
  uint64_t floor_ns;                    /* of timestamps, as it is on its disk */
  uint64_t latest_timestamp_ns;         /* ever sent, whatever the disk says */
  gboolean floor_lost;                  /* a restart without the disk */
  uint64_t window_ns, ticks, datagrams; /* in the second since window_ns: nothing may storm */
  uint64_t stream;                      /* its own, to the edge; 0: none */
  uint64_t stream_clear_ns[2];          /* when what was written last is read: by the node, by the edge */
  gboolean udp_blocked;                 /* its network drops UDP */
  unsigned epoch;                       /* rises when it forgets what it heard: restarts, removed peers */
  struct                                /* by number: what is configured of the others */
  {
    gboolean joined, preshared;
    uint8_t preshared_key[EW_KEY_SIZE];
    uint16_t keepalive;
    uint64_t endpoint; /* as the edge keeps it on its disk; 0: not known */
  } peers[NODES_MAX + 1];
};

/* One direction of one session, by the index that its receiver chose. */
typedef struct
{
  uint32_t receiver_index;
  unsigned sender;
  uint64_t next_counter, first_ns;
} Session;

struct History
{
  uint64_t seed, random_state, now_ns;
  gboolean trace;
  Node nodes[NODES_MAX + 1]; /* 1 is the edge */
  unsigned n_nodes;
  uint64_t next_address, next_stream, order;
  uint32_t next_index; /* indices are never the same twice, so that they name sessions */
  Weather weather;
  GPtrArray *flying; /* a heap of Datagram, by arrival */
  Datagram *recorded[RECORDED];
  unsigned n_recorded;
  GByteArray *delivered;     /* by serial: 0 or 1 */
  GHashTable *sessions;      /* Session by its receiver_index */
  GHashTable *answered;      /* by the index of an initiation: who answered it last, in which epoch */
  unsigned drop_initiations; /* that many are lost, whatever the weather */
  unsigned initiations;      /* sent by any node */
  guint64 n_datagrams, n_streamed, n_delivered, n_sent, n_handshakes, healed_ns;
};

/* history-phases.c. Runs one history; a broken promise is printed with its seed, and the program ends. */
typedef struct
{
  guint64 histories, datagrams, streamed, sent, delivered, handshakes, slowest_heal_ns;
} HistoryTotals;

void history_run (uint64_t seed, gboolean trace, HistoryTotals *totals);
extern volatile uint64_t history_current_seed;
G_NORETURN void history_fail (History *history, const char *format, ...) G_GNUC_PRINTF (2, 3);
void history_note (History *history, const char *format, ...) G_GNUC_PRINTF (2, 3);
#define NOTE(history, ...)                                                                                             \
  do                                                                                                                   \
    if ((history)->trace)                                                                                              \
      history_note (history, __VA_ARGS__);                                                                             \
  while (0)

/* history-wires.c */
uint64_t history_random (History *history);
/* 0…n-1. */
uint64_t history_below (History *history, uint64_t n);
gboolean history_happens (History *history, unsigned thousandths);
void history_fly (Node *from, uint64_t to, const uint8_t *data, size_t len, uint8_t ecn);
/* Puts what arrives then into a stream; to: a node's number. */
void history_stream (History *history, uint64_t stream, unsigned to, const uint8_t *data, size_t len,
                     uint64_t arrives_ns);
void history_clear_wires (History *history);
/* Lets time pass. */
void history_wait (History *history, uint64_t duration_ns);
/* An attacker replays what was heard, to its receiver or to another node, from its sender's address or another one. */
void history_replay (History *history);

/* history-streams.c */
EwEndpoint stream_endpoint (uint64_t stream);
/* Opens one if there is none. */
void stream_use (Node *node);
void stream_cut (Node *node); /* if there is one */
void stream_settle (Node *node);
void stream_write (Node *from, uint64_t stream, const uint8_t *data, size_t len);
/* NULL: it has ended. */
Node *stream_receiver (History *history, const Datagram *d);
uint64_t stream_of_attacker (History *history);

/* history-mesh.c */
EwTime node_time (const Node *node);
gboolean node_is_awake (const Node *node);
EwPeer *node_peer (const Node *node, const Node *other);
void node_start (Node *node);
/* Makes node know other, as far as node->peers says. */
void node_join (Node *node, Node *other);
void node_leave (Node *node, Node *other);
/* The process ends and starts again: after a crash, cleanly, or on a machine that lost its disk. */
typedef enum
{
  RESTART_CRASH,
  RESTART_PEACEFUL,
  RESTART_WITHOUT_FLOOR
} Restart;
void node_restart (Node *node, Restart how);
void node_set_clock (Node *node, uint64_t realtime_ns);
/* One packet with a fresh serial, which is returned. spoofed: the source address that it pretends, or NULL. */
unsigned node_send (Node *from, Node *to, gboolean v6, size_t size, const Node *spoofed);
void history_build (History *history);
void history_free (History *history);

/* history-checks.c */
void check_transmitted (Node *node, EwPeer *peer, const uint8_t *data, size_t len, uint8_t dscp_ecn);
void check_delivered (Node *node, EwPeer *from, const EwPacket *packet);
void check_tick (Node *node);
void check_memory (Node *node);
/* After ten minutes of silence. */
void check_silence (Node *node);
size_t payload_size (void);
void payload_write (uint8_t *out, size_t size, unsigned serial, unsigned from, unsigned to);
gboolean payload_arrived (const History *history, unsigned serial);

/* history-events.c */
void history_event (History *history);
