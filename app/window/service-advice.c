/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "window/service-advice.h"

#include <string.h>

#include "model/autostart.h"

/* app/run keeps a list of what it has installed. */
#define MANIFEST "/usr/share/edgeway/manifest"
#define INSTALLED "/usr/bin/edgeway"

EwOrigin
ew_service_origin (void)
{
  if (ew_autostart_is_sandboxed ())
    return EW_ORIGIN_SANDBOX;
  return !g_file_test (MANIFEST, G_FILE_TEST_EXISTS) && g_file_test (INSTALLED, G_FILE_TEST_EXISTS) ? EW_ORIGIN_PACKAGE
                                                                                                    : EW_ORIGIN_CLONE;
}

gchar *
ew_service_read_os_release (EwOrigin origin)
{
  /* os-release(5), and where Flatpak shows the host's. */
  static const gchar *const system[] = { "/etc/os-release", "/usr/lib/os-release", NULL };
  static const gchar *const host[]
    = { "/run/host/os-release", "/run/host/etc/os-release", "/run/host/usr/lib/os-release", NULL };
  gchar *text = NULL;

  for (const gchar *const *path = origin == EW_ORIGIN_SANDBOX ? host : system; *path != NULL && text == NULL; path++)
    g_file_get_contents (*path, &text, NULL, NULL);
  return text != NULL ? text : g_strdup ("");
}

/* The value of a variable of os-release, without its quotes; "": it isn't there. */
static gchar *
read_variable (const gchar *os_release, const gchar *name)
{
  g_auto (GStrv) lines = g_strsplit (os_release, "\n", -1);
  const gsize length = strlen (name);

  for (gchar **line = lines; *line != NULL; line++)
    if (g_str_has_prefix (*line, name) && (*line)[length] == '=')
      {
        g_autofree gchar *value = g_shell_unquote (*line + length + 1, NULL);
        return g_steal_pointer (&value) ?: g_strdup ("");
      }
  return g_strdup ("");
}

gchar *
ew_service_commands (EwOrigin origin, const gchar *os_release)
{
  static const struct
  {
    const gchar *family, *command;
  } families[] = {
    { "debian", "sudo apt install edgewayd" },      { "ubuntu", "sudo apt install edgewayd" },
    { "fedora", "sudo dnf install edgewayd" },      { "rhel", "sudo dnf install edgewayd" },
    { "centos", "sudo dnf install edgewayd" },      { "suse", "sudo zypper install edgewayd" },
    { "opensuse", "sudo zypper install edgewayd" },
  };
  g_autofree gchar *id = NULL, *like = NULL, *all = NULL;
  g_auto (GStrv) words = NULL;

  if (origin == EW_ORIGIN_CLONE)
    return g_strdup ("sudo app/run --join");
  id = read_variable (os_release, "ID");
  like = read_variable (os_release, "ID_LIKE");
  all = g_strconcat (id, " ", like, NULL);
  words = g_strsplit (all, " ", -1);
  for (guint i = 0; i < G_N_ELEMENTS (families); i++)
    if (g_strv_contains ((const gchar *const *)words, families[i].family))
      return g_strconcat (families[i].command, "\nsudo systemctl enable --now edgewayd", NULL);
  return g_strdup ("");
}

const gchar *
ew_service_demo (EwOrigin origin)
{
  return origin == EW_ORIGIN_CLONE ? "app/run --demo" : NULL;
}
