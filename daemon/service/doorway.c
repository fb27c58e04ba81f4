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

#define IN_SIZE (2 * EW_FRAME_FIELDS_MAX)
#define OUT_MAX (1024 * 1024) /* bytes waiting: beyond it the other side is not read */
#define FDS_MAX 64            /* descriptors waiting; the bus allows 16 in a message */
#define LAST_WORDS_MS 500     /* for the bus to take what is left at the end */
#define SIGN_ON_END "BEGIN\r\n"

typedef struct
{
  gsize at; /* with this byte of out */
  gint fd;
} Descriptor;

/* One direction. */
typedef struct
{
  gint from, to;
  guint8 in[IN_SIZE];
  gsize in_length;
  GArray *in_fds; /* gint: come with what is in `in`, in the order of the messages */
  GByteArray *out;
  GArray *out_fds; /* Descriptor */
  gsize rest;      /* bytes of the present message that are still to come */
  gboolean pass;   /* they go on */
  gboolean ended;
} Way;

struct EwDoorway
{
  Way *inward, *outward;
  EwGate *gate;
  GQueue ours;        /* GBytes: messages to the bus, between GDBus' own */
  gboolean signed_on; /* lines until then, messages from then on */
  gint stop;          /* eventfd */
  GThread *thread;
};

/* Ways. */

static void
close_fds (GArray *fds)
{
  for (guint i = 0; i < fds->len; i++)
    close (g_array_index (fds, gint, i));
  g_array_set_size (fds, 0);
}

static Way *
new_way (gint from, gint to)
{
  Way *way = g_new0 (Way, 1);

  way->from = from;
  way->to = to;
  way->in_fds = g_array_new (FALSE, FALSE, sizeof (gint));
  way->out = g_byte_array_new ();
  way->out_fds = g_array_new (FALSE, FALSE, sizeof (Descriptor));
  return way;
}

static void
free_way (Way *way)
{
  close_fds (way->in_fds);
  for (guint i = 0; i < way->out_fds->len; i++)
    close (g_array_index (way->out_fds, Descriptor, i).fd);
  g_array_unref (way->in_fds);
  g_array_unref (way->out_fds);
  g_byte_array_unref (way->out);
  g_free (way);
}

static void
keep_fds (Way *way, struct msghdr *header)
{
  for (struct cmsghdr *control = CMSG_FIRSTHDR (header); control != NULL; control = CMSG_NXTHDR (header, control))
    {
      gsize n = (control->cmsg_len - CMSG_LEN (0)) / sizeof (gint);
      if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
        continue;
      for (gsize i = 0; i < n; i++)
        {
          gint fd;
          memcpy (&fd, CMSG_DATA (control) + i * sizeof fd, sizeof fd);
          if (way->in_fds->len < FDS_MAX)
            g_array_append_val (way->in_fds, fd);
          else
            close (fd);
        }
    }
}

