/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The engine's behaviours by name: what it asks of the kernel, and what it does when a kernel, a device or a path takes
 * less than the best ones do. Linked with --wrap for the system calls that such a kernel answers otherwise.
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "engine/engine-private.h"
#include "engine/transmit.h"

/* The kernel's part. */

static struct
{
  const char *release; /* uname(2) says this; NULL: the truth */
  guint16 eio_port;    /* a burst to that port is refused as by a device without checksum offload; 0: none is */
  guint bursts;        /* messages that the kernel was to cut, … */
  guint to_eio_port;   /* … those to that port, … */
  guint too_large;     /* … and messages that it called too large */
  gsize largest;
} kernel;

int __real_uname (struct utsname *out);
int __wrap_uname (struct utsname *out);
int __real_sendmmsg (int fd, struct mmsghdr *messages, unsigned int n, int flags);
int __wrap_sendmmsg (int fd, struct mmsghdr *messages, unsigned int n, int flags);

int
__wrap_uname (struct utsname *out)
{
  int result = __real_uname (out);

  if (kernel.release != NULL)
    g_strlcpy (out->release, kernel.release, sizeof out->release);
  return result;
}

static gboolean
is_burst (struct msghdr *message)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR (message); c != NULL; c = CMSG_NXTHDR (message, c))
    if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_SEGMENT)
      return TRUE;
  return FALSE;
}

/* One message a call, so that each can be looked at. */
int
__wrap_sendmmsg (int fd, struct mmsghdr *messages, unsigned int n, int flags)
{
  struct msghdr *message = &messages[0].msg_hdr;
  const gboolean burst = is_burst (message);
  const gboolean eio_port = ntohs (((struct sockaddr_in *)message->msg_name)->sin_port) == kernel.eio_port;
  gsize len = 0;

  for (gsize i = 0; i < message->msg_iovlen; i++)
    len += message->msg_iov[i].iov_len;
  kernel.largest = MAX (kernel.largest, len);
  kernel.bursts += burst;
  if (burst && eio_port)
    {
      kernel.to_eio_port++;
      errno = EIO;
      return -1;
    }
  int sent = __real_sendmmsg (fd, messages, 1, flags);
  kernel.too_large += sent < 0 && errno == EMSGSIZE;
  return sent;
}

static EwEndpoint
loopback (guint16 port)
{
  const EwIp ip = ew_ip_from_v4 (0x7f000001);

  return ew_endpoint_udp (&ip, port);
}

/* Datagrams that wait at an IPv4 socket, all of them. */
static guint
drain (EwUdp *udp)
{
  struct pollfd wait = { .fd = udp->fds[0], .events = POLLIN };
  EwBuffers buffers;
  guint datagrams = 0;

  ew_buffers_init (&buffers);
  while (poll (&wait, 1, 100) > 0)
    {
      EwArrival arrival = { .data = ew_buffers_at (&buffers, 0), .len = EW_BUFFER_CAPACITY };
      g_assert_cmpuint (udp->class->receive (udp, 0, &arrival, 1), ==, 1);
      datagrams += arrival.segment == 0 ? 1 : (guint)((arrival.len + arrival.segment - 1) / arrival.segment);
    }
  ew_buffers_clear (&buffers);
  return datagrams;
}

/* How 64 KiB of TSO are sent: 64 datagrams of a full MTU each, 20 bytes of outer headers not counted 91 KiB. */
static void
test_68_kib_of_tso (void)
{
  g_autoptr (EwUdp) from = ew_udp_open (NULL, 0, 0, NULL), to = ew_udp_open (NULL, 0, 0, NULL);
  const EwEndpoint endpoint = loopback (to->port);
  static guint8 peer;
  EwBuffers buffers;
  EwTransmit transmit;

  memset (&kernel, 0, sizeof kernel);
  ew_buffers_init (&buffers);
  ew_transmit_init (&transmit, &buffers, NULL);
  for (guint i = 0; i < EW_BATCH_MAX; i++)
    ew_transmit_add (&transmit, from, (EwPeer *)&peer, &endpoint, ew_buffers_at (&buffers, i), 1420 + 32, 0);
  ew_transmit_flush (&transmit, from);
  g_assert_cmpuint (transmit.stats.sent, ==, EW_BATCH_MAX);
  g_assert_cmpuint (transmit.stats.failed, ==, 0);
  g_assert_cmpuint (kernel.too_large, ==, 0);
  g_assert_cmpuint (kernel.largest, <=, 65535 - 20 - 8);
  g_assert_cmpuint (drain (to), ==, EW_BATCH_MAX);
  ew_transmit_clear (&transmit);
  ew_buffers_clear (&buffers);
}

static void
send_burst (EwUdp *from, guint16 port)
{
  static guint8 bytes[10][1000];
  g_autofree EwBurst *burst = g_new0 (EwBurst, 1);
  EwUdpSendStats stats = { 0 };

  burst->to = loopback (port);
  for (guint i = 0; i < G_N_ELEMENTS (bytes); i++)
    ew_burst_append (burst, bytes[i], sizeof bytes[i]);
  from->class->send (from, burst, 1, &stats);
  g_assert_cmpuint (stats.sent, ==, 10);
  g_assert_cmpuint (stats.failed, ==, 0);
}

/* Nothing is lost when a device refuses a burst; later datagrams to that address are sent singly, those to others as
   bursts. */
