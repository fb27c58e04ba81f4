/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/http/websocket.h"

#include <string.h>

#define PING_SECONDS 20
#define SILENCE_US (60 * G_USEC_PER_SEC)

/* RFC 6455 section 5.2. */
#define FIN 0x80
#define MASKED 0x80
#define OPCODE_TEXT 0x1
#define OPCODE_CLOSE 0x8
#define OPCODE_PING 0x9
#define OPCODE_PONG 0xa
#define CONTROL_MAX 125

struct EwWebsocket
{
  gint refs; /* the owner's reference, and one for each operation under way */
  GIOStream *stream;
  GCancellable *cancellable;
  const EwWebsocketHooks *hooks; /* NULL: freed, or the end was reported */
  gpointer user_data;
  GByteArray *queue;   /* frames to be written */
  GByteArray *writing; /* NULL: nothing is under way */
  GByteArray *input;
  guint8 buffer[EW_WEBSOCKET_FRAME_MAX];
  guint ping;
  gint64 heard_us;
  gboolean ended;
};

static void read_more (EwWebsocket *self);
static void write_more (EwWebsocket *self);

static EwWebsocket *
ref (EwWebsocket *self)
{
  self->refs++;
  return self;
}

static void
unref (EwWebsocket *self)
{
  if (--self->refs > 0)
    return;
  g_io_stream_close_async (self->stream, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  g_object_unref (self->stream);
  g_object_unref (self->cancellable);
  g_byte_array_unref (self->queue);
  g_clear_pointer (&self->writing, g_byte_array_unref);
  g_byte_array_unref (self->input);
  g_free (self);
}

/* No more reading or writing; the owner is called once. */
static void
end (EwWebsocket *self)
{
  const EwWebsocketHooks *hooks = g_steal_pointer (&self->hooks);
  self->ended = TRUE;
  g_clear_handle_id (&self->ping, g_source_remove);
  g_cancellable_cancel (self->cancellable);
  if (hooks)
    hooks->closed (self->user_data);
}

/* Out. */

static void
add_frame (GByteArray *out, guint8 opcode, const void *payload, gsize length)
{
  guint8 header[10] = { FIN | opcode };
  guint size = 2;
  if (length < 126)
    header[1] = (guint8)length;
  else if (length <= G_MAXUINT16)
    {
      guint16 wire = GUINT16_TO_BE ((guint16)length);
      header[1] = 126;
      memcpy (header + 2, &wire, sizeof wire);
      size = 4;
    }
  else
    {
      guint64 wire = GUINT64_TO_BE ((guint64)length);
      header[1] = 127;
      memcpy (header + 2, &wire, sizeof wire);
      size = 10;
    }
  g_byte_array_append (out, header, size);
  if (length > 0)
    g_byte_array_append (out, payload, (guint)length);
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwWebsocket *self = user_data;
  gboolean good = g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL);
  g_clear_pointer (&self->writing, g_byte_array_unref);
  if (!self->ended && !good)
    end (self);
  else if (!self->ended && self->queue->len > 0)
    write_more (self);
  else if (!self->ended && self->hooks)
    self->hooks->drained (self->user_data);
  unref (self);
}

static void
write_more (EwWebsocket *self)
{
  if (self->writing || self->ended || self->queue->len == 0)
    return;
  self->writing = g_steal_pointer (&self->queue);
  self->queue = g_byte_array_new ();
  g_output_stream_write_all_async (g_io_stream_get_output_stream (self->stream), self->writing->data,
                                   self->writing->len, G_PRIORITY_DEFAULT, self->cancellable, on_written, ref (self));
}

void
ew_http_websocket_send (EwWebsocket *self, const gchar *text)
{
  if (self->ended)
    return;
  add_frame (self->queue, OPCODE_TEXT, text, strlen (text));
  write_more (self);
}

gboolean
ew_http_websocket_is_drained (EwWebsocket *self)
{
  return self->writing == NULL && self->queue->len == 0;
}

/* A close frame, where it can be written at once: don't wait for a reader that is leaving. */
static void
say_goodbye (EwWebsocket *self)
{
  static const guint8 frame[] = { FIN | OPCODE_CLOSE, 2, 1000 >> 8, 1000 & 0xff };
  GOutputStream *out = g_io_stream_get_output_stream (self->stream);
  if (ew_http_websocket_is_drained (self) && G_IS_POLLABLE_OUTPUT_STREAM (out))
    g_pollable_output_stream_write_nonblocking (G_POLLABLE_OUTPUT_STREAM (out), frame, sizeof frame, NULL, NULL);
}

