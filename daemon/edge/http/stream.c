/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Answers that are too large to be held in memory: read and sent a piece at a time. The connection is taken away from
 * libsoup for that; each piece that its caller takes gives it PIECE_SECONDS more.
 */
#include "edge/http/server-private.h"

#include <string.h>

#define PIECE (64 * 1024)
#define PIECE_SECONDS 30

struct EwServerStream
{
  SoupServerMessage *message; /* until the connection is taken */
  GIOStream *stream;          /* from then on */
  EwConnection *connection;   /* lives as long as stream */
  gboolean stopped;           /* before that */
  GInputStream *body;
  guint64 left; /* bytes of body to be sent */
  gchar *head;
  guint8 *piece;
  EwServerWait wait_us;
  GDestroyNotify done;
  gpointer done_data;
};
typedef EwServerStream Sending;

static void
sending_free (Sending *sending)
{
  g_clear_object (&sending->message);
  g_clear_object (&sending->stream); /* the connection's end */
  g_clear_object (&sending->body);
  g_free (sending->head);
  g_free (sending->piece);
  if (sending->done)
    sending->done (sending->done_data);
  g_free (sending);
}

/* With TLS's own end, which apt insists on where OpenSSL is its TLS library (Debian 13). */
static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_io_stream_close_finish (G_IO_STREAM (source), result, NULL);
  sending_free (user_data);
}

static void read_piece (Sending *sending);

static void
on_piece_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Sending *sending = user_data;
  if (g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL))
    {
      ew_http_connection_set_deadline (sending->connection, PIECE_SECONDS);
      read_piece (sending);
    }
  else
    sending_free (sending);
}

static void
on_piece_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Sending *sending = user_data;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);
  if (n <= 0) /* the file has become shorter: so is the answer, which its reader notices */
    {
      sending_free (sending);
      return;
    }
  sending->left -= (guint64)n;
  g_output_stream_write_all_async (g_io_stream_get_output_stream (sending->stream), sending->piece, (gsize)n,
                                   G_PRIORITY_DEFAULT, NULL, on_piece_written, sending);
}

static gboolean
on_turn (gpointer user_data)
{
  Sending *sending = user_data;
  g_input_stream_read_async (sending->body, sending->piece, (gsize)MIN (sending->left, PIECE), G_PRIORITY_DEFAULT, NULL,
                             on_piece_read, sending);
  return G_SOURCE_REMOVE;
}

static void
read_piece (Sending *sending)
{
  if (sending->left == 0)
    {
      g_io_stream_close_async (sending->stream, G_PRIORITY_DEFAULT, NULL, on_closed, sending);
      return;
    }
  gint64 wait_us = sending->wait_us (sending->done_data, (gsize)MIN (sending->left, PIECE));
  if (wait_us < G_TIME_SPAN_MILLISECOND)
    {
      on_turn (sending);
      return;
    }
  /* That it waits isn't its reader's fault. */
  ew_http_connection_set_deadline (sending->connection, PIECE_SECONDS + (guint)(wait_us / G_USEC_PER_SEC) + 1);
  g_timeout_add ((guint)(wait_us / G_TIME_SPAN_MILLISECOND), on_turn, sending);
}

/* Not within libsoup's own signal: the connection is taken away from it here. */
static gboolean
on_begin (gpointer user_data)
{
  Sending *sending = user_data;
  EwConnection *connection = ew_http_connection_of (sending->message);
  if (connection && connection->server && !connection->dropped && !sending->stopped)
    {
      sending->connection = connection;
      sending->stream = soup_server_message_steal_connection (sending->message);
      g_clear_object (&sending->message);
    }
  if (sending->stream)
    {
      ew_http_connection_set_deadline (connection, PIECE_SECONDS);
      g_output_stream_write_all_async (g_io_stream_get_output_stream (sending->stream), sending->head,
                                       strlen (sending->head), G_PRIORITY_DEFAULT, NULL, on_piece_written, sending);
    }
  else
    sending_free (sending);
  return G_SOURCE_REMOVE;
}

EwServerStream *
ew_http_server_stream (EwServer *self, SoupServerMessage *message, GInputStream *body, guint64 length,
                       EwServerWait wait_us, GDestroyNotify done, gpointer done_data)
{
  Sending *sending = g_new0 (Sending, 1);
  GString *head = g_string_new (NULL);
  sending->message = g_object_ref (message);
  sending->body = body;
  sending->left = length;
  sending->piece = g_malloc (PIECE);
  sending->wait_us = wait_us;
  sending->done = done;
  sending->done_data = done_data;
  ew_http_append_head (head, message, length);
  sending->head = g_string_free (head, FALSE);
  soup_server_message_pause (message);
  g_idle_add_full (G_PRIORITY_DEFAULT, on_begin, sending, NULL);
  return sending;
}

void
ew_http_server_stream_stop (EwServerStream *stream)
{
  stream->stopped = TRUE;
  if (stream->connection)
    ew_http_connection_drop (stream->connection);
}
