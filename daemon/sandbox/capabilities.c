/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sandbox/capabilities.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc has no wrapper for these two, and libcap would be a dependency for them alone. Version 3: two words of 32
   bits. */
static gboolean
capabilities_get (struct __user_cap_data_struct data[2])
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };

  return syscall (SYS_capget, &header, data) == 0;
}

static gboolean
capabilities_set (const struct __user_cap_data_struct data[2])
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };

  return syscall (SYS_capset, &header, data) == 0;
}

gboolean
ew_capabilities_has (guint64 wanted)
{
  struct __user_cap_data_struct data[2] = { 0 };

  return capabilities_get (data) && (wanted & ~(data[0].permitted | (guint64)data[1].permitted << 32)) == 0;
}

void
ew_capabilities_limit_future (guint64 keep)
{
  prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (int number = 0; prctl (PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++)
    if (!(keep & EW_CAPABILITY (number)) && prctl (PR_CAPBSET_DROP, number, 0, 0, 0) != 0)
      {
        g_debug ("the bounding set stays as it is: %s", g_strerror (errno));
        return;
      }
}

gboolean
ew_capabilities_limit (guint64 keep)
{
  struct __user_cap_data_struct data[2] = { 0 };

  if (!capabilities_get (data))
    return FALSE;
  for (guint word = 0; word < 2; word++)
    {
      data[word].permitted &= (guint32)(keep >> (32 * word));
      data[word].effective = data[word].permitted;
      data[word].inheritable = 0;
    }
  return capabilities_set (data);
}

gboolean
ew_process_seal (void)
{
  prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
  return prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}