static void
read_more (Way *way)
{
  _Alignas(struct cmsghdr) guint8 control[CMSG_SPACE (FDS_MAX * sizeof (gint))];
  struct iovec data = { .iov_base = way->in + way->in_length, .iov_len = IN_SIZE - way->in_length };
  struct msghdr header
    = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
  gssize n = recvmsg (way->from, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

  if (n > 0)
    {
      keep_fds (way, &header);
      way->in_length += (gsize)n;
    }
  else if (n == 0 || (errno != EAGAIN && errno != EINTR))
    way->ended = TRUE;
}

/* One call of sendmsg(): up to the next byte that has descriptors of its own. */
static void
write_more (Way *way)
{
  _Alignas(struct cmsghdr) guint8 control[CMSG_SPACE (FDS_MAX * sizeof (gint))] = { 0 };
  struct iovec data = { .iov_base = way->out->data, .iov_len = way->out->len };
  struct msghdr header = { .msg_iov = &data, .msg_iovlen = 1 };
  guint n_fds = 0;
  gssize n;

  while (n_fds < way->out_fds->len && g_array_index (way->out_fds, Descriptor, n_fds).at == 0)
    n_fds++;
  if (n_fds < way->out_fds->len)
    data.iov_len = g_array_index (way->out_fds, Descriptor, n_fds).at;
  if (n_fds > 0)
    {
      struct cmsghdr *rights = (struct cmsghdr *)control;
      header.msg_control = control;
      header.msg_controllen = CMSG_SPACE (n_fds * sizeof (gint));
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN (n_fds * sizeof (gint));
      for (guint i = 0; i < n_fds; i++)
        memcpy (CMSG_DATA (rights) + i * sizeof (gint), &g_array_index (way->out_fds, Descriptor, i).fd, sizeof (gint));
    }
  n = sendmsg (way->to, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0)
    {
      way->ended = way->ended || (errno != EAGAIN && errno != EINTR);
      return;
    }
  for (guint i = 0; i < n_fds; i++)
    close (g_array_index (way->out_fds, Descriptor, i).fd);
  if (n_fds > 0)
    g_array_remove_range (way->out_fds, 0, n_fds);
  for (guint i = 0; i < way->out_fds->len; i++)
    g_array_index (way->out_fds, Descriptor, i).at -= (gsize)n;
  g_byte_array_remove_range (way->out, 0, (guint)n);
}

/* Messages. */

static void
consume (Way *way, gsize n)
{
  way->in_length -= n;
  memmove (way->in, way->in + n, way->in_length);
}

/* The descriptors of a message whose first byte is the next of out. */
static void
take_fds (Way *way, guint n, gboolean pass)
{
  n = MIN (n, way->in_fds->len);
  for (guint i = 0; i < n; i++)
    {
      Descriptor descriptor = { .at = way->out->len, .fd = g_array_index (way->in_fds, gint, i) };
      if (pass)
        g_array_append_val (way->out_fds, descriptor);
      else
        close (descriptor.fd);
    }
  if (n > 0)
    g_array_remove_range (way->in_fds, 0, n);
}

static gsize
take_rest (Way *way, gsize at)
{
  gsize n = MIN (way->rest, way->in_length - at);

  if (way->pass)
    g_byte_array_append (way->out, way->in + at, (guint)n);
  way->rest -= n;
  return n;
}

/* A header that is longer than any legitimate one: not looked at. */
static void
begin_unread (EwDoorway *self, Way *way, const EwFrame *frame)
{
  way->pass = way == self->outward || frame->type != EW_FRAME_CALL;
  way->rest = frame->header + frame->body;
  take_fds (way, way->in_fds->len, way->pass);
}

/* Begins with the message at `at`; FALSE: more of it has to come first. */
static gboolean
begin_message (EwDoorway *self, Way *way, gsize at)
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
  take_fds (way, frame.n_fds, way->pass);
  way->rest = frame.header + frame.body;
  return TRUE;
}

static void
pass_messages (EwDoorway *self, Way *way)
{
  gsize at = 0;

  while (!way->ended && at < way->in_length)
    {
      if (way->rest == 0 && !begin_message (self, way, at))
        break;
      at += take_rest (way, at);
    }
  consume (way, at);
}

/* GDBus signs on with lines; the byte with its credentials comes before them. */
static void
pass_lines (EwDoorway *self, Way *way)
{
  const guint8 *end = way == self->outward ? memmem (way->in, way->in_length, SIGN_ON_END, strlen (SIGN_ON_END)) : NULL;
  gsize n = end != NULL ? (gsize)(end - way->in) + strlen (SIGN_ON_END) : way->in_length;

  /* Half of the word may be there. */
  if (end == NULL && way == self->outward && way->in_length > 0 && way->in[way->in_length - 1] != '\n'
      && way->in[way->in_length - 1] != '\0')
    return;
  g_byte_array_append (way->out, way->in, (guint)n);
  consume (way, n);
  self->signed_on = end != NULL;
}

static void
pass_on (EwDoorway *self, Way *way)
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
events_of (const Way *reads, const Way *writes, const Way *also)
{
  gshort events = 0;

  if (!reads->ended && reads->in_length < IN_SIZE && reads->out->len < OUT_MAX && also->out->len < OUT_MAX)
    events |= POLLIN;
  if (writes->out->len > 0)
    events |= POLLOUT;
  return events;
}

/* FALSE: nothing came. */
static gboolean
turn (EwDoorway *self, gint timeout_ms)
{
  Way *in = self->inward, *out = self->outward;
  struct pollfd fds[3] = { { .fd = in->from, .events = events_of (in, out, out) },
                           { .fd = out->from, .events = events_of (out, in, out) },
                           { .fd = self->stop, .events = timeout_ms < 0 ? POLLIN : 0 } };

  if (poll (fds, G_N_ELEMENTS (fds), timeout_ms) <= 0)
    return FALSE;
  if ((fds[0].events & POLLIN) != 0 && (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
    read_more (in);
  if ((fds[1].events & POLLIN) != 0 && (fds[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
    read_more (out);
  pass_on (self, out);
  pass_on (self, in);
  add_ours (self);
  if (in->out->len > 0)
    write_more (in);
  if (out->out->len > 0)
    write_more (out);
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
  free_way (self->inward);
  free_way (self->outward);
  g_free (self);
}

/* Takes both descriptors. */
static EwDoorway *
start (gint bus, gint gdbus)
{
  EwDoorway *self = g_new0 (EwDoorway, 1);

  self->inward = new_way (bus, gdbus);
  self->outward = new_way (gdbus, bus);
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
