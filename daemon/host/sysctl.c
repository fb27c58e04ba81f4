/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "proto/address.h"

#define VALUE_MAX 256

static int
sysctl_open (const gchar *root, const gchar *name, int flags)
{
  g_autofree gchar *path = g_build_filename (root, name, NULL);

  return open (path, flags | O_CLOEXEC | O_NOFOLLOW);
}

gchar *
ew_sysctl_read_in (const gchar *root, const gchar *name)
{
  gchar value[VALUE_MAX];
  int fd = sysctl_open (root, name, O_RDONLY);
  ssize_t length = fd >= 0 ? read (fd, value, sizeof value) : -1;

  if (fd >= 0)
    close (fd);
  return length >= 0 ? g_strchomp (g_strndup (value, (gsize)length)) : NULL;
}

gchar *
ew_sysctl_read (const gchar *name)
{
  return ew_sysctl_read_in (EW_SYSCTL_ROOT, name);
}

gint
ew_sysctl_read_int (const gchar *name, gint fallback)
{
  g_autofree gchar *value = ew_sysctl_read (name);

  return value != NULL ? (gint)g_ascii_strtoll (value, NULL, 10) : fallback;
}

int
ew_sysctl_write_in (const gchar *root, const gchar *name, const gchar *value)
{
  int fd = sysctl_open (root, name, O_WRONLY);
  int result = 0;

  if (fd < 0)
    return -errno;
  if (write (fd, value, strlen (value)) != (ssize_t)strlen (value))
    result = -errno;
  close (fd);
  return result;
}

int
ew_sysctl_write (const gchar *name, const gchar *value)
{
  return ew_sysctl_write_in (EW_SYSCTL_ROOT, name, value);
}

GStrv
ew_sysctl_interfaces_in (const gchar *root, const gchar *folder)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  g_autofree gchar *path = g_build_filename (root, folder, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (!g_str_equal (name, "all"))
      g_strv_builder_add (names, name);
  return g_strv_builder_end (names);
}

GStrv
ew_sysctl_interfaces (guint8 family)
{
  g_auto (GStrv) all
    = ew_sysctl_interfaces_in (EW_SYSCTL_ROOT, family == EW_FAMILY_V4 ? "net/ipv4/conf" : "net/ipv6/conf");
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  for (gchar **name = all; *name != NULL; name++)
    if (!g_str_equal (*name, "default"))
      g_strv_builder_add (names, *name);
  return g_strv_builder_end (names);
}
