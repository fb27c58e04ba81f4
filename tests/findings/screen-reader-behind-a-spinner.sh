#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The guess: an animation costs frames, and nothing else: a window with a GtkSpinner in it is known to a screen reader as soon as one without it,
# also where drawing a frame takes longer than the 16 ms between two.
# Seen: a screen reader never sees the program. GTK tells AT-SPI of it in an idle source (G_PRIORITY_DEFAULT_IDLE, 200), which comes after drawing
# (GDK_PRIORITY_REDRAW, 120), and a spinner asks for the next frame in each.
# Version: libgtk-4-1 4.8.3, at-spi2-core 2.46.0 of Debian 12.
# What follows: the app's spinner (app/access/spinner.c) turns in steps at G_PRIORITY_LOW, and the map is read at default priority (app/model/stream.c).
# Exit status: 0 as described, 1 when it behaves otherwise, 2 when it cannot be tried here.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for program in Xvfb dbus-run-session python3; do command -v $program >/dev/null || { echo "$program isn't installed."; exit 2; }; done
/usr/bin/python3 -c 'import gi; gi.require_version("Gtk", "4.0"); gi.require_version("Atspi", "2.0")' 2>/dev/null || { echo "gir1.2-gtk-4.0 or gir1.2-atspi-2.0 isn't installed."; exit 2; }
apt-get download libgtk-4-1=4.8.3+ds-2+deb12u1 gir1.2-gtk-4.0=4.8.3+ds-2+deb12u1 >/dev/null 2>&1 || { echo "The packages cannot be downloaded."; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find "$folder/root" -name 'libgtk-4.so.1')")
types=$(dirname "$(find "$folder/root" -name 'Gtk-4.0.typelib')")
cat >window.py <<'PYTHON'
import sys, time
import gi
gi.require_version("Gtk", "4.0")
from gi.repository import GLib, Gtk

class Slow(Gtk.Label):
    def do_snapshot(self, snapshot):
        time.sleep(0.03)  # a frame on a computer without a graphics card
        Gtk.Label.do_snapshot(self, snapshot)

def activate(app):
    window, box, spinner = Gtk.ApplicationWindow(application=app), Gtk.Box(), Gtk.Spinner(spinning=sys.argv[1] == "spinning")
    slow = Slow(label="slow")
    box.append(slow)
    box.append(spinner)
    window.set_child(box)
    spinner.add_tick_callback(lambda *_: (slow.queue_draw(), True)[1]) if sys.argv[1] == "spinning" else None
    window.present()

app = Gtk.Application(application_id="org.example.Spinner")
app.connect("activate", activate)
app.run([])
PYTHON
cat >looker.py <<'PYTHON'
import os
import subprocess
import sys
import time
import gi
gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib

Atspi.set_timeout(500, 500)

def seen(how):
    window = subprocess.Popen([sys.executable, "window.py", how], env=dict(os.environ, LD_LIBRARY_PATH=sys.argv[1], GI_TYPELIB_PATH=sys.argv[2]), stderr=subprocess.DEVNULL)
    try:
        for _ in range(40):
            time.sleep(0.25)
            desktop = Atspi.get_desktop(0)
            desktop.clear_cache()
            while GLib.MainContext.default().iteration(False):
                pass
            if desktop.get_child_count() > 0:
                return True
        if window.poll() is not None:
            sys.exit(2)
        return False
    finally:
        window.kill()
        window.wait()
        time.sleep(1)

plain, spinning = seen("plain"), seen("spinning")
print(f"a window without a spinner is seen by a screen reader: {plain}")
print(f"a window with a spinner: expected True, seen {spinning}")
sys.exit(2 if not plain else int(spinning))
PYTHON
ls ./*.deb; dpkg-query -W -f='${Package} ${Version}\n' at-spi2-core 2>/dev/null || true
number=$(sh -c 'Xvfb -displayfd 3 -screen 0 800x600x24 -nolisten tcp 3>number >/dev/null 2>&1 & echo $! >pid; sleep 2; cat number')
trap 'kill "$(cat pid)" 2>/dev/null; rm -rf "$folder"' EXIT
export DISPLAY=":$number" GDK_BACKEND=x11 GSK_RENDERER=cairo GSETTINGS_BACKEND=memory XDG_RUNTIME_DIR="$folder" HOME="$folder"
unset WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS
status=0
dbus-run-session -- /usr/bin/python3 looker.py "$libraries" "$types" 2>/dev/null || status=$?
exit $status
