/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Real TUN interfaces, in a network namespace of this process; skipped without the privilege. Names are checked
 * everywhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine-testing.h"

static gboolean have_tun;

/* One queue. */
static EwTun *
open_tun (const char *name, guint16 mtu, GError **error)
{
  EwTun *tun = NULL;

  return ew_tun_open_queues (name, mtu, 1, &tun, error) == 1 ? tun : NULL;
}

static void
test_names (void)
{
  static const char *const bad[] = { "", ".", "..", "a/b", "sixteen-letters-", "tun%d", "a b", "a:b", "\xc3\xa4" };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (open_tun (bad[i], 1420, &error));
      g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED);
      g_assert_nonnull (strstr (error->message, "can't be the name"));
    }
}

static gboolean
skipped (void)
{
  if (!have_tun)
    g_test_skip ("no privilege to make network namespaces, or no /dev/net/tun");
  return !have_tun;
}

static void
test_life (void)
{
  g_autoptr (GError) error = NULL;
  guint8 byte = 0;
  EwPacket packet = { .data = &byte, .len = 1 }, packets[4];
  EwBuffers buffers;

  if (skipped ())
    return;
  EwTun *tun = open_tun ("ewt0", 1380, &error);
  g_assert_no_error (error);
  g_assert_cmpint (tun->ifindex, ==, (int)if_nametoindex ("ewt0"));
  ew_buffers_init (&buffers);
  g_assert_cmpint (tun->class->read (tun, &buffers, packets, 4), ==, 0); /* down, silent, not lost */
  ew_buffers_clear (&buffers);
  g_assert_cmpuint (tun->class->write (tun, &packet, 1), ==, 0);
  g_assert_true (tun->class->set_mtu (tun, 1280, &error));
  g_assert_cmpint (system ("ip link show ewt0 | grep -q 'mtu 1280'"), ==, 0);
  ew_tun_free (tun);
  g_assert_cmpuint (if_nametoindex ("ewt0"), ==, 0);
}

static void
test_name_in_use (void)
{
  g_autoptr (GError) error = NULL;

  if (skipped ())
    return;
  g_autoptr (EwTun) tun = open_tun ("ewt1", 1420, &error);
  g_assert_no_error (error);
  g_assert_null (open_tun ("ewt1", 1420, &error));
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_NAME_IN_USE);
  g_clear_error (&error);
  g_assert_null (open_tun ("lo", 1420, &error));
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_NAME_IN_USE);
  g_clear_error (&error);
  /* A persistent TUN that no process is attached to isn't Edgeway's either. */
  g_assert_cmpint (system ("ip tuntap add dev ewt2 mode tun"), ==, 0);
  g_assert_null (open_tun ("ewt2", 1420, &error));
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_NAME_IN_USE);
}

/* Many queues of one interface: a flow's packets come by the one that it was last written to. */
static void
test_queues (void)
{
  g_autoptr (GError) error = NULL;
  EwTun *queues[3];
  EwBuffers buffers;
  guint seen = 0;

  if (skipped ())
    return;
  g_assert_cmpuint (ew_tun_open_queues ("ewt4", 1400, 3, queues, &error), ==, 3);
  g_assert_no_error (error);
  g_assert_cmpint (system ("ip addr add 10.123.0.1/24 dev ewt4 && ip link set ewt4 up"), ==, 0);
  ew_buffers_init (&buffers);
  for (guint i = 0; i < 3; i++)
    g_assert_true (queues[i]->class->set_mtu (queues[i], 1300, &error));
  /* 60 flows: some come by each. */
  g_assert_cmpint (system ("bash -c 'for p in $(seq 5001 5060); do echo x > /dev/udp/10.123.0.2/$p; done'"), ==, 0);
  for (guint i = 0; i < 3; i++)
    {
      EwPacket packets[EW_BATCH_MAX];
      gssize n = queues[i]->class->read (queues[i], &buffers, packets, EW_BATCH_MAX);
      g_assert_cmpint (n, >, 0);
      for (gssize k = 0; k < n; k++)
        seen += packets[k].data[0] >> 4 == 4 && packets[k].data[9] == 17;
      g_assert_cmpstr (queues[i]->name, ==, "ewt4");
      g_assert_cmpint (queues[i]->ifindex, ==, queues[0]->ifindex);
    }
  g_assert_cmpuint (seen, ==, 60);
  ew_buffers_clear (&buffers);
  for (guint i = 0; i < 3; i++)
    ew_tun_free (queues[i]);
  g_assert_cmpuint (if_nametoindex ("ewt4"), ==, 0);
}

