/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/bus-guard.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "sandbox/capabilities.h"
#include "sandbox/landlock.h"
#include "sandbox/syscalls.h"
#include "service/bus-filter.h"
#include "service/bus.h"
#include "service/way.h"

#define LINKS_MAX 16      /* edgewayd has three connections: its service, resolved's and logind's */
#define LAST_WORDS_MS 500 /* for what edgewayd said before it ended */
#define SYSTEM_FOLDER "/run/dbus"

typedef struct
{
  struct sockaddr_un bus;
  socklen_t bus_length;
  gchar path[sizeof (((struct sockaddr_un *)NULL)->sun_path)];
  gint listener; /* -1: no such door */
} Door;

typedef struct
{
  EwWay *inward, *outward; /* inward->from, outward->to: the bus */
  gboolean signed_on;      /* lines until then, messages from then on */
} Link;

static gint lifeline = -1; /* edgewayd's end: the other one is closed when the process ends */

/* ---- the process */

typedef struct
{
  Door *doors;
  Link links[LINKS_MAX];
  guint n_links;
  gboolean warned;
} Guard;

static void
close_link (Guard *self, guint i)
{
  Link *link = &self->links[i];

  close (link->inward->from);
  close (link->outward->from);
  ew_way_free (link->inward);
  ew_way_free (link->outward);
  self->links[i] = self->links[--self->n_links];
}

