/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nss/nsswitch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/error.h"
#include "common/phrase.h"
#include "sandbox/capabilities.h"
#include "sandbox/landlock.h"
#include "sandbox/syscalls.h"

#define ANSWER_MS 5000 /* for an order: a disk may be slow */

enum
{
  ORDER_ADD = 'a',
  ORDER_REMOVE = 'r'
};

typedef struct
{
  gint32 result; /* EwNsswitchResult */
  gint32 error;  /* errno */
} Answer;

static int keeper = -1; /* this end of its socket */

/* ---- the child */

static void
narrow_child (int fd)
{
  static const EwReach reach[] = { { "/etc", EW_REACH_WRITE } };
  const int null = open ("/dev/null", O_RDWR | O_CLOEXEC);

  /* Terminals and service managers send these to all processes; this one ends when its work is done. */
  signal (SIGTERM, SIG_IGN);
  signal (SIGINT, SIG_IGN);
  signal (SIGHUP, SIG_IGN);
  signal (SIGPIPE, SIG_IGN);
  prctl (PR_SET_NAME, "edgeway-names");
  /* Locks and pipes of the parent's must not outlive it. */
  for (int i = 0; i < 3 && null >= 0; i++)
    dup2 (null, i);
  if (fd != 3)
    dup3 (fd, 3, O_CLOEXEC);
  if (syscall (SYS_close_range, 4u, ~0u, 0u) != 0)
    for (int i = 4; i < 1024; i++)
      close (i);
  if (chdir ("/") != 0)
    _exit (1);
  umask (0077);
  ew_capabilities_limit_future (0);
  if (!ew_capabilities_limit (0) || !ew_process_seal ())
    _exit (1);
  ew_landlock_enter (reach, G_N_ELEMENTS (reach), FALSE);
  ew_syscalls_narrow ();
}

static G_NORETURN void
run_child (int fd)
{
  gboolean added = FALSE;
  gchar order;

  narrow_child (fd);
  for (;;)
    {
      gssize got = recv (3, &order, 1, 0);
      if (got < 0 && errno == EINTR)
        continue;
      if (got != 1 || (order != ORDER_ADD && order != ORDER_REMOVE))
        break;
      Answer answer = { .result = (gint32)ew_nsswitch_edit_file (EW_NSSWITCH_PATH, order == ORDER_ADD) };
      answer.error = errno;
      added = order == ORDER_ADD && answer.result != EW_NSSWITCH_NO_FILE && answer.result != EW_NSSWITCH_NO_LINE;
      if (send (3, &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer)
        break;
    }
  if (added)
    (void)ew_nsswitch_edit_file (EW_NSSWITCH_PATH, FALSE);
  _exit (0);
}

/* ---- edgewayd */

gboolean
ew_nsswitch_start_keeper (void)
{
  int pair[2];
  pid_t child;

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return FALSE;
  child = fork ();
  if (child == 0)
    run_child (pair[1]);
  close (pair[1]);
  if (child < 0)
    {
      close (pair[0]);
      return FALSE;
    }
  keeper = pair[0];
  return TRUE;
}

void
ew_nsswitch_stop_keeper (void)
{
  if (keeper >= 0)
    close (keeper);
  keeper = -1;
}

static EwNsswitchResult
ask_keeper (gboolean add)
{
  const gchar order = add ? ORDER_ADD : ORDER_REMOVE;
  struct pollfd poller = { .fd = keeper, .events = POLLIN };
  Answer answer = { 0 };
  int ready;

  if (send (keeper, &order, 1, MSG_NOSIGNAL) != 1)
    return EW_NSSWITCH_FAILED;
  do
    ready = poll (&poller, 1, ANSWER_MS);
  while (ready < 0 && errno == EINTR);
  if (ready == 1 && recv (keeper, &answer, sizeof answer, MSG_DONTWAIT) == sizeof answer)
    {
      errno = answer.error;
      return (EwNsswitchResult)answer.result;
    }
  /* What it answers later must not be taken for the answer to the next order. It takes the words out at its end. */
  ew_nsswitch_stop_keeper ();
  errno = ready == 0 ? ETIMEDOUT : EPIPE;
  return EW_NSSWITCH_FAILED;
}

gboolean
ew_nsswitch_apply (gboolean add, GError **error)
{
  switch (keeper >= 0 ? ask_keeper (add) : ew_nsswitch_edit_file (EW_NSSWITCH_PATH, add))
    {
    case EW_NSSWITCH_SAME:
    case EW_NSSWITCH_CHANGED:
      return TRUE;
    case EW_NSSWITCH_NO_FILE:
    case EW_NSSWITCH_NO_LINE:
      if (!add)
        return TRUE;
      ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                    "%s has no line \"hosts\", so the mesh's names can't be added to it. Add the line \"hosts: files "
                    "dns\", then restart edgewayd.",
                    EW_NSSWITCH_PATH);
      return FALSE;
    case EW_NSSWITCH_ELSEWHERE:
      ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                    "%s is a link to a file outside /etc, so edgewayd doesn't change it. Add the words \"edgeway "
                    "[!UNAVAIL=return]\" before \"dns\", and \"edgeway_short\" at the end of its line \"hosts\", with "
                    "the tool that makes that file.",
                    EW_NSSWITCH_PATH);
      return FALSE;
    case EW_NSSWITCH_STRANGE:
      ew_set_error (
        error, EW_ERROR, EW_ERROR_FAILED,
        "%s isn't a text file owned by root with a line \"hosts\" that can be read, so edgewayd doesn't change it. "
        "Correct it, then restart edgewayd.",
        EW_NSSWITCH_PATH);
      return FALSE;
    default:
      ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                    "%s can't be changed: %s. Check that root may write to it and to its folder.", EW_NSSWITCH_PATH,
                    g_strerror (errno));
      return FALSE;
    }
}
