/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * enter PID COMMAND [ARGUMENT…]: runs a command in the mount, network and UTS namespace and the root folder of a process
 * (0: in those it has), killed when the thread that started it ends. machines.py starts every program of a machine with
 * it: one process less than setpriv(1) with nsenter(1).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int
fail (const char *what)
{
  fprintf (stderr, "enter: %s: %s\n", what, strerror (errno));
  return 127;
}

static int
open_of (const char *pid, const char *what, int flags)
{
  char path[64];

  snprintf (path, sizeof path, "/proc/%s/%s", pid, what);
  return open (path, flags | O_RDONLY | O_CLOEXEC);
}

int
main (int argc, char **argv)
{
  static const char *const kinds[] = { "ns/uts", "ns/net", "ns/mnt" };
  int fds[3], root;

  if (argc < 3)
    {
      fputs ("Usage: enter PID COMMAND [ARGUMENT...]\n", stderr);
      return 2;
    }
  if (prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
    return fail ("prctl");
  if (strcmp (argv[1], "0") != 0)
    {
      /* All are opened first: /proc may be another one inside. */
      for (int i = 0; i < 3; i++)
        if ((fds[i] = open_of (argv[1], kinds[i], 0)) < 0)
          return fail (kinds[i]);
      if ((root = open_of (argv[1], "root", O_DIRECTORY)) < 0)
        return fail ("root");
      for (int i = 0; i < 3; i++)
        if (setns (fds[i], 0) != 0)
          return fail (kinds[i]);
      if (fchdir (root) != 0 || chroot (".") != 0)
        return fail ("chroot");
    }
  execvp (argv[2], argv + 2);
  return fail (argv[2]);
}