static void
accept_link (Guard *self, const Door *door)
{
  gint own = accept4 (door->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  gint bus
    = own < 0 || self->n_links >= LINKS_MAX ? -1 : socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (bus < 0 || connect (bus, (const struct sockaddr *)&door->bus, door->bus_length) != 0)
    {
      if (bus >= 0)
        close (bus);
      if (own >= 0)
        close (own);
      return;
    }
  self->links[self->n_links++] = (Link){ .inward = ew_way_new (bus, own), .outward = ew_way_new (own, bus) };
}

/* As it comes, descriptors with it. */
static void
pass_inward (EwWay *way)
{
  ew_way_take_fds (way, way->in_fds->len, TRUE);
  g_byte_array_append (way->out, way->in, (guint)way->in_length);
  ew_way_consume (way, way->in_length);
}

/* FALSE: nothing of it is to be understood by the bus in another way. */
static gboolean
pass_lines (Link *link)
{
  EwWay *way = link->outward;
  const guint8 *end;

  while (!link->signed_on && (end = memmem (way->in, way->in_length, "\r\n", 2)) != NULL)
    {
      gsize length = (gsize)(end - way->in);
      if (!ew_bus_filter_allows_line (way->in, length))
        return FALSE;
      link->signed_on = length >= 5 && memcmp (end - 5, "BEGIN", 5) == 0 && (length == 5 || end[-6] == '\0');
      g_byte_array_append (way->out, way->in, (guint)length + 2);
      ew_way_consume (way, length + 2);
    }
  return link->signed_on || way->in_length < EW_WAY_IN;
}

static void
warn_of (Guard *self, const EwFrame *frame)
{
  if (!self->warned)
    g_warning ("A message to %s (%s.%s) isn't among those that edgewayd sends on the message bus. It was dropped, and "
               "so are others.",
               frame->destination ? frame->destination : "everyone", frame->interface ? frame->interface : "",
               frame->member ? frame->member : "");
  self->warned = TRUE;
}

/* Begins with the message at `at`. 0: more of it has to come first; -1: it isn't one. */
static gint
begin_message (Guard *self, EwWay *way, gsize at)
{
  EwFrame frame;
  const guint8 *data = way->in + at;
  gsize length = way->in_length - at;
  gint found = ew_frame_parse (data, length, &frame);

  if (found <= 0)
    return found < 0 || (length >= EW_FRAME_FIXED && frame.header > EW_FRAME_FIXED + EW_FRAME_FIELDS_MAX) ? -1 : 0;
  gboolean looked_at = ew_bus_filter_needs_body (&frame) && frame.body <= EW_BUS_FILTER_BODY_MAX;
  if (looked_at && length < frame.header + frame.body)
    return 0;
  way->pass = ew_bus_filter_allows (&frame, looked_at ? data + frame.header : NULL);
  if (!way->pass)
    warn_of (self, &frame);
  ew_way_take_fds (way, frame.n_fds, way->pass);
  way->rest = frame.header + frame.body;
  return 1;
}

static gboolean
pass_messages (Guard *self, EwWay *way)
{
  gsize at = 0;
  gint begun = 1;

  while (at < way->in_length && begun > 0)
    {
      if (way->rest == 0)
        begun = begin_message (self, way, at);
      if (begun > 0)
        at += ew_way_take_rest (way, at);
    }
  ew_way_consume (way, at);
  return begun >= 0;
}

static gshort
events_of (const EwWay *reads, const EwWay *writes)
{
  gboolean room = reads->in_length < EW_WAY_IN && reads->out->len < EW_WAY_OUT_MAX;

  return (gshort)((!reads->ended && room ? POLLIN : 0) | (writes->out->len > 0 ? POLLOUT : 0));
}

/* FALSE: the link has ended. */
static gboolean
turn_link (Guard *self, Link *link, const struct pollfd *bus, const struct pollfd *own)
{
  EwWay *in = link->inward, *out = link->outward;

  if ((bus->events & POLLIN) && (bus->revents & (POLLIN | POLLHUP | POLLERR)))
    ew_way_read (in);
  if ((own->events & POLLIN) && (own->revents & (POLLIN | POLLHUP | POLLERR)))
    ew_way_read (out);
  pass_inward (in);
  if (!link->signed_on && !pass_lines (link))
    return FALSE;
  if (link->signed_on && !pass_messages (self, out))
    return FALSE;
  if (in->out->len > 0)
    ew_way_write (in);
  if (out->out->len > 0)
    ew_way_write (out);
  return !(in->ended && in->out->len == 0) && !(out->ended && out->out->len == 0)
         && !((bus->revents | own->revents) & (POLLERR | POLLNVAL));
}

/* One wait and what came of it. FALSE: edgewayd has ended. */
static gboolean
turn_all (Guard *self, gint timeout_ms)
{
  struct pollfd fds[1 + EW_BUS_GUARD_DOORS + 2 * LINKS_MAX] = { { .fd = timeout_ms < 0 ? lifeline : -1 } };
  struct pollfd *of_links = fds + 1 + EW_BUS_GUARD_DOORS;
  guint n = self->n_links;

  for (gsize i = 0; i < EW_BUS_GUARD_DOORS; i++)
    fds[1 + i] = (struct pollfd){ .fd = self->doors[i].listener, .events = POLLIN };
  for (guint i = 0; i < n; i++)
    {
      EwWay *in = self->links[i].inward, *out = self->links[i].outward;
      of_links[2 * i] = (struct pollfd){ .fd = in->from, .events = events_of (in, out) };
      of_links[2 * i + 1] = (struct pollfd){ .fd = out->from, .events = events_of (out, in) };
    }
  if (poll (fds, 1 + EW_BUS_GUARD_DOORS + 2 * n, timeout_ms) < 0 && errno != EINTR)
    return FALSE;
  for (guint i = n; i > 0; i--) /* the last one takes the place of a closed one */
    if (!turn_link (self, &self->links[i - 1], &of_links[2 * i - 2], &of_links[2 * i - 1]))
      close_link (self, i - 1);
  for (gsize i = 0; i < EW_BUS_GUARD_DOORS; i++)
    if (fds[1 + i].revents & POLLIN)
      accept_link (self, &self->doors[i]);
  return (fds[0].revents & (POLLHUP | POLLERR | POLLIN)) == 0;
}

static void
narrow_process (void)
{
  static const EwReach reach[] = { { EW_BUS_PEER_DIR, EW_REACH_WRITE } };

  /* Terminals and service managers send these to all processes; this one ends when its work is done. */
  signal (SIGTERM, SIG_IGN);
  signal (SIGINT, SIG_IGN);
  signal (SIGHUP, SIG_IGN);
  signal (SIGPIPE, SIG_IGN);
  prctl (PR_SET_NAME, "edgeway-bus");
  if (chdir ("/") != 0)
    _exit (1);
  ew_capabilities_limit_future (0);
  if (!ew_capabilities_limit (0) || !ew_process_seal ())
    _exit (1);
  ew_landlock_enter (reach, G_N_ELEMENTS (reach), TRUE); /* a bus' socket may be abstract */
  ew_syscalls_narrow ();
}

/* Locks and pipes of edgewayd's must not outlive it. */
static void
close_others (const Door *doors)
{
  gint null = open ("/dev/null", O_RDWR | O_CLOEXEC);

  dup2 (null, STDIN_FILENO);
  dup2 (null, STDOUT_FILENO);
  for (gint fd = 3; fd < 1024; fd++)
    if (fd != lifeline && fd != doors[0].listener && fd != doors[1].listener)
      close (fd);
}

static G_NORETURN void
run_guard (Door *doors)
{
  Guard guard = { .doors = doors };
  gint64 end;

  close_others (doors);
  narrow_process ();
  while (turn_all (&guard, -1))
    ;
  for (gsize i = 0; i < EW_BUS_GUARD_DOORS; i++)
    if (doors[i].listener >= 0)
      unlink (doors[i].path);
  end = g_get_monotonic_time () + LAST_WORDS_MS * 1000;
  while (guard.n_links > 0 && g_get_monotonic_time () < end && turn_all (&guard, 50))
    ;
  _exit (0);
}

/* ---- edgewayd */

/* D-Bus specification, "Server Addresses": the first of them, if it is a socket's. */
static gboolean
parse_address (const gchar *address, Door *door, gchar **hidden)
{
  gboolean abstract = g_str_has_prefix (address, "unix:abstract=");
  gsize skip = strlen (abstract ? "unix:abstract=" : "unix:path=");
  g_autofree gchar *value = NULL, *path = NULL;

  if (!abstract && !g_str_has_prefix (address, "unix:path="))
    return FALSE;
  value = g_strndup (address + skip, strcspn (address + skip, ",;"));
  path = g_uri_unescape_string (value, NULL);
  if (path == NULL || *path == '\0' || strlen (path) + 2 > sizeof door->bus.sun_path || (!abstract && *path != '/'))
    return FALSE;
  door->bus.sun_family = AF_UNIX;
  memcpy (door->bus.sun_path + (abstract ? 1 : 0), path, strlen (path) + 1);
  door->bus_length = (socklen_t)(G_STRUCT_OFFSET (struct sockaddr_un, sun_path) + 1 + strlen (path));
  if (!abstract)
    {
      g_autofree gchar *folder = g_path_get_dirname (path);
      g_autofree gchar *real = realpath (folder, NULL);
      /* A socket is made again when its bus is restarted. */
      *hidden = g_strdup (g_strcmp0 (real, SYSTEM_FOLDER) == 0 ? SYSTEM_FOLDER : path);
    }
  return TRUE;
}

static gboolean
answers (const Door *door)
{
  gint fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gboolean there = fd >= 0 && connect (fd, (const struct sockaddr *)&door->bus, door->bus_length) == 0;

  if (fd >= 0)
    close (fd);
  return there;
}

static gboolean
listen_at (Door *door, gsize number)
{
  struct sockaddr_un own = { .sun_family = AF_UNIX };

  g_snprintf (own.sun_path, sizeof own.sun_path, EW_BUS_PEER_DIR "/bus.%d.%d", (gint)getpid (), (gint)number);
  g_strlcpy (door->path, own.sun_path, sizeof door->path);
  unlink (own.sun_path);
  door->listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (door->listener >= 0 && bind (door->listener, (const struct sockaddr *)&own, sizeof own) == 0
      && chmod (own.sun_path, 0600) == 0 && listen (door->listener, LINKS_MAX) == 0)
    return TRUE;
  if (door->listener >= 0)
    close (door->listener);
  door->listener = -1;
  return FALSE;
}

/* What a guard that was killed has left. */
static void
remove_stale_doors (void)
{
  g_autoptr (GDir) folder = g_dir_open (EW_BUS_PEER_DIR, 0, NULL);
  const gchar *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_auto (GStrv) words = g_strsplit (name, ".", 4);
      guint64 pid, number;
      if (g_strv_length (words) == 3 && g_str_equal (words[0], "bus")
          && g_ascii_string_to_unsigned (words[1], 10, 1, G_MAXINT, &pid, NULL)
          && g_ascii_string_to_unsigned (words[2], 10, 0, G_MAXINT, &number, NULL) && kill ((pid_t)pid, 0) != 0
          && errno == ESRCH)
        {
          g_autofree gchar *path = g_build_filename (EW_BUS_PEER_DIR, name, NULL);
          unlink (path);
        }
    }
}

