/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A daemon in this process, on a private bus: properties of a connected node, and a topology stream that the test
 * writes. A ping's target is the name of the error it answers with; "hold" is never answered, "fine" is, "other-type" as by a daemon of another
 * version.
 */
#pragma once

#include <edgeway-daemon1.h>
#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  gchar *address; /* borrowed: the bus */
  GDBusConnection *connection;
  EwDaemon1 *skeleton;
  guint own;
  gint writer;          /* of the newest stream; -1: none */
  guint opened;         /* streams so far */
  const gchar *refusal; /* the error that OpenTopology answers with; NULL: none */
  guint held;           /* calls that never get an answer */
} Service;

/* Owns the name when it returns. */
void service_start (Service *self, const gchar *address);
/* As a daemon that is killed: the connection is cut. */
void service_stop (Service *self);
void service_send (Service *self, const gchar *text);
/* The daemon's end of the stream. */
void service_end_stream (Service *self);
/* The reader has closed its end. */
gboolean service_is_unread (Service *self);

/* Runs the main loop until condition; fails the test after 20 s. */
#define wait_until(condition)                                                                                          \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    gint64 wait_end = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;                                                   \
    guint wait_wake = g_timeout_add (20, wait_tick, NULL);                                                             \
    while (!(condition) && g_get_monotonic_time () < wait_end)                                                         \
      g_main_context_iteration (NULL, TRUE);                                                                           \
    g_source_remove (wait_wake);                                                                                       \
    g_assert_true (condition);                                                                                         \
  }                                                                                                                    \
  G_STMT_END
gboolean wait_tick (gpointer unused);
/* Runs the main loop for a while, for what must not happen. */
void run_for (guint ms);

G_END_DECLS
