/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/essentials.h"
#include "common/error.h"
#include "common/phrase.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

gboolean
ew_essentials_may_administer (void)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct data[2] = { 0 };
  return syscall (SYS_capget, &header, data) == 0 && (data[0].effective & (1u << CAP_NET_ADMIN));
}

gint
ew_essentials_open_tun (void)
{
  int fd = open ("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (fd < 0)
    return errno;
  close (fd);
  return 0;
}

gboolean
ew_essentials_check (GError **error)
{
  gint missing = ew_essentials_open_tun ();
  if (!ew_essentials_may_administer ())
    ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                  "edgewayd may not change this computer's network (CAP_NET_ADMIN is missing), so the enrollment key "
                  "wasn't used. Start edgewayd as root; in a container, add `--cap-add NET_ADMIN`.");
  else if (missing != 0)
    ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                  "/dev/net/tun can't be opened (%s), so the enrollment key wasn't used. Load the module: `sudo "
                  "modprobe tun`; in a container, add `--device /dev/net/tun`.",
                  g_strerror (missing));
  else
    return TRUE;
  return FALSE;
}