static gboolean
open_door (const gchar *address, Door *door, EwBusDoor *shown, gsize number)
{
  if (address == NULL || !parse_address (address, door, &shown->hidden) || !answers (door) || !listen_at (door, number))
    {
      g_clear_pointer (&shown->hidden, g_free);
      return FALSE;
    }
  shown->address = g_strconcat ("unix:path=", door->path, NULL);
  return TRUE;
}

static gboolean
start_process (Door *doors)
{
  gint ends[2];
  pid_t child;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return FALSE;
  child = fork ();
  if (child == 0)
    {
      close (ends[0]);
      lifeline = ends[1];
      run_guard (doors);
    }
  close (ends[1]);
  lifeline = ends[0];
  if (child < 0)
    close (g_steal_fd (&lifeline));
  return child > 0;
}

void
ew_bus_guard_start (const gchar *const addresses[EW_BUS_GUARD_DOORS], EwBusDoor doors[EW_BUS_GUARD_DOORS])
{
  Door own[EW_BUS_GUARD_DOORS] = { { .listener = -1 }, { .listener = -1 } };
  gboolean any = FALSE, started;

  remove_stale_doors ();
  for (gsize i = 0; i < EW_BUS_GUARD_DOORS; i++)
    any |= open_door (addresses[i], &own[i], &doors[i], i);
  started = any && start_process (own);
  for (gsize i = 0; i < EW_BUS_GUARD_DOORS; i++)
    {
      if (own[i].listener >= 0)
        close (own[i].listener);
      if (!started)
        ew_bus_door_clear (&doors[i]);
    }
  if (any && !started)
    g_warning ("The message bus has no guard: %s.", g_strerror (errno));
}

void
ew_bus_door_clear (EwBusDoor *door)
{
  g_clear_pointer (&door->address, g_free);
  g_clear_pointer (&door->hidden, g_free);
}

typedef struct
{
  void (*func) (gpointer user_data);
  gpointer user_data;
} Watch;

static gboolean
on_end (gint fd, GIOCondition condition, gpointer data)
{
  const Watch *watch = data;

  watch->func (watch->user_data);
  return G_SOURCE_REMOVE;
}

void
ew_bus_guard_watch (void (*func) (gpointer user_data), gpointer user_data)
{
  Watch *watch = g_new (Watch, 1);

  *watch = (Watch){ func, user_data };
  if (lifeline >= 0)
    g_unix_fd_add_full (G_PRIORITY_DEFAULT, lifeline, G_IO_IN | G_IO_HUP, on_end, watch, g_free);
  else
    g_free (watch);
}
