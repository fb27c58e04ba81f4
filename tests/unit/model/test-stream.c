/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * EwStream beside drawing that never rests, as where each frame takes longer than the time between two: neither keeps
 * the other from its turn.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "model/stream.h"

#define REDRAW (G_PRIORITY_HIGH_IDLE + 20) /* GDK_PRIORITY_REDRAW */
#define FRAME_US 3000
#define PATIENCE_US (20 * G_USEC_PER_SEC)

typedef struct
{
  gint fd; /* the writer's end */
  guint messages, frames;
  gulong message_us; /* what a message costs */
  gboolean ended;
} World;

static gboolean
on_frame (gpointer user_data)
{
  ((World *)user_data)->frames++;
  g_usleep (FRAME_US); /* real time: a frame takes as long */
  return G_SOURCE_CONTINUE;
}

static void
on_message (JsonObject *message, gpointer user_data)
{
  World *world = user_data;

  world->messages++;
  g_usleep (world->message_us); /* real time: a message takes as long */
}

static void
on_end (gpointer user_data)
{
  ((World *)user_data)->ended = TRUE;
}

static void
turn_until (gboolean (*done) (World *), World *world)
{
  gint64 end = g_get_monotonic_time () + PATIENCE_US;

  while (!done (world) && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, TRUE);
}

static EwStream *
open_stream (World *world)
{
  gint ends[2];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  world->fd = ends[1];
  return ew_stream_new (ends[0], on_message, on_end, world);
}

static gboolean
has_three (World *world)
{
  return world->messages >= 3;
}

static gboolean
has_ended (World *world)
{
  return world->ended;
}

static void
test_read_while_drawing (void)
{
  World world = { 0 };
  g_autoptr (EwStream) stream = open_stream (&world);
  guint frames = g_timeout_add_full (REDRAW, 0, on_frame, &world, NULL);

  g_assert_cmpint (write (world.fd, "{}\n{}\n{}\n", 9), ==, 9);
  turn_until (has_three, &world);
  g_assert_cmpuint (world.messages, ==, 3);
  close (world.fd);
  turn_until (has_ended, &world);
  g_assert_true (world.ended);
  g_source_remove (frames);
}

static gpointer
write_flood (gpointer user_data)
{
  g_autofree gchar *value = g_strnfill (200, 'x');
  g_autofree gchar *line = g_strdup_printf ("{\"type\":\"%s\"}\n", value);
  gssize length = (gssize)strlen (line);

  while (write (GPOINTER_TO_INT (user_data), line, (gsize)length) == length)
    ;
  return NULL;
}

static gboolean
has_thirty_frames (World *world)
{
  return world->frames >= 30;
}

static void
test_draw_while_reading (void)
{
  World world = { .message_us = 200 }; /* more than it costs to write one */
  EwStream *stream = open_stream (&world);
  GThread *thread = g_thread_new ("flood", write_flood, GINT_TO_POINTER (world.fd));
  guint frames = g_timeout_add_full (REDRAW, 0, on_frame, &world, NULL);

  turn_until (has_thirty_frames, &world);
  g_assert_cmpuint (world.frames, >=, 30);
  g_assert_cmpuint (world.messages, >, 100);
  g_source_remove (frames);
  ew_stream_free (stream);
  while (g_main_context_iteration (NULL, FALSE))
    ; /* closed before the loop is idle: the writer ends */
  g_thread_join (thread);
  close (world.fd);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  signal (SIGPIPE, SIG_IGN);
  g_test_add_func ("/model/stream/read-while-drawing", test_read_while_drawing);
  g_test_add_func ("/model/stream/draw-while-reading", test_draw_while_reading);
  return g_test_run ();
}
