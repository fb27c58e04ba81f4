/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/resume.h"
#include "tunnel/alarm.h"
#include <glib-unix.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define SLEPT_US (2 * G_USEC_PER_SEC) /* more sleep than this is told */
/* The last second that the kernel takes: KTIME_MAX. */
#define NEVER ((time_t)(G_MAXINT64 / 1000000000))

struct EwResume
{
  GCancellable *connecting;
  GDBusConnection *bus;
  guint subscription;
  int clock; /* the timer that is cancelled when the wall clock is set; -1: none */
  guint source;
  gint64 slept; /* ew_slept () when last looked at */
  void (*func) (gpointer user_data);
  gpointer user_data;
};

static void
prepare_for_sleep (GDBusConnection *bus, const gchar *sender, const gchar *path, const gchar *interface,
                   const gchar *signal, GVariant *parameters, gpointer user_data)
{
  EwResume *resume = user_data;
  gboolean starts = TRUE;
  if (g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(b)")))
    g_variant_get (parameters, "(b)", &starts);
  if (!starts)
    resume->func (resume->user_data);
}

static void
bus_ready (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) bus = g_bus_get_finish (result, &error);
  if (!bus)
    return;
  EwResume *resume = user_data;
  /* The bus may be restarted; the tunnel continues. */
  g_dbus_connection_set_exit_on_close (bus, FALSE);
  resume->bus = g_steal_pointer (&bus);
  resume->subscription = g_dbus_connection_signal_subscribe (
    resume->bus, "org.freedesktop.login1", "org.freedesktop.login1.Manager", "PrepareForSleep",
    "/org/freedesktop/login1", NULL, G_DBUS_SIGNAL_FLAGS_NONE, prepare_for_sleep, resume, NULL);
}

/* The clock. */

static gboolean
arm_clock (EwResume *resume)
{
  const struct itimerspec never = { .it_value.tv_sec = NEVER };
  return timerfd_settime (resume->clock, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) == 0;
}

static gboolean
on_clock_set (gint fd, GIOCondition condition, gpointer user_data)
{
  EwResume *resume = user_data;
  guint64 times;
  (void)!read (fd, &times, sizeof times); /* ECANCELED */
  const gint64 slept = ew_slept ();
  const gboolean woken = slept - resume->slept > SLEPT_US;
  const gboolean armed = arm_clock (resume);
  resume->slept = slept;
  if (!armed)
    resume->source = 0;
  if (woken)
    resume->func (resume->user_data); /* last: it may end the watch */
  return armed ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void
watch_clock (EwResume *resume)
{
  resume->slept = ew_slept ();
  resume->clock = timerfd_create (CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (resume->clock >= 0 && arm_clock (resume))
    resume->source = g_unix_fd_add (resume->clock, G_IO_IN, on_clock_set, resume);
  else
    g_debug ("without logind, sleep is noticed with the next packet only");
}

EwResume *
ew_resume_watch (void (*func) (gpointer user_data), gpointer user_data)
{
  EwResume *resume = g_new0 (EwResume, 1);
  resume->func = func;
  resume->user_data = user_data;
  watch_clock (resume);
  resume->connecting = g_cancellable_new ();
  g_bus_get (G_BUS_TYPE_SYSTEM, resume->connecting, bus_ready, resume);
  return resume;
}

void
ew_resume_free (EwResume *resume)
{
  g_cancellable_cancel (resume->connecting);
  g_object_unref (resume->connecting);
  if (resume->subscription)
    g_dbus_connection_signal_unsubscribe (resume->bus, resume->subscription);
  g_clear_object (&resume->bus);
  g_clear_handle_id (&resume->source, g_source_remove);
  if (resume->clock >= 0)
    close (resume->clock);
  g_free (resume);
}