/* Runs as another, unprivileged user. Exits with 0 if that user got a queue, else with the errno. untiring: tries until
   it has one, detaches it so that it is not seen at once, and waits. */
static G_GNUC_NORETURN void
be_a_stranger (const char *name, gboolean untiring)
{
  struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE };
  int fd, result;

  if (setgroups (0, NULL) != 0 || setgid (65534) != 0 || setuid (65534) != 0 || prctl (PR_SET_PDEATHSIG, SIGKILL) != 0)
    _exit (255);
  g_strlcpy (ifr.ifr_name, name, sizeof ifr.ifr_name);
  do
    {
      fd = open ("/dev/net/tun", O_RDWR | O_NONBLOCK);
      if (fd < 0)
        _exit (errno);
      result = ioctl (fd, TUNSETIFF, &ifr);
      if (result != 0)
        close (fd);
    }
  while (untiring && result != 0);
  if (!untiring)
    _exit (result == 0 ? 0 : errno);
  ifr.ifr_flags = IFF_DETACH_QUEUE;
  ioctl (fd, TUNSETQUEUE, &ifr);
  pause ();
  _exit (0);
}

static pid_t
start_stranger (const char *name, gboolean untiring)
{
  const pid_t pid = fork ();

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    be_a_stranger (name, untiring);
  return pid;
}

/* The kernel lets any user attach a queue to an interface that has no owner: that user would read decrypted packets. */
static void
test_strangers_queue (void)
{
  g_autoptr (GError) error = NULL;
  EwTun *queues[2];
  int status;

  if (skipped ())
    return;
  g_assert_cmpuint (ew_tun_open_queues ("ewt5", 1400, 2, queues, &error), ==, 2);
  g_assert_cmpint (waitpid (start_stranger ("ewt5", FALSE), &status, 0), >, 0);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, EPERM);
  for (guint i = 0; i < 2; i++)
    ew_tun_free (queues[i]);
}

/* Nor does a fast user get one between the creation of the interface and the setting of its owner. */
static void
test_strangers_haste (void)
{
  guint alone = 0;

  if (skipped ())
    return;
  for (guint i = 0; i < 30; i++)
    {
      g_autoptr (GError) error = NULL;
      EwTun *queues[2];
      const pid_t stranger = start_stranger ("ewt6", TRUE);
      g_usleep (5000);
      const guint n = ew_tun_open_queues ("ewt6", 1400, 2, queues, &error);
      g_assert_no_error (error);
      g_autofree gchar *ours = n == 2
                                 ? g_strdup ("ip -d link show ewt6 | grep -q 'numqueues 2 numdisabled 0'")
                                 : g_strdup ("! ip -d link show ewt6 | grep -q multi_queue"); /* of one there is one */
      g_assert_cmpint (system (ours), ==, 0);
      alone += n == 1;
      kill (stranger, SIGKILL);
      waitpid (stranger, NULL, 0);
      for (guint k = 0; k < n; k++)
        ew_tun_free (queues[k]);
      g_assert_cmpuint (if_nametoindex ("ewt6"), ==, 0);
    }
  g_test_message ("the stranger was quicker %u times of 30", alone);
}

/* A kernel that gives no second queue. */
static gboolean refuses_queues;
int __real_ioctl (int fd, unsigned long request, void *argument);
int __wrap_ioctl (int fd, unsigned long request, void *argument);

int
__wrap_ioctl (int fd, unsigned long request, void *argument)
{
  if (refuses_queues && request == TUNSETIFF)
    {
      const struct ifreq *ifr = argument;
      if ((ifr->ifr_flags & IFF_MULTI_QUEUE) != 0 && if_nametoindex (ifr->ifr_name) != 0)
        {
          errno = E2BIG;
          return -1;
        }
    }
  return __real_ioctl (fd, request, argument);
}

