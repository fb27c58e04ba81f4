/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/alarm.h"
#include <glib-unix.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct EwAlarm
{
  int fd;
  guint source;
  gint64 at;
  void (*func) (gpointer user_data);
  gpointer user_data;
};

static gint64
clock_us (clockid_t clock)
{
  struct timespec time;
  clock_gettime (clock, &time);
  return (gint64)time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

gint64
ew_boottime (void)
{
  return clock_us (CLOCK_BOOTTIME);
}

gint64
ew_slept (void)
{
  return clock_us (CLOCK_BOOTTIME) - clock_us (CLOCK_MONOTONIC);
}

static gboolean
expired (gint fd, GIOCondition condition, gpointer user_data)
{
  EwAlarm *alarm = user_data;
  guint64 times;
  if (read (fd, &times, sizeof times) == sizeof times && alarm->at != G_MAXINT64)
    {
      alarm->at = G_MAXINT64;
      alarm->func (alarm->user_data);
    }
  return G_SOURCE_CONTINUE;
}

EwAlarm *
ew_alarm_new (void (*func) (gpointer user_data), gpointer user_data)
{
  EwAlarm *alarm = g_new0 (EwAlarm, 1);
  alarm->fd = timerfd_create (CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (alarm->fd < 0)
    g_error ("timerfd_create: the kernel has no timers left");
  alarm->func = func;
  alarm->user_data = user_data;
  alarm->at = G_MAXINT64;
  /* What is due is not kept waiting by callers. */
  alarm->source = g_unix_fd_add_full (G_PRIORITY_HIGH, alarm->fd, G_IO_IN, expired, alarm, NULL);
  return alarm;
}

void
ew_alarm_free (EwAlarm *alarm)
{
  g_source_remove (alarm->source);
  close (alarm->fd);
  g_free (alarm);
}

void
ew_alarm_set (EwAlarm *alarm, gint64 at)
{
  struct itimerspec timer = { 0 };
  if (at == alarm->at)
    return;
  alarm->at = at;
  if (at != G_MAXINT64)
    {
      gint64 due = MAX (at, 1);
      timer.it_value.tv_sec = due / G_USEC_PER_SEC;
      timer.it_value.tv_nsec = due % G_USEC_PER_SEC * 1000;
    }
  timerfd_settime (alarm->fd, TFD_TIMER_ABSTIME, &timer, NULL);
}
