/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/doorway.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/error.h"
#include "service/gate.h"
#include "service/way.h"

#define LAST_WORDS_MS 500 /* for the bus to take what is left at the end */
#define SIGN_ON_END "BEGIN\r\n"

struct EwDoorway
{
  EwWay *inward, *outward;
  EwGate *gate;
  GQueue ours;        /* GBytes: messages to the bus, between GDBus' own */
  gboolean signed_on; /* lines until then, messages from then on */
  gint stop;          /* eventfd */
  GThread *thread;
};

/* Messages. */

/* A header that is longer than any legitimate one: not looked at. */
static void
begin_unread (EwDoorway *self, EwWay *way, const EwFrame *frame)
{
  way->pass = way == self->outward || frame->type != EW_FRAME_CALL;
  way->rest = frame->header + frame->body;
  ew_way_take_fds (way, way->in_fds->len, way->pass);
}

/* Begins with the message at `at`; FALSE: more of it has to come first. */
static gboolean
begin_message (EwDoorway *self, EwWay *way, gsize at)
{
  EwFrame frame;
  guint8 *data = way->in + at;
  gsize length = way->in_length - at;
  gint found = ew_frame_parse (data, length, &frame);

  if (found < 0)
    {
      g_warning ("The message bus sent something that isn't a message. Connecting again.");
      way->ended = TRUE;
      return FALSE;
    }
  if (found == 0 && length >= EW_FRAME_FIXED && frame.header > EW_FRAME_FIXED + EW_FRAME_FIELDS_MAX)
    {
      begin_unread (self, way, &frame);
      return TRUE;
    }
  if (found == 0)
    return FALSE;
  if (way == self->outward)
    way->pass = ew_gate_let_out (self->gate, &frame);
  else
    {
      gboolean has_number = frame.body == 4 && ew_gate_asked_for (self->gate, &frame);
      if (has_number && length < frame.header + 4)
        return FALSE;
      way->pass = ew_gate_let_in (self->gate, &frame, data, has_number ? data + frame.header : NULL);
    }
  ew_way_take_fds (way, frame.n_fds, way->pass);
  way->rest = frame.header + frame.body;
  return TRUE;
}

static void
pass_messages (EwDoorway *self, EwWay *way)
{
  gsize at = 0;

  while (!way->ended && at < way->in_length)
    {
      if (way->rest == 0 && !begin_message (self, way, at))
        break;
      at += ew_way_take_rest (way, at);
    }
  ew_way_consume (way, at);
}

/* GDBus signs on with lines; the byte with its credentials comes before them. */
static void
pass_lines (EwDoorway *self, EwWay *way)
{
  const guint8 *end = way == self->outward ? memmem (way->in, way->in_length, SIGN_ON_END, strlen (SIGN_ON_END)) : NULL;
  gsize n = end != NULL ? (gsize)(end - way->in) + strlen (SIGN_ON_END) : way->in_length;

  /* Half of the word may be there. */
  if (end == NULL && way == self->outward && way->in_length > 0 && way->in[way->in_length - 1] != '\n'
      && way->in[way->in_length - 1] != '\0')
    return;
  g_byte_array_append (way->out, way->in, (guint)n);
  ew_way_consume (way, n);
  self->signed_on = end != NULL;
}

static void
pass_on (EwDoorway *self, EwWay *way)
{
  if (!self->signed_on)
    pass_lines (self, way);
  if (self->signed_on)
    pass_messages (self, way);
}

static void
add_ours (EwDoorway *self)
{
  GBytes *message;

  while (self->outward->rest == 0 && (message = g_queue_pop_head (&self->ours)) != NULL)
    {
      gsize size;
      const guint8 *data = g_bytes_get_data (message, &size);
      g_byte_array_append (self->outward->out, data, (guint)size);
      g_bytes_unref (message);
    }
}

static void
send_ours (GDBusMessage *message, gpointer user_data)
{
  EwDoorway *self = user_data;
  gsize size;
  guchar *blob = g_dbus_message_to_blob (message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);

  if (blob != NULL)
    g_queue_push_tail (&self->ours, g_bytes_new_take (blob, size));
}

/* The thread. */

static gshort
events_of (const EwWay *reads, const EwWay *writes, const EwWay *also)
{
  gshort events = 0;

  if (!reads->ended && reads->in_length < EW_WAY_IN && reads->out->len < EW_WAY_OUT_MAX
      && also->out->len < EW_WAY_OUT_MAX)
    events |= POLLIN;
  if (writes->out->len > 0)
    events |= POLLOUT;
  return events;
}