/* Then one thread carries the data, and its interface works fully. */
static void
test_no_queues (void)
{
  g_autoptr (GError) error = NULL;
  const EwEngineConfig config = { .interface_name = "ewt5", .data_threads = 2 };

  if (skipped ())
    return;
  refuses_queues = TRUE;
  g_autoptr (EwEngine) engine = ew_engine_new (&config, &error);
  refuses_queues = FALSE;
  g_assert_no_error (error);
  g_assert_cmpuint (ew_testing_count_data_threads (engine), ==, 1);
  g_assert_cmpint (ew_engine_get_ifindex (engine), ==, (int)if_nametoindex ("ewt5"));
  g_assert_true (ew_engine_set_mtu (engine, 1300, &error));
  g_assert_cmpint (system ("ip link set ewt5 up && ip link show ewt5 | grep -q 'mtu 1300'"), ==, 0);
}

static void
count (void *user)
{
  (*(guint *)user)++;
}

static void
test_deleted (gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint lost = 0;
  const EwEngineConfig config
    = { .interface_name = "ewt3", .data_threads = GPOINTER_TO_UINT (data), .on_tun_lost = count, .event_user = &lost };

  if (skipped ())
    return;
  g_autoptr (EwEngine) engine = ew_engine_new (&config, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ew_testing_count_data_threads (engine), ==, config.data_threads);
  g_assert_cmpint (system ("ip link del ewt3"), ==, 0);
  gint64 end = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;
  while (lost == 0 && g_get_monotonic_time () < end)
    {
      g_main_context_iteration (NULL, FALSE);
      g_usleep (1000);
    }
  for (guint i = 0; i < 20; i++) /* its queues fail one by one, and one message is logged */
    {
      g_main_context_iteration (NULL, FALSE);
      g_usleep (1000);
    }
  g_assert_cmpuint (lost, ==, 1);
  g_assert_false (ew_engine_set_mtu (engine, 1279, NULL));
  g_assert_true (ew_engine_set_mtu (engine, 1300, NULL)); /* the device's, all that is left */
}

static void
test_engine_errors (void)
{
  g_autoptr (GError) error = NULL;
  const EwEngineConfig small = { .mtu = 1279 };
  const EwEngineConfig first = { 0 };

  g_assert_null (ew_engine_new (&small, &error));
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED);
  g_clear_error (&error);
  g_autoptr (EwEngine) engine = ew_engine_new (&first, &error);
  g_assert_no_error (error);
  guint16 port = ew_engine_get_listen_port (engine);
  const EwEngineConfig second = { .listen_port = port };
  g_assert_null (ew_engine_new (&second, &error));
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_PORT_IN_USE);
  g_clear_error (&error);

  g_autoptr (EwUdp) other = ew_udp_open (NULL, 0, 0, &error);
  g_assert_no_error (error);
  g_assert_false (ew_engine_set_listen_port (engine, other->port, &error));
  g_assert_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_PORT_IN_USE);
  g_clear_error (&error);
  g_assert_cmpuint (ew_engine_get_listen_port (engine), ==, port);
  g_assert_true (ew_engine_set_listen_port (engine, 0, &error));
  g_assert_cmpuint (ew_engine_get_listen_port (engine), !=, 0);
  g_assert_false (ew_engine_serve_uapi (engine, TRUE, &error)); /* no interface, no name */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  have_tun
    = access ("/dev/net/tun", R_OK | W_OK) == 0 && unshare (CLONE_NEWNET) == 0 && system ("ip link set lo up") == 0;
  g_test_add_func ("/tun/names", test_names);
  g_test_add_func ("/tun/life", test_life);
  g_test_add_func ("/tun/queues", test_queues);
  g_test_add_func ("/tun/no-queues", test_no_queues);
  g_test_add_func ("/tun/strangers-queue", test_strangers_queue);
  g_test_add_func ("/tun/strangers-haste", test_strangers_haste);
  g_test_add_func ("/tun/name-in-use", test_name_in_use);
  g_test_add_data_func ("/tun/deleted", GUINT_TO_POINTER (0), test_deleted);
  g_test_add_data_func ("/tun/deleted-queues", GUINT_TO_POINTER (3), test_deleted);
  g_test_add_func ("/tun/engine-errors", test_engine_errors);
  return g_test_run ();
}
