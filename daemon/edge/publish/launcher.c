/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/publish/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sandbox/capabilities.h"
#include "sandbox/landlock.h"
#include "sandbox/syscalls.h"

#define MESSAGE_MAX 4096
#define ARGUMENTS_MAX 32
#define PROGRAMS_MAX 8 /* at once */
#define END_MS 700     /* for programs to end by themselves; the edge's second (contract) has begun already */
#define FIRST_OTHER_FD 4

typedef enum
{
  ORDER_RUN,   /* text: the log ("": stderr), then the arguments, each with its NUL */
  ORDER_SIGNAL /* number: which */
} OrderKind;

typedef struct
{
  guint32 kind, run;
  gint32 number;
  gchar text[MESSAGE_MAX];
} Order;
#define ORDER_HEAD G_STRUCT_OFFSET (Order, text)

typedef struct
{
  guint32 run;
  gint32 status;
} Ending;

/* The launcher. It uses no memory but its own frames: GLib's may be in any state in a forked process. */

static const gchar *const allowed[] = { EW_PUBLISH_NGINX };

typedef struct
{
  gint socket, signals;
  struct
  {
    pid_t pid; /* 0: no program */
    guint32 run;
  } programs[PROGRAMS_MAX];
} Launcher;

static void
say_ended (const Launcher *self, guint32 run, gint32 status)
{
  const Ending ending = { run, status };
  (void)!send (self->socket, &ending, sizeof ending, MSG_NOSIGNAL);
}

static gboolean
may_run (const gchar *program)
{
  for (gsize i = 0; i < G_N_ELEMENTS (allowed); i++)
    if (strcmp (program, allowed[i]) == 0)
      return TRUE;
  return FALSE;
}

