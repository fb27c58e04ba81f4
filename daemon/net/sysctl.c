/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * /proc/sys/net belongs to whoever has CAP_NET_ADMIN in its network namespace and is uid 0 (net/sysctl_net.c), so no
 * capability over files is needed. Written in place: these are no real files.
 */
#include "net/host-private.h"
#include "common/phrase.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define VALUE_MAX 256

static int
sysctl_open (const gchar *name, int flags)
{
  g_autofree gchar *path = g_strconcat ("/proc/sys/", name, NULL);

  return open (path, flags | O_CLOEXEC | O_NOFOLLOW);
}

gchar *
ew_sysctl_read (const gchar *name)
{
  gchar value[VALUE_MAX];
  int fd = sysctl_open (name, O_RDONLY);
  ssize_t length = fd >= 0 ? read (fd, value, sizeof value) : -1;

  if (fd >= 0)
    close (fd);
  return length >= 0 ? g_strchomp (g_strndup (value, (gsize)length)) : NULL;
}

gint
ew_sysctl_read_int (const gchar *name, gint fallback)
{
  g_autofree gchar *value = ew_sysctl_read (name);

  return value != NULL ? (gint)g_ascii_strtoll (value, NULL, 10) : fallback;
}

gboolean
ew_sysctl_write (const gchar *name, const gchar *value, GError **error)
{
  int fd = sysctl_open (name, O_WRONLY);
  gboolean done = fd >= 0 && write (fd, value, strlen (value)) == (ssize_t)strlen (value);
  int saved = errno;

  if (fd >= 0)
    close (fd);
  if (!done)
    ew_set_error (error, EW_HOST_ERROR,
                  saved == EACCES || saved == EPERM ? EW_HOST_ERROR_PRIVILEGE : EW_HOST_ERROR_FAILED,
                  "The setting /proc/sys/%s can't be set to %s: %s. In a container, set it from outside.", name, value,
                  g_strerror (saved));
  return done;
}

GStrv
ew_sysctl_interfaces (guint8 family)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  g_autoptr (GDir) folder
    = g_dir_open (family == EW_FAMILY_V4 ? "/proc/sys/net/ipv4/conf" : "/proc/sys/net/ipv6/conf", 0, NULL);
  const gchar *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    if (!g_str_equal (name, "all") && !g_str_equal (name, "default"))
      g_strv_builder_add (names, name);
  return g_strv_builder_end (names);
}
