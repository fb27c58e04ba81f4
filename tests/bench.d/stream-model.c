/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A tunnel of one to eight TCP connections, to measure what more than one would bring to the https transport: its queue,
 * capsules and socket options (daemon/stream), without TLS and WireGuard.
 *
 *   stream-model listen  PORT         CONNECTIONS WAY INTERFACE
 *   stream-model connect ADDRESS PORT CONNECTIONS WAY INTERFACE
 *
 *      INTERFACE (TUN) → the flow's connection → queue → TCP ⇉ TCP → INTERFACE
 *
 * All packets of a flow take the same connection, so that none overtakes another. WAY: plain (one after another), sparse
 * (flows that send little don't wait in the queue) or apart (those have the first connection for themselves). It prints
 * "ready" once all connections are there, and ends with any of them.
 */
#include "stream/queue.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "capsule/capsule.h"
#include "engine/sparse.h"

#define CONNECTIONS_MAX 8
#define RECORD_SIZE (16 * 1024)
#define NOTSENT_LOWAT (32 * 1024) /* daemon/stream/streams.c, as is all that tune() does */
#define PACKETS_AT_ONCE 64

typedef struct
{
  int fd;
  EwStreamQueue queue;
  guint8 out[RECORD_SIZE];
  gsize length, written;
  EwCapsuleReader reader;
} Connection;

typedef struct
{
  int tun;
  guint n;
  enum
  {
    PLAIN,
    SPARSE,
    APART
  } way;
  EwSparse flows;
  Connection connections[CONNECTIONS_MAX];
} Model;

static guint64
now_ns (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (guint64)t.tv_sec * 1000000000 + (guint64)t.tv_nsec;
}

static void G_NORETURN
die (const char *what)
{
  perror (what);
  exit (1);
}

static void
tune (int fd)
{
  const int one = 1, lowat = NOTSENT_LOWAT;

  (void)setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  (void)setsockopt (fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof lowat);
  if (setsockopt (fd, IPPROTO_TCP, TCP_CONGESTION, "bbr", strlen ("bbr")) != 0)
    fprintf (stderr, "stream-model: no BBR here\n");
  if (fcntl (fd, F_SETFL, O_NONBLOCK) != 0)
    die ("fcntl");
}

static int
open_tun (const char *name)
{
  struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
  const int fd = open ("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

  g_strlcpy (request.ifr_name, name, sizeof request.ifr_name);
  if (fd < 0 || ioctl (fd, TUNSETIFF, &request) != 0)
    die (name);
  return fd;
}

/* One after the other, so that both ends count them the same way. */
static void
make_connections (Model *model, const char *address, int port)
{
  struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons ((guint16)port) };
  const int one = 1, listener = address == NULL ? socket (AF_INET, SOCK_STREAM, 0) : -1;

  if (address != NULL && inet_pton (AF_INET, address, &at.sin_addr) != 1)
    die (address);
  if (listener >= 0
      && (setsockopt (listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0
          || bind (listener, (struct sockaddr *)&at, sizeof at) != 0 || listen (listener, CONNECTIONS_MAX) != 0))
    die ("listen");
  for (guint i = 0; i < model->n; i++)
    {
      const int fd = listener >= 0 ? accept (listener, NULL, NULL) : socket (AF_INET, SOCK_STREAM, 0);
      if (fd < 0 || (listener < 0 && connect (fd, (struct sockaddr *)&at, sizeof at) != 0))
        die ("connect");
      tune (fd);
      model->connections[i].fd = fd;
    }
}

/* By addresses, protocol and, where there are any, ports. */
static Connection *
connection_of (Model *model, const guint8 *packet, gsize length, gboolean sparse)
{
  guint32 hash = 2166136261u;

  const guint first = model->way == APART && model->n > 1;

  if (length < 24 || packet[0] >> 4 != 4 || (sparse && first > 0))
    return &model->connections[0];
  const gboolean ports = packet[9] == IPPROTO_TCP || packet[9] == IPPROTO_UDP;
  for (gsize i = 9; i < (ports ? 24u : 20u); i++)
    if (i != 10 && i != 11)
      hash = (hash ^ packet[i]) * 16777619u;
  return &model->connections[first + (hash >> 8) % (model->n - first)];
}

static void
read_tun (Model *model)
{
  guint8 packet[2048];

  for (guint i = 0; i < PACKETS_AT_ONCE; i++)
    {
      const gssize length = read (model->tun, packet, sizeof packet);
      if (length <= 0)
        return;
      const guint64 now = now_ns ();
      const gboolean sparse = model->way != PLAIN && ew_sparse_look (&model->flows, packet, (gsize)length, now);
      Connection *c = connection_of (model, packet, (gsize)length, sparse);
      ew_stream_queue_push (&c->queue, packet, (gsize)length, sparse, now);
    }
}

static void
write_connection (Connection *c)
{
  for (;;)
    {
      struct pollfd out = { .fd = c->fd, .events = POLLOUT };
      if (poll (&out, 1, 0) <= 0)
        return;
      if (c->written == c->length)
        {
          c->length = ew_stream_queue_pack (&c->queue, c->out, sizeof c->out, now_ns ());
          c->written = 0;
        }
      if (c->length == 0)
        return;
      const gssize n = write (c->fd, c->out + c->written, c->length - c->written);
      if (n <= 0)
        return;
      c->written += (gsize)n;
    }
}

static void
read_connection (Model *model, Connection *c)
{
  guint8 bytes[64 * 1024];
  const guint8 *data = bytes, *datagram;
  gssize n = read (c->fd, bytes, sizeof bytes);

  if (n == 0)
    exit (0);
  gsize length = n > 0 ? (gsize)n : 0, size;
  while (ew_capsule_read (&c->reader, &data, &length, &datagram, &size) == EW_CAPSULE_DATAGRAM)
    (void)!write (model->tun, datagram, size);
}

static void G_NORETURN
run_model (Model *model)
{
  for (;;)
    {
      struct pollfd fds[1 + CONNECTIONS_MAX] = { { .fd = model->tun, .events = POLLIN } };
      for (guint i = 0; i < model->n; i++)
        {
          const Connection *c = &model->connections[i];
          const gboolean waits = !ew_stream_queue_is_empty (&c->queue) || c->written < c->length;
          fds[1 + i] = (struct pollfd){ .fd = c->fd, .events = (short)(POLLIN | (waits ? POLLOUT : 0)) };
        }
      if (poll (fds, 1 + model->n, -1) < 0)
        die ("poll");
      if (fds[0].revents)
        read_tun (model);
      for (guint i = 0; i < model->n; i++)
        {
          if (fds[1 + i].revents & ~POLLOUT)
            read_connection (model, &model->connections[i]);
          write_connection (&model->connections[i]);
        }
    }
}

int
main (int argc, char **argv)
{
  static Model model;
  const gboolean listens = argc > 1 && strcmp (argv[1], "listen") == 0;

  if (argc != (listens ? 6 : 7))
    {
      fprintf (stderr, "Usage: stream-model listen PORT CONNECTIONS WAY INTERFACE\n"
                       "       stream-model connect ADDRESS PORT CONNECTIONS WAY INTERFACE\n");
      return 2;
    }
  model.way = argv[argc - 2][0] == 'a' ? APART : argv[argc - 2][0] == 's' ? SPARSE : PLAIN;
  model.n = (guint)CLAMP (atoi (argv[argc - 3]), 1, CONNECTIONS_MAX);
  model.tun = open_tun (argv[argc - 1]);
  make_connections (&model, listens ? NULL : argv[2], atoi (argv[argc - 4]));
  puts ("ready");
  fflush (stdout);
  run_model (&model);
}
