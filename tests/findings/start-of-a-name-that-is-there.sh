#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The guess: StartServiceByName of a name that a program owns answers 2, DBUS_START_REPLY_ALREADY_RUNNING ("A connection already owns the given
# name", as the D-Bus specification has it), whoever started that program.
# Seen: where no .service file has that name the bus answers with the error ServiceUnknown, "was not provided by any .service files", though the
# name is owned and answers. With a .service file of that name it answers 2.
# Version: dbus-daemon 1.14.10-1~deb12u1 of Debian 12.
# What follows: app/model/daemon.c asks for the owner beside starting it, and takes that error for an absence only where the name has no owner.
# Exit status: 0 as described, 1 when it is otherwise, 2 when it cannot be tried here.
set -eu
/usr/bin/python3 -c 'from gi.repository import Gio' 2>/dev/null || { echo "python3-gi is not here."; exit 2; }
folder=$(mktemp -d) pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download dbus-daemon=1.14.10-1~deb12u1 libdbus-1-3=1.14.10-1~deb12u1 >/dev/null 2>&1 || { echo "The packages cannot be downloaded."; exit 2; }
for package in *.deb; do dpkg -x "$package" files; done
libraries=$(dirname "$(find "$folder/files" -name 'libdbus-1.so.3')")
mkdir services
printf '[D-BUS Service]\nName=org.example.Listed\nExec=/bin/false\n' >services/org.example.Listed.service
cat >bus.conf <<XML
<busconfig>
  <type>session</type>
  <listen>unix:path=$folder/bus</listen>
  <servicedir>$folder/services</servicedir>
  <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
XML
LD_LIBRARY_PATH=$libraries "$folder/files/usr/bin/dbus-daemon" --config-file="$folder/bus.conf" --nofork --nosyslog 2>/dev/null &
pid=$!
n=0
until [ -S "$folder/bus" ]; do n=$((n + 1)); [ $n -lt 100 ] || { echo "The bus doesn't start."; exit 2; }; sleep 0.1; done
DBUS_SESSION_BUS_ADDRESS=unix:path=$folder/bus /usr/bin/python3 - <<'PY'
import sys

from gi.repository import Gio, GLib

bus = Gio.bus_get_sync(Gio.BusType.SESSION)


def ask(method, signature, *arguments):
    try:
        return bus.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method, GLib.Variant(signature, arguments), None, 0, -1).unpack()[0]
    except GLib.Error as error:
        return Gio.DBusError.get_remote_error(error)


seen = {}
for name in ("org.example.Unlisted", "org.example.Listed"):
    assert ask("RequestName", "(su)", name, 4) == 1
    assert ask("GetNameOwner", "(s)", name) == bus.get_unique_name()
    seen[name] = ask("StartServiceByName", "(su)", name, 0)
    print(f"{name} is owned; StartServiceByName: expected 2, seen {seen[name]}")
sys.exit(0 if list(seen.values()) == ["org.freedesktop.DBus.Error.ServiceUnknown", 2] else 1)
PY
