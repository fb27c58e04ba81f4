/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A router, a device with three nodes, and no wires:
 *
 *   alice 100.96.1.1 fd12::1:1      bob 100.96.1.2 fd12::1:2, gateway of 10.7.0.0/24      carol 100.96.1.3 (never seen)
 */
#pragma once

#include <netinet/in.h>

#include "edge/exit/exit.h"
#include "edge/switch/router.h"
#include "proto/link.h"
#include "proto/packet.h"

#define S G_GUINT64_CONSTANT (1000000000)
#define NOW (1000 * S)

typedef struct
{
  EwDevice *device;
  EwSwitchRouter router;
  EwRouterNode nodes[3];
  EwPeer *peers[3];
  EwExitPolicy *policy;
  EwTime time;
  guint wakes;
  guint8 buffer[EW_HEADROOM + 2048 + EW_TAILROOM];
  EwPacket packet;
  EwPeer *to;
} Fixture;

enum
{
  ALICE,
  BOB,
  CAROL,
  TUN = -1
};

void set_up (Fixture *f, gconstpointer data);
void tear_down (Fixture *f, gconstpointer data);
void open_exit (Fixture *f);

EwIp ip (const gchar *text);
void put16 (guint8 *out, guint value);
/* An IP header before what stands at its end already; returns the whole size. */
gsize put_ip (guint8 *out, const EwIp *from, const EwIp *to, guint8 protocol, guint8 ttl, gsize payload);

/* Packets in f->packet. A reply is to a packet of make_udp() with the addresses swapped. */
void make_udp (Fixture *f, const gchar *from_text, const gchar *to_text, guint8 ttl, gsize payload);
void make_reply (Fixture *f, const gchar *from, const gchar *to);
void make_link (Fixture *f, const gchar *from_text, const gchar *to_text, EwLinkType type, guint64 token,
                guint64 stamp);

EwRoute route (Fixture *f, int from);

/* Type and code of the ICMP error that the packet has become, checked to be well made; from the address expected. */
guint icmp_error (Fixture *f, const gchar *from, const gchar *to);
#define ICMP4(type, code) ((type) << 8 | (code))
#define UNREACHABLE4 ICMP4 (3, 1)
#define NO_ROUTE4 ICMP4 (3, 0)
#define PROHIBITED4 ICMP4 (3, 13)
#define EXCEEDED4 ICMP4 (11, 0)
#define TOO_BIG4 ICMP4 (3, 4)
#define UNREACHABLE6 ICMP4 (1, 3)
#define NO_ROUTE6 ICMP4 (1, 0)
#define PROHIBITED6 ICMP4 (1, 1)
#define EXCEEDED6 ICMP4 (3, 0)
#define TOO_BIG6 ICMP4 (2, 0)

/* A policy that notes what it is asked, its data. */
typedef struct
{
  gboolean answer;
  EwFlow flows[8];
  guint n;
  const gchar *from, *to;
} Verdicts;

gboolean on_verdict (gpointer data, gconstpointer from, gconstpointer to, const EwFlow *flow, const guint8 *packet,
                     gsize len);

#define ADD_AT(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
#define ADD(name, func) ADD_AT ("/switch/router/" name, func)
