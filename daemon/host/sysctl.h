/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * /proc/sys/net can be written by uid 0 with CAP_NET_ADMIN in its network namespace (net/sysctl_net.c), so no
 * capability over files is needed. Written in place: these aren't real files. Names: "net/ipv4/ip_forward".
 */
#pragma once

#include <glib.h>

#define EW_SYSCTL_ROOT "/proc/sys"

/* One value, without its line end (transfer full); NULL: not there. */
gchar *ew_sysctl_read (const gchar *name);
gint ew_sysctl_read_int (const gchar *name, gint fallback);
/* 0 or -errno. */
int ew_sysctl_write (const gchar *name, const gchar *value);
/* … below another folder than EW_SYSCTL_ROOT, for tests. */
gchar *ew_sysctl_read_in (const gchar *root, const gchar *name);
int ew_sysctl_write_in (const gchar *root, const gchar *name, const gchar *value);
/* Names of interfaces that have settings in folder ("net/ipv4/conf"), without "all". (transfer full) */
GStrv ew_sysctl_interfaces_in (const gchar *root, const gchar *folder);
/* … of a family (EwFamily), without "default" too. */
GStrv ew_sysctl_interfaces (guint8 family);
