/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For LD_PRELOAD: a wall clock that is behind by WRONG_CLOCK_SECONDS, as after a flat battery; the monotonic ones are
 * unchanged.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long
behind (void)
{
  const char *text = getenv ("WRONG_CLOCK_SECONDS");

  return text != NULL ? atol (text) : 0;
}

int
clock_gettime (clockid_t clock, struct timespec *out)
{
  static int (*real) (clockid_t clock, struct timespec * out);

  if (real == NULL)
    *(void **)&real = dlsym (RTLD_NEXT, "clock_gettime");
  int result = real (clock, out);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    out->tv_sec -= behind ();
  return result;
}

int
gettimeofday (struct timeval *restrict out, void *restrict zone)
{
  struct timespec now;

  (void)zone;
  clock_gettime (CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t
time (time_t *out)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  if (out != NULL)
    *out = now.tv_sec;
  return now.tv_sec;
}
