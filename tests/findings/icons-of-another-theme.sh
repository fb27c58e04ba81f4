#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The guess: where the desktop's icon theme lacks an icon, GTK takes Adwaita's, as long as that is installed: GTK 3 does.
# Seen: GTK 4 looks in the theme, in what that inherits, in hicolor and in its own resources. On XFCE with the theme Tango, a list had no sign of
# what is offline, and a line about the internet began with the icon of a missing icon, with adwaita-icon-theme installed.
# Version: GTK 4.8.3+ds-2+deb12u1 and 3.24.38-2~deb12u3, adwaita-icon-theme 43-1 of Debian 12.
# What follows: the app brings the icons that GTK itself has not (tests/data/test_icons.py).
# Exit status: 0 as described, 1 when it is otherwise, 2 when it cannot be tried here.
set -eu
command -v cc >/dev/null && pkg-config --exists gtk4 gtk+-3.0 ||
  { echo "A C compiler or the headers of GTK 3 and 4 are not here."; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download libgtk-4-1=4.8.3+ds-2+deb12u1 libgtk-3-0=3.24.38-2~deb12u3 adwaita-icon-theme=43-1 hicolor-icon-theme >/dev/null 2>&1 || { echo "The packages cannot be downloaded."; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find "$folder/root" -name 'libgtk-4.so.1')")
cat >"$folder/try.c" <<'C'
#include <gtk/gtk.h>

int
main (void)
{
  GtkIconTheme *theme;
  const char *names[] = { "network-error-symbolic", "window-close-symbolic" };
#if GTK_MAJOR_VERSION == 3
  theme = gtk_icon_theme_new ();
  gtk_icon_theme_set_custom_theme (theme, "a-theme-that-has-none");
#else
  gtk_init_check (); /* its own resources are there afterwards; a display isn't needed */
  theme = gtk_icon_theme_new ();
  gtk_icon_theme_add_resource_path (theme, "/org/gtk/libgtk/icons"); /* as a display's has */
  gtk_icon_theme_set_theme_name (theme, "a-theme-that-has-none");
#endif
  for (unsigned i = 0; i < G_N_ELEMENTS (names); i++)
    g_print ("GTK %d: %s %s\n", GTK_MAJOR_VERSION, names[i], gtk_icon_theme_has_icon (theme, names[i]) ? "found" : "not found");
  return !gtk_icon_theme_has_icon (theme, names[1]) ? 3 : gtk_icon_theme_has_icon (theme, names[0]) ? 0 : 1;
}
C
for version in gtk+-3.0 gtk4; do
  # shellcheck disable=SC2046
  cc -o "$folder/$version" "$folder/try.c" $(pkg-config --cflags --libs "$version")
done
echo "expected: found by both"
export LD_LIBRARY_PATH="$libraries" XDG_DATA_DIRS="$folder/root/usr/share" XDG_DATA_HOME="$folder/none"
"$folder/gtk+-3.0"
status=0; "$folder/gtk4" || status=$?
[ "$status" = 1 ]
