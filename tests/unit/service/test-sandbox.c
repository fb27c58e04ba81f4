/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A process in edgewayd's own sandbox, or in the edge's, tries to access files and sockets of root and other programs,
 * and those it needs itself, including ones that appear or change after it has started. As root, in a mount namespace
 * of its own with an /etc, /run, /root, /home and /var made for the test; skipped elsewhere.
 *
 *   test, outside ──── "r /etc/shadow" ───→ child, inside
 *                 ←──────── EACCES ────────
 */
#include "service/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edge/privileges.h"
#include "sandbox/capabilities.h"

#define STATE "/var/lib/edgeway"
#define PRIVATE "/run/trial"
#define PACKAGES "/var/lib/handed-out" /* the edge's */
#define FRESH "nameserver 192.0.2.53\n"

typedef struct
{
  gboolean no_id_mapping; /* kernels and file systems without it */
  gboolean no_mounts;     /* a container without CAP_SYS_ADMIN … */
  gboolean linked;        /* … whose resolv.conf is a link into /run */
  gboolean edge;          /* the edge's … */
  gboolean edge_user;     /* … which has a user of its own */
  gboolean mounted_bus;   /* the bus' folder is a mount of its own, as a container's is */
  gboolean guarded;       /* a guard stands before the bus, which this process can't reach itself */
  gboolean private_state; /* the state's folder is in one of /run that only root may enter, as a trial's is */
} Kind;

typedef struct
{
  gchar operation; /* what try_it() does */
  const gchar *path;
  gboolean allowed;
} Try;

typedef struct
{
  pid_t child;
  int channel;
} Inside;

static gboolean can_run;

/* Inside. */

static int
try_open (const gchar *path, int flags)
{
  char byte;
  int fd = open (path, flags | O_CLOEXEC | O_NONBLOCK, 0600);
  int code = fd < 0 || ((flags & O_ACCMODE) == O_RDONLY && read (fd, &byte, 1) < 0 && errno != EISDIR) ? errno : 0;

  if (fd >= 0)
    close (fd);
  return code;
}

static int
try_socket (const gchar *path, gboolean abstract, gboolean bound)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), code;
  socklen_t length = (socklen_t)(offsetof (struct sockaddr_un, sun_path) + (abstract ? 1 : 0) + strlen (path));

  g_strlcpy (address.sun_path + (abstract ? 1 : 0), path, sizeof address.sun_path - 1);
  if (!abstract)
    length++;
  code = (bound ? bind : connect) (fd, (const struct sockaddr *)&address, length) == 0 ? 0 : errno;
  close (fd);
  return code;
}

/* A question to a name server. Its answer comes back on a port that the kernel chooses. */
static void
ask_and_answer (int type)
{
  struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof here;
  const int yes = 1;
  int server = socket (AF_INET, type | SOCK_CLOEXEC, 0), client = socket (AF_INET, type | SOCK_CLOEXEC, 0);

  (void)!(bind (server, (const struct sockaddr *)&here, length) == 0
          && getsockname (server, (struct sockaddr *)&here, &length) == 0
          && setsockopt (server, IPPROTO_IP, IP_PKTINFO, &yes, sizeof yes) == 0
          && (type == SOCK_DGRAM || listen (server, 1) == 0)
          && connect (client, (const struct sockaddr *)&here, length) == 0 && send (client, "?", 1, 0) == 1);
  const int code = errno;
  close (client);
  close (server);
  errno = code;
}

static gpointer
do_nothing (gpointer data)
{
  return data;
}

