/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The server's parts: server.c (life, changes), server-doors.c (sockets), server-udp.c, server-tcp.c. All but what is
 * said to be the lock's belongs to the server's thread.
 */
#pragma once

#include <netinet/in.h>

#include "edge/dns/answer.h"
#include "edge/dns/server.h"

#define DOORS_MAX 2
#define OPEN_MAX 4096 /* questions via UDP that the forwarder has */

typedef struct
{
  int fd;    /* < 0: not bound */
  int error; /* errno of the last attempt; 0: bound */
  GSource *source;
} EwDnsSocket;

typedef struct
{
  EwDnsServer *server;
  EwIp address;
  EwDnsSocket sockets[2]; /* UDP, TCP */
} EwDnsDoor;

typedef struct EwDnsBatch EwDnsBatch;

struct EwDnsServer
{
  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
  gchar *interface;
  guint16 port;
  gint64 idle_us;     /* a connection's */
  gint64 interval_us; /* between two questions of a node; 0: no bound */
  const EwDnsForwardCalls *forward_calls;
  gpointer forward_data;
  EwDnsForward *forward;
  EwDnsZone *zone;
  EwDnsDoor doors[DOORS_MAX];
  guint n_doors;
  GSource *retry;
  EwDnsBatch *batch;
  guint open;         /* questions via UDP that the forwarder has */
  GQueue connections; /* of EwDnsConnection */
  GSource *sweep;

  gint asked; /* atomic */

  GMutex lock; /* of these: */
  gboolean listening;
  guint16 bound_port; /* of the first UDP socket */
  gchar *limits;
  GMainContext *owner;
  GSource *change; /* on its way to on_change */
  void (*on_change) (gpointer user_data);
  gpointer user_data;
};

/* Tries to bind what is not bound. Returns whether something has changed; *all: nothing is left that may work later. */
gboolean ew_dns_doors_open (EwDnsServer *self, gboolean *all);
void ew_dns_doors_close (EwDnsServer *self);
/* (transfer full) see ew_dns_server_dup_limits() */
gchar *ew_dns_doors_limits (EwDnsServer *self);

/* Who sent it; NULL: the sender may not ask. */
EwDnsHost *ew_dns_server_identify (const EwDnsDoor *door, const struct sockaddr_storage *from, EwDnsAsker *asker);
gboolean ew_dns_server_take (EwDnsServer *self, EwDnsHost *host);

EwDnsBatch *ew_dns_batch_new (void);
void ew_dns_batch_free (EwDnsBatch *batch);
gboolean ew_dns_udp_ready (int fd, GIOCondition condition, gpointer door);
gboolean ew_dns_tcp_ready (int fd, GIOCondition condition, gpointer door);
void ew_dns_tcp_close_all (EwDnsServer *self);