static void
test_eio_on_send (void)
{
  g_autoptr (EwUdp) from = ew_udp_open (NULL, 0, 0, NULL), refusing = ew_udp_open ("127.0.0.1", 0, 0, NULL),
                    other = ew_udp_open ("127.0.0.2", 0, 0, NULL);

  memset (&kernel, 0, sizeof kernel);
  kernel.eio_port = refusing->port;
  send_burst (from, refusing->port);
  if (kernel.bursts == 0)
    {
      g_test_skip ("this kernel has no UDP_SEGMENT");
      return;
    }
  g_assert_cmpuint (drain (refusing), ==, 10);
  for (guint i = 0; i < 3; i++)
    send_burst (from, refusing->port);
  g_assert_cmpuint (kernel.to_eio_port, ==, 1);
  g_assert_cmpuint (drain (refusing), ==, 30);
  g_assert_cmpuint (kernel.bursts, ==, 1);

  static guint8 bytes[2][1000];
  g_autofree EwBurst *elsewhere = g_new0 (EwBurst, 1);
  const EwIp ip = ew_ip_from_v4 (0x7f000002);
  EwUdpSendStats stats = { 0 };
  elsewhere->to = ew_endpoint_udp (&ip, other->port);
  ew_burst_append (elsewhere, bytes[0], 1000);
  ew_burst_append (elsewhere, bytes[1], 1000);
  from->class->send (from, elsewhere, 1, &stats);
  g_assert_cmpuint (stats.sent, ==, 2);
  g_assert_cmpuint (kernel.bursts, ==, 2);
}

static gboolean
gathers_on (const char *release)
{
  int on = -1;
  socklen_t size = sizeof on;

  memset (&kernel, 0, sizeof kernel);
  kernel.release = release;
  g_autoptr (EwUdp) udp = ew_udp_open ("127.0.0.1", 0, 0, NULL);
  g_assert_nonnull (udp);
  memset (&kernel, 0, sizeof kernel);
  if (getsockopt (udp->fds[0], IPPROTO_UDP, UDP_GRO, &on, &size) == 0)
    g_assert_cmpint (on, ==, udp->gathers);
  return udp->gathers;
}

static void
test_no_udp_gro_before_5_12 (void)
{
  static const char *const old[] = { "5.11.22-generic", "5.9.0", "5.2.21", "4.19.0-26-amd64", "4.99.1", "3.10.0", "x" };
  static const char *const good[] = { "5.12.0", "5.12", "5.100.3", "6.1.0-31-amd64", "6.0", "10.2.0-rc1" };

  for (gsize i = 0; i < G_N_ELEMENTS (old); i++)
    {
      g_test_message ("%s", old[i]);
      g_assert_false (gathers_on (old[i]));
    }
  if (!gathers_on (NULL))
    {
      g_test_skip ("this kernel has no UDP_GRO");
      return;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_test_message ("%s", good[i]);
      g_assert_true (gathers_on (good[i]));
    }
}

/* The sockets' half; with packets on a narrow path: tests/netns/test_behaviour.py. */
static void
test_outer_df_clear (void)
{
  g_autoptr (EwUdp) udp = ew_udp_open (NULL, 0, 0, NULL);
  int value = -1;
  socklen_t size = sizeof value;

  g_assert_cmpint (getsockopt (udp->fds[0], IPPROTO_IP, IP_MTU_DISCOVER, &value, &size), ==, 0);
  g_assert_cmpint (value, ==, IP_PMTUDISC_DONT);
  if (udp->fds[1] < 0)
    return;
  g_assert_cmpint (getsockopt (udp->fds[1], IPPROTO_IPV6, IPV6_MTU_DISCOVER, &value, &size), ==, 0);
  g_assert_cmpint (value, ==, IPV6_PMTUDISC_DONT);
}

/* The interface's half. */

static int
mtu_of (const char *name)
{
  struct ifreq request = { 0 };
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  g_strlcpy (request.ifr_name, name, sizeof request.ifr_name);
  g_assert_cmpint (ioctl (fd, SIOCGIFMTU, &request), ==, 0);
  close (fd);
  return request.ifr_mtu;
}

static void
assert_refused (guint16 mtu)
{
  const EwEngineConfig config = { .mtu = mtu };
  g_autoptr (GError) error = NULL;

  g_assert_null (ew_engine_new (&config, &error));
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "1280"));
}

static void
test_mtu (void)
{
  const EwEngineConfig config = { .interface_name = "ewb0" };
  g_autoptr (GError) error = NULL;

  assert_refused (1);
  assert_refused (1279);
  if (access ("/dev/net/tun", R_OK | W_OK) != 0 || unshare (CLONE_NEWNET) != 0)
    {
      g_test_skip ("no privilege to make network namespaces, or no /dev/net/tun");
      return;
    }
  g_autoptr (EwEngine) engine = ew_engine_new (&config, &error);
  g_assert_no_error (error);
  g_assert_cmpint (mtu_of ("ewb0"), ==, 1420);
  g_assert_false (ew_engine_set_mtu (engine, 1279, &error));
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_cmpint (mtu_of ("ewb0"), ==, 1420);
  g_assert_true (ew_engine_set_mtu (engine, 1280, &error));
  g_assert_cmpint (mtu_of ("ewb0"), ==, 1280);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/behaviour/68-KiB-of-tso-are-split-before-EMSGSIZE", test_68_kib_of_tso);
  g_test_add_func ("/behaviour/EIO-on-send-switches-UDP_SEGMENT-off-for-that-path", test_eio_on_send);
  g_test_add_func ("/behaviour/no-UDP_GRO-before-linux-5.12", test_no_udp_gro_before_5_12);
  g_test_add_func ("/behaviour/outer-DF-clear", test_outer_df_clear);
  g_test_add_func ("/behaviour/default-mtu-1420-never-below-1280", test_mtu); /* last: it changes its network */
  return g_test_run ();
}