static int
try_call (const gchar *name)
{
  char *const none[] = { NULL };
  siginfo_t queued = { .si_code = SI_QUEUE };
  struct rlimit limit;

  errno = 0;
  if (g_str_equal (name, "execve"))
    execve ("/bin/true", none, none);
  else if (g_str_equal (name, "mount"))
    (void)mount ("tmpfs", STATE, "tmpfs", 0, NULL);
  else if (g_str_equal (name, "unshare"))
    (void)unshare (CLONE_NEWUSER);
  else if (g_str_equal (name, "ptrace"))
    ptrace (PTRACE_ATTACH, getppid (), NULL, NULL);
  else if (g_str_equal (name, "kill"))
    kill (getppid (), 0);
  else if (g_str_equal (name, "kill-self"))
    (void)(kill (getpid (), 0) == 0 && syscall (SYS_tgkill, getpid (), gettid (), 0));
  else if (g_str_equal (name, "kill-group"))
    kill (0, 0);
  else if (g_str_equal (name, "queue"))
    syscall (SYS_rt_sigqueueinfo, getppid (), 0, &queued);
  else if (g_str_equal (name, "limit"))
    syscall (SYS_prlimit64, getppid (), RLIMIT_NOFILE, NULL, &limit);
  else if (g_str_equal (name, "limit-self"))
    getrlimit (RLIMIT_NOFILE, &limit);
  else if (g_str_equal (name, "setresuid"))
    syscall (SYS_setresuid, 1, 1, 1);
  else if (g_str_equal (name, "bpf"))
    syscall (SYS_bpf, 0, NULL, 0);
  else if (g_str_equal (name, "packet"))
    (void)!socket (AF_PACKET, SOCK_RAW, 0);
  else if (g_str_equal (name, "netlink"))
    (void)!(socket (AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) < 0 || socket (AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG) < 0
            || socket (AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER));
  else if (g_str_equal (name, "xfrm"))
    (void)!socket (AF_NETLINK, SOCK_RAW, NETLINK_XFRM);
  else if (g_str_equal (name, "thread"))
    g_thread_join (g_thread_new ("thread", do_nothing, NULL));
  else if (g_str_equal (name, "udp"))
    ask_and_answer (SOCK_DGRAM);
  else if (g_str_equal (name, "tcp"))
    ask_and_answer (SOCK_STREAM);
  return errno;
}

static int
try_name (const gchar *name)
{
  struct addrinfo hints = { .ai_family = AF_INET }, *found = NULL;
  int code = getaddrinfo (name, NULL, &hints, &found);

  if (code == 0)
    freeaddrinfo (found);
  return code == 0 ? 0 : ENOENT;
}

static int
try_content (const gchar *path)
{
  g_autofree gchar *content = NULL;

  return g_file_get_contents (path, &content, NULL, NULL) ? (g_str_equal (content, FRESH) ? 0 : ESTALE) : EACCES;
}

static int
try_it (gchar operation, const gchar *path)
{
  switch (operation)
    {
    case 'r':
      return try_open (path, O_RDONLY);
    case 'w':
      return try_open (path, O_WRONLY);
    case 'n': /* makes it */
      return try_open (path, O_WRONLY | O_CREAT);
    case 'c':
      return try_socket (path, FALSE, FALSE);
    case 'a':
      return try_socket (path, TRUE, FALSE);
    case 'b':
      return try_socket (path, FALSE, TRUE);
    case 'f': /* what it holds is FRESH */
      return try_content (path);
    case 'h': /* a host's name */
      return try_name (path);
    default: /* a system call */
      return try_call (path);
    }
}

static void
run_inside (const Kind *kind, int channel)
{
  static const gchar *const bus[] = { "/run/dbus", NULL };
  const EwSandboxConfig config = { .closed = kind->guarded ? bus : NULL,
                                   .state_dir = kind->private_state ? PRIVATE STATE : STATE,
                                   .no_id_mapping = kind->no_id_mapping };
  gchar order[128];
  gssize size;

  umask (0077);
  if (kind->no_mounts && !ew_capabilities_limit (~EW_CAPABILITY (CAP_SYS_ADMIN)))
    _exit (2);
  if (kind->edge)
    {
      if (!ew_edge_privileges_narrow (STATE, PACKAGES, NULL))
        _exit (3);
      ew_edge_privileges_ports_bound ();
      ew_edge_sandbox_enter (STATE, PACKAGES);
    }
  else if (!ew_sandbox_enter (&config, NULL))
    _exit (3);
  while ((size = recv (channel, order, sizeof order - 1, 0)) > 0)
    {
      order[size] = '\0';
      int code = try_it (order[0], order + 1);
      if (send (channel, &code, sizeof code, 0) != sizeof code)
        break;
    }
  _exit (0);
}

