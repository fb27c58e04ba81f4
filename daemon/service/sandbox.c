/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/sandbox.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

#include "sandbox/hidden-paths.h"
#include "sandbox/landlock.h"
#include "sandbox/syscalls.h"
#include "service/privileges.h"

/* For `wg`'s sockets, and for edgewayd's if there is no bus. */
static const gchar *const written[] = { "/run/edgeway", "/run/wireguard" };

/* What else in /run and /var is needed. A socket is made again when its owner is restarted, so it is
   its folder that is kept, except where root-only sockets are next to it. */
static const gchar *const shown[] = {
  "/run/dbus",
  "/run/systemd/notify",
  "/run/systemd/resolve", /* resolv.conf and nss-resolve's socket */
  "/run/NetworkManager",  /* resolv.conf, replaced by rename */
  "/run/resolvconf",
  "/run/connman",
  "/run/dnsmasq",      /* Debian's resolvconf: whom dnsmasq asks */
  "/run/avahi-daemon", /* nss-mdns */
  "/run/nscd",
  "/var/lib/dbus", /* machine-id */
  NULL,
};

/* Of /etc, where it is root's as everywhere. */
static const EwReach etc_reach[] = {
  { "/etc/resolv.conf", EW_REACH_READ },     { "/etc/nsswitch.conf", EW_REACH_READ },
  { "/etc/hosts", EW_REACH_READ },           { "/etc/host.conf", EW_REACH_READ },
  { "/etc/hostname", EW_REACH_READ },        { "/etc/gai.conf", EW_REACH_READ },
  { "/etc/services", EW_REACH_READ },        { "/etc/protocols", EW_REACH_READ },
  { "/etc/passwd", EW_REACH_READ },          { "/etc/group", EW_REACH_READ },
  { "/etc/localtime", EW_REACH_READ },       { "/etc/machine-id", EW_REACH_READ },
  { "/etc/os-release", EW_REACH_READ },      { "/etc/ld.so.cache", EW_REACH_READ },
  { "/etc/ld.so.preload", EW_REACH_READ },   { "/etc/ssl/openssl.cnf", EW_REACH_READ },
  { "/etc/gnutls", EW_REACH_READ },          { "/etc/pkcs11", EW_REACH_READ },
  { "/etc/crypto-policies", EW_REACH_READ }, { "/etc/iproute2", EW_REACH_READ },
};

static void
add_reach (GArray *array, const gchar *path, EwReachAccess access)
{
  EwReach item = { path, access };

  g_array_append_val (array, item);
}

/* NetworkManager and dhclient replace a resolv.conf that is a file of its own, and an administrator's editor, a package
   or Edgeway's own words replace nsswitch.conf; a rule holds for the inode that was there. A link into /run may be
   replaced, and so may what it points to; a container's file is a mount, and stays. */
static gboolean
files_of_names_change_inode (void)
{
  return !ew_is_mount_point ("/etc/nsswitch.conf")
         || (!g_file_test ("/etc/resolv.conf", G_FILE_TEST_IS_SYMLINK) && !ew_is_mount_point ("/etc/resolv.conf"));
}

static gboolean
is_abstract (const gchar *address)
{
  return address != NULL && strstr (address, "unix:abstract=") != NULL;
}

static void
enter_landlock (const EwSandboxConfig *config, const EwHiddenPaths *hidden)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (EwReach));
  const gchar *bus = g_getenv ("DBUS_SYSTEM_BUS_ADDRESS");

  ew_reach_add_common (all);
  add_reach (all, config->state_dir, EW_REACH_WRITE);
  for (gsize i = 0; i < G_N_ELEMENTS (written); i++)
    add_reach (all, written[i], EW_REACH_WRITE);
  /* A name server that cannot be found is worse than files that other layers hide, too. */
  if (hidden->etc_public || files_of_names_change_inode ())
    add_reach (all, "/etc", EW_REACH_READ);
  else
    g_array_append_vals (all, etc_reach, G_N_ELEMENTS (etc_reach));
  if (hidden->own)
    add_reach (all, "/run", EW_REACH_READ);
  for (const gchar *const *path = shown; *path != NULL; path++)
    add_reach (all, *path, EW_REACH_READ);
  ew_landlock_enter ((const EwReach *)(void *)all->data, all->len, is_abstract (config->bus) || is_abstract (bus));
}

/* Where a D-Bus address leads to, if to a socket with a path (D-Bus specification, "Server Addresses"). */
static void
add_bus_folder (GPtrArray *paths, const gchar *address)
{
  const gchar *at = address != NULL ? strstr (address, "unix:path=") : NULL;

  if (at != NULL)
    {
      g_autofree gchar *value = g_strndup (at + strlen ("unix:path="), strcspn (at + strlen ("unix:path="), ",;"));
      g_autofree gchar *path = g_uri_unescape_string (value, NULL);
      if (path != NULL && g_path_is_absolute (path))
        g_ptr_array_add (paths, g_path_get_dirname (path)); /* the socket itself is another after a restart */
    }
}

static EwHiddenPaths
hide_paths (const EwSandboxConfig *config)
{
  static const gchar *const none[] = { NULL };
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  const gchar *notify = g_getenv ("NOTIFY_SOCKET");

  for (gsize i = 0; i < G_N_ELEMENTS (written); i++)
    g_ptr_array_add (paths, g_strdup (written[i]));
  g_ptr_array_add (paths, g_strdup (config->state_dir));
  add_bus_folder (paths, config->bus);
  add_bus_folder (paths, g_getenv ("DBUS_SYSTEM_BUS_ADDRESS"));
  if (notify != NULL && g_path_is_absolute (notify))
    g_ptr_array_add (paths, g_strdup (notify));
  g_ptr_array_add (paths, NULL);
  return ew_hidden_paths_enter ((const gchar *const *)paths->pdata, shown, config->closed ? config->closed : none,
                                !config->no_id_mapping);
}

gboolean
ew_sandbox_enter (const EwSandboxConfig *config, GError **error)
{
  EwHiddenPaths hidden = hide_paths (config);

  if (!ew_privileges_drop (error))
    return FALSE;
  enter_landlock (config, &hidden);
  ew_syscalls_narrow ();
  return TRUE;
}