/* In. */

gssize
ew_http_websocket_parse (guint8 *data, gsize length, EwWebsocketFrame *frame)
{
  if (length < 2)
    return 0;
  gsize size = data[1] & 0x7f, header = 2;
  frame->opcode = data[0] & 0x0f;
  if ((data[0] & 0x70) || !(data[1] & MASKED) || size == 127)
    return -1; /* an extension that was not agreed, no mask (section 5.1), 64 KiB or more */
  if (frame->opcode >= OPCODE_CLOSE && (size > CONTROL_MAX || !(data[0] & FIN)))
    return -1;
  if (size == 126)
    {
      if (length < 4)
        return 0;
      size = (gsize)data[2] << 8 | data[3];
      header = 4;
    }
  if (size > EW_WEBSOCKET_FRAME_MAX)
    return -1;
  if (length < header + 4 + size)
    return 0;
  const guint8 *mask = data + header;
  frame->payload = data + header + 4;
  frame->length = size;
  for (gsize i = 0; i < size; i++)
    frame->payload[i] ^= mask[i % 4];
  return (gssize)(header + 4 + size);
}

static void
take_frame (EwWebsocket *self, const EwWebsocketFrame *frame)
{
  /* A reader that sends pings but reads no pongs must not fill the edge's memory. */
  if (frame->opcode == OPCODE_PING && self->queue->len < EW_WEBSOCKET_FRAME_MAX)
    add_frame (self->queue, OPCODE_PONG, frame->payload, frame->length);
  else if (frame->opcode == OPCODE_CLOSE)
    {
      say_goodbye (self);
      end (self);
    }
}

static gboolean
take_input (EwWebsocket *self)
{
  EwWebsocketFrame frame;
  gssize size;
  while (!self->ended && (size = ew_http_websocket_parse (self->input->data, self->input->len, &frame)) != 0)
    {
      if (size < 0)
        return FALSE;
      take_frame (self, &frame);
      g_byte_array_remove_range (self->input, 0, (guint)size);
    }
  write_more (self);
  return TRUE;
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwWebsocket *self = user_data;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);
  if (!self->ended && n > 0)
    {
      self->heard_us = g_get_monotonic_time ();
      g_byte_array_append (self->input, self->buffer, (guint)n);
      if (take_input (self))
        read_more (self);
      else
        end (self);
    }
  else if (!self->ended)
    end (self);
  unref (self);
}

static void
read_more (EwWebsocket *self)
{
  if (!self->ended)
    g_input_stream_read_async (g_io_stream_get_input_stream (self->stream), self->buffer, sizeof self->buffer,
                               G_PRIORITY_DEFAULT, self->cancellable, on_read, ref (self));
}

static gboolean
on_ping (gpointer user_data)
{
  EwWebsocket *self = user_data;
  if (g_get_monotonic_time () - self->heard_us > SILENCE_US)
    {
      self->ping = 0;
      end (self);
      return G_SOURCE_REMOVE;
    }
  if (self->queue->len < EW_WEBSOCKET_FRAME_MAX)
    add_frame (self->queue, OPCODE_PING, NULL, 0);
  write_more (self);
  return G_SOURCE_CONTINUE;
}

EwWebsocket *
ew_http_websocket_new (GIOStream *stream, const EwWebsocketHooks *hooks, gpointer user_data)
{
  EwWebsocket *self = g_new0 (EwWebsocket, 1);
  self->refs = 1;
  self->stream = g_object_ref (stream);
  self->cancellable = g_cancellable_new ();
  self->hooks = hooks;
  self->user_data = user_data;
  self->queue = g_byte_array_new ();
  self->input = g_byte_array_new ();
  self->heard_us = g_get_monotonic_time ();
  self->ping = g_timeout_add_seconds (PING_SECONDS, on_ping, self);
  read_more (self);
  return self;
}

void
ew_http_websocket_free (EwWebsocket *self)
{
  if (self == NULL)
    return;
  self->hooks = NULL;
  if (!self->ended)
    say_goodbye (self);
  end (self);
  unref (self);
}