/* Outside. */

static void
go_inside (Inside *inside, const Kind *kind)
{
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
  inside->child = fork ();
  if (inside->child == 0)
    {
      close (ends[0]);
      run_inside (kind, ends[1]);
    }
  close (ends[1]);
  inside->channel = ends[0];
}

static void
come_out (Inside *inside)
{
  int status;

  close (inside->channel);
  g_assert_cmpint (waitpid (inside->child, &status, 0), ==, inside->child);
  g_assert_cmpint (status, ==, 0);
}

static void
check_try (Inside *inside, gchar operation, const gchar *path, gboolean allowed)
{
  g_autofree gchar *order = g_strdup_printf ("%c%s", operation, path);
  int code;

  g_assert_cmpint (send (inside->channel, order, strlen (order), 0), ==, strlen (order));
  if (recv (inside->channel, &code, sizeof code, 0) != sizeof code)
    g_error ("the child died at “%s”", order);
  if ((code == 0) != allowed)
    {
      g_test_message ("%s %c %s: %s", allowed ? "refused" : "ALLOWED", operation, path, g_strerror (code));
      g_test_fail ();
    }
}

static void
make_file (const gchar *path, const gchar *content, gint mode)
{
  g_autofree gchar *folder = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents_full (path, content, -1, G_FILE_SET_CONTENTS_CONSISTENT, mode, NULL));
  g_assert_cmpint (g_chmod (path, mode), ==, 0);
}

/* A listener that stays for the test. path[0] '@': abstract. */
static void
make_listener (const gchar *path, gint mode)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gboolean abstract = *path == '@';
  g_autofree gchar *folder = g_path_get_dirname (path);
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  socklen_t length = (socklen_t)(offsetof (struct sockaddr_un, sun_path) + strlen (path) + (abstract ? 0 : 1));

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  if (abstract)
    address.sun_path[0] = '\0';
  else
    {
      g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
      g_unlink (path);
    }
  g_assert_cmpint (bind (fd, (const struct sockaddr *)&address, length), ==, 0);
  g_assert_cmpint (listen (fd, 16), ==, 0);
  if (!abstract)
    g_assert_cmpint (g_chmod (path, mode), ==, 0);
}

