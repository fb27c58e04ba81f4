#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The guess: whoever activates an application's action over D-Bus while it is disabled gets an error, so that a launcher or a notification
# server can say that nothing happened.
# Seen: the call succeeds, by both interfaces and by the gapplication command, and the action's handler is never called. An application that
# enables its actions once it knows what is possible loses what started it.
# Version: GLib 2.74.6 of Debian 12 (its introspection data says 2.74.4), with the Python bindings 3.42.2.
# What follows: actions that can be reached from outside keep what comes while they are disabled (app/control/patient-action.c).
# Exit status: 0 as described, 1 when it is otherwise, 2 when it cannot be tried here.
set -eu
command -v dbus-run-session >/dev/null && /usr/bin/python3 -c 'from gi.repository import Gio' 2>/dev/null ||
  { echo "dbus-run-session or the Python bindings are not here."; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download libglib2.0-0=2.74.6-2+deb12u9 libglib2.0-bin=2.74.6-2+deb12u9 gir1.2-glib-2.0 >/dev/null 2>&1 || { echo "The packages cannot be downloaded."; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find "$folder/root" -name 'libgio-2.0.so.0')")
tree=$folder/root
typelibs=$(dirname "$(find "$tree" -name 'Gio-2.0.typelib')")
export LD_LIBRARY_PATH="$libraries" GI_TYPELIB_PATH="$typelibs" PATH="$tree/usr/bin:$PATH"
cat >"$folder/try.py" <<'PYTHON'
import subprocess
from gi.repository import Gio, GLib
print("GLib", ".".join(str(part) for part in (GLib.MAJOR_VERSION, GLib.MINOR_VERSION, GLib.MICRO_VERSION)))
ID, PATH = "org.example.Disabled", "/org/example/Disabled"
called, answers = [], []
app = Gio.Application(application_id=ID, flags=Gio.ApplicationFlags.FLAGS_NONE)
for name in ("on", "off"):
    action = Gio.SimpleAction(name=name, enabled=name == "on")
    action.connect("activate", lambda action, _: called.append(action.get_name()))
    app.add_action(action)

def ask(bus, name):
    for interface, method, arguments in (("org.freedesktop.Application", "ActivateAction", ("(sava{sv})", (name, [], {}))),
                                         ("org.gtk.Actions", "Activate", ("(sava{sv})", (name, [], {})))):
        try:
            bus.call_sync(ID, PATH, interface, method, GLib.Variant(*arguments), None, 0, 5000, None)
            answers.append((name, interface, "succeeds"))
        except GLib.Error as error:
            answers.append((name, interface, error.message))
    answers.append((name, "gapplication", subprocess.run(["gapplication", "action", ID, name]).returncode))

def in_thread():
    bus = Gio.DBusConnection.new_for_address_sync(Gio.dbus_address_get_for_bus_sync(Gio.BusType.SESSION, None), Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
                                                  | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
    for name in ("on", "off"):
        ask(bus, name)
    GLib.idle_add(app.quit)

def start(app):
    import threading
    app.hold()
    threading.Thread(target=in_thread).start()
app.connect("activate", start)
app.run([])
print("expected: errors for off; seen:", *answers, sep="\n  ")
print("handlers called:", called)
same = all(answer in ("succeeds", 0) for _, _, answer in answers) and called == ["on"] * 3
raise SystemExit(0 if same else 1)
PYTHON
dbus-run-session -- /usr/bin/python3 -B "$folder/try.py"