/* FALSE: nothing came. */
static gboolean
turn (EwDoorway *self, gint timeout_ms)
{
  EwWay *in = self->inward, *out = self->outward;
  struct pollfd fds[3] = { { .fd = in->from, .events = events_of (in, out, out) },
                           { .fd = out->from, .events = events_of (out, in, out) },
                           { .fd = self->stop, .events = timeout_ms < 0 ? POLLIN : 0 } };

  if (poll (fds, G_N_ELEMENTS (fds), timeout_ms) <= 0)
    return FALSE;
  if ((fds[0].events & POLLIN) != 0 && (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
    ew_way_read (in);
  if ((fds[1].events & POLLIN) != 0 && (fds[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
    ew_way_read (out);
  pass_on (self, out);
  pass_on (self, in);
  add_ours (self);
  if (in->out->len > 0)
    ew_way_write (in);
  if (out->out->len > 0)
    ew_way_write (out);
  return (fds[2].revents & POLLIN) == 0;
}

static gpointer
run (gpointer user_data)
{
  EwDoorway *self = user_data;
  gint64 end;

  while (!self->inward->ended && !self->outward->ended)
    if (!turn (self, -1))
      break;
  end = g_get_monotonic_time () + LAST_WORDS_MS * 1000;
  while (!self->inward->ended && g_get_monotonic_time () < end && turn (self, self->outward->out->len > 0 ? 50 : 0))
    ;
  shutdown (self->inward->from, SHUT_RDWR);
  shutdown (self->outward->from, SHUT_RDWR);
  return NULL;
}

/* Life. */

static void
free_doorway (EwDoorway *self)
{
  close (self->inward->from);
  close (self->outward->from);
  close (self->stop);
  g_queue_clear_full (&self->ours, (GDestroyNotify)g_bytes_unref);
  ew_gate_free (self->gate);
  ew_way_free (self->inward);
  ew_way_free (self->outward);
  g_free (self);
}

/* Takes both descriptors. */
static EwDoorway *
start (gint bus, gint gdbus)
{
  EwDoorway *self = g_new0 (EwDoorway, 1);

  self->inward = ew_way_new (bus, gdbus);
  self->outward = ew_way_new (gdbus, bus);
  self->gate = ew_gate_new (send_ours, self);
  self->stop = eventfd (0, EFD_CLOEXEC);
  self->thread = g_thread_new ("ew-doorway", run, self);
  return self;
}

static gint
connect_bus (const gchar *address, GError **error)
{
  g_autoptr (GIOStream) stream = g_dbus_address_get_stream_sync (address, NULL, NULL, error);
  GSocket *socket;
  gint fd = -1;

  if (stream == NULL)
    return -1;
  socket = G_IS_SOCKET_CONNECTION (stream) ? g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream)) : NULL;
  if (socket != NULL)
    fd = fcntl (g_socket_get_fd (socket), F_DUPFD_CLOEXEC, 0);
  if (fd < 0)
    g_set_error_literal (error, EW_ERROR, EW_ERROR_FAILED, "Its address isn't that of a socket.");
  return fd;
}

static GDBusConnection *
sign_on (gint fd, GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, error);
  g_autoptr (GSocketConnection) stream = NULL;

  if (socket == NULL)
    {
      close (fd);
      return NULL;
    }
  stream = g_socket_connection_factory_create_connection (socket);
  return g_dbus_connection_new_sync (
    G_IO_STREAM (stream), NULL,
    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL, NULL, error);
}

EwDoorway *
ew_doorway_open (const gchar *address, GDBusConnection **connection, GError **error)
{
  EwDoorway *self;
  gint ends[2], bus = connect_bus (address, error);

  if (bus < 0)
    return NULL;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_FAILED, "Can't create sockets: %s.", g_strerror (errno));
      close (bus);
      return NULL;
    }
  self = start (bus, ends[1]);
  *connection = sign_on (ends[0], error);
  if (*connection != NULL)
    return self;
  ew_doorway_close (self);
  return NULL;
}

void
ew_doorway_close (EwDoorway *self)
{
  guint64 one = 1;

  (void)!write (self->stop, &one, sizeof one);
  g_thread_join (self->thread);
  free_doorway (self);
}
