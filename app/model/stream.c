/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream.h"

#include <gio/gunixinputstream.h>
#include <string.h>

#define CHUNK 65536 /* bytes: what a pipe holds */
/* Ahead of GTK's drawing: where a frame takes longer than the time between two, a spinner alone keeps the main loop
   busy, and what it waits for would never be read. */
#define PRIORITY G_PRIORITY_DEFAULT
/* A flood of messages mustn't freeze the window either: after a turn, of so much work or so many pieces, the stream
   pauses long enough for a frame to be drawn. */
#define TURN_US 8000
#define TURN_PIECES 32
#define REST_MS 5

struct EwStream
{
  GInputStream *input;
  GCancellable *cancellable;
  EwStreamMessage message;
  EwStreamEnd end;
  gpointer user_data;
  JsonParser *parser;
  GString *line;        /* begun and not ended yet */
  gboolean skipping;    /* the rest of a line that is too long */
  gboolean busy, freed; /* in a callback; … which freed the stream */
  gint64 turn_us;       /* spent on this turn */
  guint turn_pieces, rest;
  gchar chunk[CHUNK];
};

static void read_more (EwStream *self);

static void
stream_destroy (EwStream *self)
{
  g_clear_handle_id (&self->rest, g_source_remove);
  g_input_stream_close (self->input, NULL, NULL);
  g_clear_object (&self->input);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->parser);
  g_string_free (self->line, TRUE);
  g_free (self);
}

static void
take_line (EwStream *self)
{
  JsonNode *root;

  if (self->line->len == 0
      || !json_parser_load_from_data (self->parser, self->line->str, (gssize)self->line->len, NULL))
    return;
  root = json_parser_get_root (self->parser);
  if (root != NULL && JSON_NODE_HOLDS_OBJECT (root))
    self->message (json_node_get_object (root), self->user_data);
}

static void
take_chunk (EwStream *self, const gchar *data, gsize length)
{
  while (length > 0 && !self->freed)
    {
      const gchar *end = memchr (data, '\n', length);
      gsize part = end != NULL ? (gsize)(end - data) : length;

      if (self->line->len + part > EW_STREAM_LINE_MAX)
        {
          self->skipping = TRUE;
          g_string_truncate (self->line, 0);
        }
      if (!self->skipping)
        g_string_append_len (self->line, data, (gssize)part);
      if (end == NULL)
        return;
      if (!self->skipping)
        take_line (self);
      g_string_truncate (self->line, 0);
      self->skipping = FALSE;
      data += part + 1;
      length -= part + 1;
    }
}

static gboolean
on_rested (gpointer user_data)
{
  EwStream *self = user_data;

  self->rest = 0;
  read_more (self);
  return G_SOURCE_REMOVE;
}

/* Reads on, or pauses first where the turn has ended. */
static void
go_on (EwStream *self, gint64 began)
{
  self->turn_us += g_get_monotonic_time () - began;
  if (self->turn_us < TURN_US && ++self->turn_pieces < TURN_PIECES)
    {
      read_more (self);
      return;
    }
  self->turn_us = 0;
  self->turn_pieces = 0;
  self->rest = g_timeout_add (REST_MS, on_rested, self);
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EwStream *self = user_data;
  gssize length = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);
  gint64 began = g_get_monotonic_time ();

  if (self->freed)
    {
      stream_destroy (self);
      return;
    }
  self->busy = TRUE;
  if (length > 0)
    take_chunk (self, self->chunk, (gsize)length);
  else
    self->end (self->user_data);
  self->busy = FALSE;
  if (self->freed)
    stream_destroy (self);
  else if (length > 0)
    go_on (self, began);
}

static void
read_more (EwStream *self)
{
  g_input_stream_read_async (self->input, self->chunk, sizeof self->chunk, PRIORITY, self->cancellable, on_read, self);
}

EwStream *
ew_stream_new (gint fd, EwStreamMessage message, EwStreamEnd end, gpointer user_data)
{
  EwStream *self = g_new0 (EwStream, 1);

  self->input = g_unix_input_stream_new (fd, TRUE);
  self->cancellable = g_cancellable_new ();
  self->message = message;
  self->end = end;
  self->user_data = user_data;
  self->parser = json_parser_new ();
  self->line = g_string_new (NULL);
  read_more (self);
  return self;
}

void
ew_stream_free (EwStream *self)
{
  self->freed = TRUE;
  if (self->busy)
    return; /* destroyed on the way back */
  if (g_input_stream_has_pending (self->input))
    g_cancellable_cancel (self->cancellable); /* destroyed once the read has returned */
  else
    stream_destroy (self); /* the stream has ended */
}
