/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For LD_PRELOAD: a boot clock that jumps ahead of the monotonic one by what the file BOOT_JUMP/seconds says (a decimal
 * number), as it does while a computer sleeps. The kernel then also cancels timers of the wall clock that ask for it
 * (TFD_TIMER_CANCEL_ON_SET): here they are the FIFO BOOT_JUMP/woken, and each byte in it cancels them.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static const char *seconds = "";
static int woken = -1, timer = -1;

/* Before the program narrows what it may open. */
__attribute__ ((constructor)) static void
open_files (void)
{
  const char *folder = getenv ("BOOT_JUMP");
  char path[256];

  if (folder == NULL)
    return;
  snprintf (path, sizeof path, "%s/seconds", folder);
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  void *text = fd < 0 ? MAP_FAILED : mmap (NULL, 32, PROT_READ, MAP_SHARED, fd, 0);
  if (text != MAP_FAILED)
    seconds = text;
  close (fd);
  snprintf (path, sizeof path, "%s/woken", folder);
  woken = open (path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

int
clock_gettime (clockid_t clock, struct timespec *out)
{
  static int (*real) (clockid_t clock, struct timespec * out);

  if (real == NULL)
    *(void **)&real = dlsym (RTLD_NEXT, "clock_gettime");
  int result = real (clock, out);
  if (result == 0 && clock == CLOCK_BOOTTIME)
    out->tv_sec += atol (seconds);
  return result;
}

int
timerfd_settime (int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
  static int (*real) (int fd, int flags, const struct itimerspec *new, struct itimerspec *old);
  struct itimerspec shifted = *new;

  if (real == NULL)
    *(void **)&real = dlsym (RTLD_NEXT, "timerfd_settime");
  if (flags & TFD_TIMER_CANCEL_ON_SET)
    {
      timer = fd;
      return woken < 0 ? real (fd, flags, new, old) : dup3 (woken, fd, O_CLOEXEC) < 0 ? -1 : 0;
    }
  /* The kernel's clock has not jumped. */
  if ((flags & TFD_TIMER_ABSTIME) && shifted.it_value.tv_sec > atol (seconds))
    shifted.it_value.tv_sec -= atol (seconds);
  return real (fd, flags, &shifted, old);
}

ssize_t
read (int fd, void *buffer, size_t size)
{
  static ssize_t (*real) (int fd, void *buffer, size_t size);

  if (real == NULL)
    *(void **)&real = dlsym (RTLD_NEXT, "read");
  ssize_t length = real (fd, buffer, size);
  if (fd != timer || woken < 0 || length < 1)
    return length;
  errno = ECANCELED;
  return -1;
}