static void
make_world (const Kind *kind)
{
  static const gchar *const folders[] = { "/etc", "/run", "/root", "/home", "/tmp", "/var" };
  static const gchar *const files[] = { "/etc/shadow",
                                        "/etc/gshadow",
                                        "/etc/ssh/ssh_host_ed25519_key",
                                        "/etc/ssl/private/snakeoil.key",
                                        "/etc/other-vpn.conf",
                                        "/root/.ssh/id_ed25519",
                                        "/home/anna/.netrc",
                                        "/var/lib/other/secret",
                                        "/run/other/secret",
                                        "/run/NetworkManager/system-connections/wifi" };
  static const gchar *const sockets[]
    = { "/run/systemd/private",     "/run/docker.sock", "/run/containerd/containerd.sock", "/tmp/other.sock",
        "/var/lib/lxd/unix.socket", "/root/agent.sock", "/run/NetworkManager/private" };

  for (gsize i = 0; i < G_N_ELEMENTS (folders); i++)
    g_assert_cmpint (mount ("tmpfs", folders[i], "tmpfs", 0, "mode=0755"), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    make_file (files[i], "secret", 0600);
  for (gsize i = 0; i < G_N_ELEMENTS (sockets); i++)
    make_listener (sockets[i], 0600);
  if (kind->mounted_bus)
    g_assert_true (g_mkdir_with_parents ("/run/dbus", 0755) == 0
                   && mount ("tmpfs", "/run/dbus", "tmpfs", 0, "mode=0755") == 0);
  make_listener ("/run/dbus/system_bus_socket", 0666);
  make_listener ("/run/systemd/resolve/io.systemd.Resolve", 0666);
  g_assert_cmpint (g_mkdir_with_parents ("/run/wireguard", 0755), ==, 0);
  g_assert_cmpint (g_mkdir_with_parents ("/run/edgeway", 0700), ==, 0);
  g_assert_cmpint (g_mkdir_with_parents (kind->private_state ? PRIVATE STATE : STATE, 0700), ==, 0);
  make_file (PACKAGES "/debian-12/Packages", "Package: edgewayd\n", 0644);
  g_assert_cmpint (symlink ("/run", "/var/run"), ==, 0);
  if (kind->edge_user)
    make_file ("/etc/passwd", "root:x:0:0::/root:/bin/sh\n" EW_EDGE_USER ":x:61777:61777::/:/bin/false\n", 0644);
  make_file ("/etc/nsswitch.conf", "hosts: files dns\n", 0644);
  make_file ("/etc/hosts", "192.0.2.7 edge.example\n", 0644);
  make_file (kind->linked ? "/run/NetworkManager/resolv.conf" : "/etc/resolv.conf", "nameserver 127.0.0.53\n", 0644);
  if (kind->linked)
    g_assert_cmpint (symlink ("../run/NetworkManager/resolv.conf", "/etc/resolv.conf"), ==, 0);
}

/* As NetworkManager does with resolv.conf, and edgewayd with nsswitch.conf: a new file replaces the old one. */
static void
replace_file (const gchar *path)
{
  g_autofree gchar *new = g_strconcat (path, ".new", NULL);

  make_file (new, FRESH, 0644);
  g_assert_cmpint (g_rename (new, path), ==, 0);
}

static const Try always[] = {
  /* What is needed. */
  { 'r', "/etc/resolv.conf", TRUE },
  { 'r', "/etc/nsswitch.conf", TRUE },
  { 'r', "/etc/hosts", TRUE },
  { 'r', "/usr/lib/os-release", TRUE },
  { 'r', "/proc/self/status", TRUE },
  { 'h', "edge.example", TRUE },
  { 'c', "/run/systemd/resolve/io.systemd.Resolve", TRUE },
  { 'n', STATE "/file", TRUE },
  { 'r', STATE "/file", TRUE },
  { 'w', "/dev/net/tun", TRUE },
  { 'w', "/proc/sys/net/ipv4/ip_forward", TRUE },
  { '!', "netlink", TRUE },
  { '!', "kill-self", TRUE },
  { '!', "limit-self", TRUE },
  { '!', "thread", TRUE },
  { '!', "udp", TRUE },
  { '!', "tcp", TRUE },
  /* What is others'. */
  { 'r', "/root/.ssh/id_ed25519", FALSE },
  { 'r', "/home/anna/.netrc", FALSE },
  { 'r', "/var/lib/other/secret", FALSE },
  { 'r', "/run/other/secret", FALSE },
  { 'n', "/etc/cron.d-entry", FALSE },
  { 'w', "/etc/hosts", FALSE },
  { 'w', "/proc/sys/kernel/core_pattern", FALSE },
  { 'r', "/proc/1/environ", FALSE },
  { '!', "execve", FALSE },
  { '!', "mount", FALSE },
  { '!', "unshare", FALSE },
  { '!', "ptrace", FALSE },
  { '!', "setresuid", FALSE },
  { '!', "bpf", FALSE },
  { '!', "packet", FALSE },
  { '!', "xfrm", FALSE },
  { '!', "kill", FALSE },
  { '!', "kill-group", FALSE },
  { '!', "queue", FALSE },
  { '!', "limit", FALSE },
};

static const Try in_private[] = {
  { 'n', PRIVATE STATE "/file", TRUE },
  { 'r', PRIVATE STATE "/file", TRUE },
};

static const Try unguarded[] = {
  { 'c', "/run/dbus/system_bus_socket", TRUE },
  { 'c', "/var/run/dbus/system_bus_socket", TRUE },
};

static const Try guarded[] = {
  { 'c', "/run/dbus/system_bus_socket", FALSE },
  { 'c', "/var/run/dbus/system_bus_socket", FALSE },
};

/* What edgewayd needs besides. */
static const Try service[] = {
  { 'b', "/run/edgeway/bus", TRUE },
  { 'b', "/var/run/wireguard/edgeway0.sock", TRUE },
};

/* What the edge needs. */
static const Try edge_only[] = {
  { 'r', PACKAGES "/debian-12/Packages", TRUE },
  { 'w', PACKAGES "/debian-12/Packages", FALSE },
  { 'n', PACKAGES "/new", FALSE },
};

/* Landlock, kernel 6.12. */
static const Try scoped[] = {
  { 'a', "ewtest-abstract", FALSE },
};

/* With mounts of its own, or where no file for names requires reading all of /etc. */
static const Try hidden[] = {
  { 'r', "/etc/shadow", FALSE },
  { 'r', "/etc/gshadow", FALSE },
  { 'r', "/etc/ssh/ssh_host_ed25519_key", FALSE },
  { 'r', "/etc/ssl/private/snakeoil.key", FALSE },
};

/* In a folder to which access is needed because of its resolv.conf. */
static const Try beside_resolv_conf[] = {
  { 'r', "/run/NetworkManager/system-connections/wifi", FALSE },
  { 'c', "/run/NetworkManager/private", FALSE },
};

static const Try no_socket[] = {
  { 'c', "/run/systemd/private", FALSE },
  { 'c', "/run/docker.sock", FALSE },
  { 'c', "/run/containerd/containerd.sock", FALSE },
  { 'c', "/tmp/other.sock", FALSE },
  { 'c', "/var/lib/lxd/unix.socket", FALSE },
  { 'c', "/root/agent.sock", FALSE },
};

static gboolean
kernel_is (guint major, guint minor)
{
  struct utsname name;
  guint ours[2] = { 0 };

  g_assert_cmpint (uname (&name), ==, 0);
  g_assert_cmpint (sscanf (name.release, "%u.%u", &ours[0], &ours[1]), ==, 2);
  return ours[0] > major || (ours[0] == major && ours[1] >= minor);
}

static void
check_all (Inside *inside, const Try *tries, gsize n)
{
  for (gsize i = 0; i < n; i++)
    check_try (inside, tries[i].operation, tries[i].path, tries[i].allowed);
}

/* One after another in a process of its own each, so that their mounts do not meet. */
static void
run_kind (const Kind *kind)
{
  Inside inside;

  make_world (kind);
  go_inside (&inside, kind);
  if (kind->private_state)
    check_all (&inside, in_private, G_N_ELEMENTS (in_private));
  else
    check_all (&inside, always, G_N_ELEMENTS (always));
  check_all (&inside, kind->edge ? edge_only : service, kind->edge ? G_N_ELEMENTS (edge_only) : G_N_ELEMENTS (service));
  if (!kind->edge)
    check_all (&inside, kind->guarded ? guarded : unguarded, G_N_ELEMENTS (guarded));
  else if (!kind->no_mounts && !kind->edge_user)
    check_all (&inside, guarded, G_N_ELEMENTS (guarded));
  if (kernel_is (6, 12))
    check_all (&inside, scoped, G_N_ELEMENTS (scoped));
  if (!kind->no_mounts || (kind->linked && kind->edge))
    check_all (&inside, hidden, G_N_ELEMENTS (hidden));
  if (!kind->no_mounts)
    {
      check_all (&inside, no_socket, G_N_ELEMENTS (no_socket));
      check_all (&inside, beside_resolv_conf, G_N_ELEMENTS (beside_resolv_conf));
    }
  /* Later. */
  make_listener ("/run/dbus/system_bus_socket", 0666);
  make_listener ("/run/later.sock", 0600);
  make_file ("/etc/later.key", "secret", 0600);
  replace_file (kind->linked ? "/run/NetworkManager/resolv.conf" : "/etc/resolv.conf");
  check_try (&inside, 'f', "/etc/resolv.conf", TRUE);
  if (!kind->edge)
    {
      replace_file ("/etc/nsswitch.conf");
      check_try (&inside, 'f', "/etc/nsswitch.conf", TRUE);
    }
  if (!kind->edge)
    check_try (&inside, 'c', "/run/dbus/system_bus_socket", !kind->guarded);
  if (!kind->no_mounts)
    check_try (&inside, 'c', "/run/later.sock", FALSE);
  if (!kind->no_mounts && !kind->no_id_mapping && kernel_is (6, 3)) /* of a tmpfs */
    {
      check_try (&inside, 'r', "/etc/other-vpn.conf", FALSE);
      check_try (&inside, 'r', "/etc/later.key", FALSE);
    }
  come_out (&inside);
}

static void
test_kind (gconstpointer data)
{
  int status;
  pid_t runner;

  if (!can_run)
    {
      g_test_skip ("needs root and mount namespaces");
      return;
    }
  runner = fork ();
  if (runner == 0)
    {
      if (unshare (CLONE_NEWNS) != 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        _exit (4);
      run_kind (data);
      _exit (g_test_failed () ? 1 : 0);
    }
  g_assert_cmpint (waitpid (runner, &status, 0), ==, runner);
  g_assert_cmpint (status, ==, 0);
}

static gboolean
has_mounts (void)
{
  pid_t child = fork ();
  int status = -1;

  if (child == 0)
    _exit (unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ? 0 : 1);
  return waitpid (child, &status, 0) == child && status == 0;
}

int
main (int argc, char **argv)
{
  static const Kind mapped = { 0 }, covered = { .no_id_mapping = TRUE },
                    covered_link = { .no_id_mapping = TRUE, .linked = TRUE },
                    container = { .no_mounts = TRUE, .linked = TRUE }, container_file = { .no_mounts = TRUE },
                    edge = { .edge = TRUE }, edge_user = { .edge = TRUE, .edge_user = TRUE },
                    edge_link = { .edge = TRUE, .linked = TRUE },
                    edge_user_link = { .edge = TRUE, .edge_user = TRUE, .linked = TRUE },
                    private_state = { .private_state = TRUE }, mounted_bus = { .mounted_bus = TRUE },
                    guarded_bus = { .guarded = TRUE }, guarded_covered = { .guarded = TRUE, .no_id_mapping = TRUE },
                    guarded_mounted = { .guarded = TRUE, .mounted_bus = TRUE };

  g_test_init (&argc, &argv, NULL);
  umask (0022);
  can_run = geteuid () == 0 && has_mounts ();
  make_listener ("@ewtest-abstract", 0);
  g_test_add_data_func ("/service/sandbox/mapped", &mapped, test_kind);
  g_test_add_data_func ("/service/sandbox/mounted-bus", &mounted_bus, test_kind);
  g_test_add_data_func ("/service/sandbox/guarded", &guarded_bus, test_kind);
  g_test_add_data_func ("/service/sandbox/guarded-covered", &guarded_covered, test_kind);
  g_test_add_data_func ("/service/sandbox/guarded-mounted", &guarded_mounted, test_kind);
  g_test_add_data_func ("/service/sandbox/private-state", &private_state, test_kind);
  g_test_add_data_func ("/service/sandbox/covered", &covered, test_kind);
  g_test_add_data_func ("/service/sandbox/covered-link", &covered_link, test_kind);
  g_test_add_data_func ("/service/sandbox/container", &container, test_kind);
  g_test_add_data_func ("/service/sandbox/container-own-resolv-conf", &container_file, test_kind);
  g_test_add_data_func ("/edge/sandbox/root", &edge, test_kind);
  g_test_add_data_func ("/edge/sandbox/own-user", &edge_user, test_kind);
  g_test_add_data_func ("/edge/sandbox/resolv-conf-in-run", &edge_link, test_kind);
  g_test_add_data_func ("/edge/sandbox/own-user-resolv-conf-in-run", &edge_user_link, test_kind);
  return g_test_run ();
}
