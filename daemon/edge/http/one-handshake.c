/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/http/one-handshake.h"

#define HEAD_SIZE 5 /* type, version, length */
#define CHANGE_CIPHER_SPEC 20
#define HANDSHAKE 22

gboolean
ew_http_tls_records_follow (EwTlsRecords *self, const guint8 *data, gsize length)
{
  while (length > 0)
    {
      gsize n = 1;
      if (self->n_head == HEAD_SIZE)
        {
          n = MIN (length, self->left);
          self->left -= (guint16)n;
        }
      else
        {
          if (self->n_head == 0 && *data == HANDSHAKE && self->changed && ++self->n_after > 1)
            return FALSE;
          self->changed |= self->n_head == 0 && *data == CHANGE_CIPHER_SPEC;
          self->left = (guint16)(self->left << 8 | *data); /* its last two bytes stay */
          self->n_head++;
        }
      if (self->n_head == HEAD_SIZE && self->left == 0)
        self->n_head = 0;
      data += n;
      length -= n;
    }
  return TRUE;
}

/* What is read. */

typedef struct
{
  GFilterInputStream parent;
  EwTlsRecords records;
} RecordInput;
typedef GFilterInputStreamClass RecordInputClass;

static GType record_input_get_type (void);
static void record_input_init_pollable (GPollableInputStreamInterface *interface);

G_DEFINE_TYPE_WITH_CODE (RecordInput, record_input, G_TYPE_FILTER_INPUT_STREAM,
                         G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM, record_input_init_pollable))

static GInputStream *
get_base (gpointer self)
{
  return g_filter_input_stream_get_base_stream (G_FILTER_INPUT_STREAM (self));
}

static gssize
check_read (gpointer stream, const void *buffer, gssize n, GError **error)
{
  RecordInput *self = stream;

  if (n <= 0 || ew_http_tls_records_follow (&self->records, buffer, (gsize)n))
    return n;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "the caller asks for another handshake");
  return -1;
}

static gssize
record_input_read (GInputStream *stream, void *buffer, gsize count, GCancellable *cancellable, GError **error)
{
  return check_read (stream, buffer, g_input_stream_read (get_base (stream), buffer, count, cancellable, error), error);
}

static gssize
record_input_read_nonblocking (GPollableInputStream *stream, void *buffer, gsize count, GError **error)
{
  const gssize n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (get_base (stream)), buffer, count,
                                                             NULL, error);

  return check_read (stream, buffer, n, error);
}

static gboolean
record_input_is_readable (GPollableInputStream *stream)
{
  return g_pollable_input_stream_is_readable (G_POLLABLE_INPUT_STREAM (get_base (stream)));
}

static GSource *
record_input_create_source (GPollableInputStream *stream, GCancellable *cancellable)
{
  g_autoptr (GSource) below = g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (get_base (stream)), NULL);

  return g_pollable_source_new_full (stream, below, cancellable);
}

static void
record_input_init_pollable (GPollableInputStreamInterface *interface)
{
  interface->is_readable = record_input_is_readable;
  interface->create_source = record_input_create_source;
  interface->read_nonblocking = record_input_read_nonblocking;
}

static void
record_input_class_init (RecordInputClass *class)
{
  G_INPUT_STREAM_CLASS (class)->read_fn = record_input_read;
}

static void
record_input_init (RecordInput *self)
{
}

/* The connection. */

typedef struct
{
  GTcpConnection parent;
  GSocketConnection *below; /* owned; whoever waits for its end waits for this one's */
  GInputStream *input;      /* NULL: nobody has read */
} OneHandshake;
typedef GTcpConnectionClass OneHandshakeClass;

static GType one_handshake_get_type (void);

G_DEFINE_TYPE (OneHandshake, one_handshake, G_TYPE_TCP_CONNECTION)

static GInputStream *
one_handshake_get_input_stream (GIOStream *stream)
{
  OneHandshake *self = (OneHandshake *)stream;

  if (self->input == NULL)
    self->input = g_object_new (record_input_get_type (), "base-stream",
                                G_IO_STREAM_CLASS (one_handshake_parent_class)->get_input_stream (stream), NULL);
  return self->input;
}

static void
one_handshake_finalize (GObject *object)
{
  OneHandshake *self = (OneHandshake *)object;

  g_clear_object (&self->input);
  g_clear_object (&self->below);
  G_OBJECT_CLASS (one_handshake_parent_class)->finalize (object);
}

static void
one_handshake_class_init (OneHandshakeClass *class)
{
  G_OBJECT_CLASS (class)->finalize = one_handshake_finalize;
  G_IO_STREAM_CLASS (class)->get_input_stream = one_handshake_get_input_stream;
}

static void
one_handshake_init (OneHandshake *self)
{
}

GIOStream *
ew_http_one_handshake_new (GSocketConnection *below)
{
  OneHandshake *self = g_object_new (one_handshake_get_type (), "socket", g_socket_connection_get_socket (below), NULL);

  self->below = g_object_ref (below);
  return G_IO_STREAM (self);
}