static G_NORETURN void
become_program (gchar **argv, const gchar *log)
{
  static gchar *const environment[] = { (gchar *)"PATH=/usr/sbin:/usr/bin", (gchar *)"LC_ALL=C", NULL };
  sigset_t none;
  gint fd = *log ? open (log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

  if (fd >= 0)
    dup2 (fd, STDERR_FILENO);
  prctl (PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
  setpgid (0, 0);
  for (gint number = 1; number < 32; number++)
    signal (number, SIG_DFL);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  execve (argv[0], argv, environment);
  _exit (127);
}

static gint
find_program (const Launcher *self, pid_t pid, guint32 run)
{
  for (gint i = 0; i < PROGRAMS_MAX; i++)
    if (self->programs[i].pid == pid && (pid == 0 || run == 0 || self->programs[i].run == run))
      return i;
  return -1;
}

static void
run_program (Launcher *self, const Order *order, gsize length)
{
  gchar *argv[ARGUMENTS_MAX + 1] = { NULL };
  const gchar *log = order->text;
  gint place = find_program (self, 0, 0), n = 0;

  for (gsize at = strlen (log) + 1; at < length && n < ARGUMENTS_MAX; at += strlen (order->text + at) + 1)
    argv[n++] = (gchar *)order->text + at;
  pid_t pid = place >= 0 && n > 0 && may_run (argv[0]) && access (argv[0], X_OK) == 0 ? fork () : -1;
  if (pid == 0)
    become_program (argv, log);
  if (pid < 0)
    say_ended (self, order->run, -1);
  else
    {
      self->programs[place].pid = pid;
      self->programs[place].run = order->run;
    }
}

/* FALSE: the edge has ended. */
static gboolean
take_order (Launcher *self)
{
  Order order;
  gssize got = recv (self->socket, &order, sizeof order - 1, MSG_DONTWAIT);

  if (got <= 0)
    return got < 0 && (errno == EINTR || errno == EAGAIN);
  if ((gsize)got < ORDER_HEAD)
    return TRUE;
  ((gchar *)&order)[got] = '\0'; /* the last text ends, whatever was sent */
  if (order.kind == ORDER_RUN)
    run_program (self, &order, (gsize)got - ORDER_HEAD);
  for (gsize i = 0; order.kind == ORDER_SIGNAL && i < PROGRAMS_MAX; i++)
    if (self->programs[i].pid > 0 && self->programs[i].run == order.run)
      kill (self->programs[i].pid, order.number);
  return TRUE;
}

static void
reap_programs (Launcher *self)
{
  struct signalfd_siginfo info;
  gint status, place;
  pid_t pid;

  while (read (self->signals, &info, sizeof info) > 0)
    ;
  while ((pid = waitpid (-1, &status, WNOHANG)) > 0)
    if ((place = find_program (self, pid, 0)) >= 0)
      {
        self->programs[place].pid = 0;
        say_ended (self, self->programs[place].run, status);
      }
}

static gboolean
signal_all (const Launcher *self, gint number)
{
  gboolean any = FALSE;
  for (gsize i = 0; i < PROGRAMS_MAX; i++)
    if (self->programs[i].pid > 0)
      {
        kill (self->programs[i].pid, number);
        any = TRUE;
      }
  return any;
}

static void
end_programs (Launcher *self)
{
  struct pollfd look = { .fd = self->signals, .events = POLLIN };
  gint64 end = g_get_monotonic_time () + END_MS * 1000, left;

  if (!signal_all (self, SIGTERM))
    return;
  while (signal_all (self, 0) && (left = end - g_get_monotonic_time ()) > 0)
    if (poll (&look, 1, (gint)(left / 1000) + 1) > 0)
      reap_programs (self);
  signal_all (self, SIGKILL);
}

static void
narrow_launcher (const gchar *folder)
{
  const EwReach reach[] = {
    { "/usr", EW_REACH_RUN },
    { "/lib", EW_REACH_RUN },
    { "/lib64", EW_REACH_RUN },
    { "/etc", EW_REACH_READ }, /* what everybody may read: TLS' settings, names */
    { "/sys/devices/system/cpu", EW_REACH_READ },
    { "/dev/urandom", EW_REACH_READ },
    { "/dev/null", EW_REACH_WRITE_FILE },
    { folder, EW_REACH_WRITE },
  };

  prctl (PR_SET_NAME, "edgeway-launch");
  umask (0077);
  ew_capabilities_limit_future (0);
  if (!ew_capabilities_limit (0) || !ew_process_seal () || chdir (folder) != 0)
    _exit (1);
  ew_landlock_enter (reach, G_N_ELEMENTS (reach), FALSE);
  ew_syscalls_narrow_launcher ();
}

/* The edge's ports and the socket's other end must not live on in this process. */
static gint
keep_socket (gint fd)
{
  gint null = open ("/dev/null", O_RDWR | O_CLOEXEC);

  dup2 (null, STDIN_FILENO);
  dup2 (null, STDOUT_FILENO);
  if (fd != FIRST_OTHER_FD - 1)
    dup3 (fd, FIRST_OTHER_FD - 1, O_CLOEXEC);
  for (gint other = FIRST_OTHER_FD; other < 1024; other++)
    close (other);
  return FIRST_OTHER_FD - 1;
}

static G_NORETURN void
run_launcher (gint fd, const gchar *folder)
{
  Launcher self = { .socket = keep_socket (fd) };
  sigset_t children;

  /* Terminals and service managers send these to all processes; this one ends after the edge. */
  signal (SIGTERM, SIG_IGN);
  signal (SIGINT, SIG_IGN);
  signal (SIGHUP, SIG_IGN);
  signal (SIGPIPE, SIG_IGN);
  sigemptyset (&children);
  sigaddset (&children, SIGCHLD);
  sigprocmask (SIG_BLOCK, &children, NULL);
  self.signals = signalfd (-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
  narrow_launcher (folder);
  for (;;)
    {
      struct pollfd fds[] = { { .fd = self.socket, .events = POLLIN }, { .fd = self.signals, .events = POLLIN } };
      if (poll (fds, G_N_ELEMENTS (fds), -1) < 0)
        continue;
      if (fds[1].revents)
        reap_programs (&self);
      if (fds[0].revents && !take_order (&self))
        break;
    }
  end_programs (&self);
  _exit (0);
}

/* The edge. */

struct EwLauncher
{
  gint socket; /* -1: it has ended */
  guint source, last_run;
  EwLauncherFunc func;
  gpointer user_data;
};

static gboolean
on_ending (gint fd, GIOCondition condition, gpointer user_data)
{
  EwLauncher *self = user_data;
  Ending ending;
  gssize got = recv (fd, &ending, sizeof ending, MSG_DONTWAIT);

  if (got < 0 && (errno == EINTR || errno == EAGAIN))
    return G_SOURCE_CONTINUE;
  if (got == sizeof ending)
    {
      if (self->func)
        self->func (self->user_data, ending.run, ending.status);
      return G_SOURCE_CONTINUE;
    }
  g_warning ("the process that starts nginx has ended");
  self->source = 0;
  close (g_steal_fd (&self->socket));
  if (self->func)
    self->func (self->user_data, 0, -1);
  return G_SOURCE_REMOVE;
}

EwLauncher *
ew_publish_launcher_new (const gchar *folder)
{
  gint ends[2];

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return NULL;
  pid_t child = fork ();
  if (child == 0)
    run_launcher (ends[1], folder);
  close (ends[1]);
  if (child < 0)
    {
      close (ends[0]);
      return NULL;
    }
  EwLauncher *self = g_new0 (EwLauncher, 1);
  self->socket = ends[0];
  return self;
}

void
ew_publish_launcher_free (EwLauncher *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->source, g_source_remove);
  if (self->socket >= 0)
    close (self->socket);
  g_free (self);
}

void
ew_publish_launcher_set_func (EwLauncher *self, EwLauncherFunc func, gpointer user_data)
{
  self->func = func;
  self->user_data = user_data;
  if (self->source == 0 && self->socket >= 0)
    self->source = g_unix_fd_add (self->socket, G_IO_IN | G_IO_HUP, on_ending, self);
}

guint
ew_publish_launcher_run (EwLauncher *self, const gchar *const *argv, const gchar *log)
{
  Order order = { .kind = ORDER_RUN, .run = ++self->last_run };
  gsize at = g_strlcpy (order.text, log ? log : "", sizeof order.text) + 1;

  for (; *argv; argv++)
    {
      g_assert (at + strlen (*argv) + 1 < sizeof order.text);
      at += g_strlcpy (order.text + at, *argv, sizeof order.text - at) + 1;
    }
  return self->socket >= 0 && send (self->socket, &order, ORDER_HEAD + at, MSG_NOSIGNAL | MSG_DONTWAIT) > 0 ? order.run
                                                                                                            : 0;
}

void
ew_publish_launcher_signal (EwLauncher *self, guint run, gint number)
{
  const Order order = { .kind = ORDER_SIGNAL, .run = run, .number = number };

  if (self->socket >= 0)
    (void)!send (self->socket, &order, ORDER_HEAD, MSG_NOSIGNAL | MSG_DONTWAIT);
}
